"""Prompt matrix: "a|b|c" drawn as a, a b, a c, and a b c."""

from __future__ import annotations

from webui.params import GenerationParams, InvalidParamsError
from webui.params.scripts import PromptMatrix
from webui.scripts.plan import (
    MAX_PICTURES,
    Cell,
    Label,
    Layout,
    Legend,
    ScriptPlan,
    Seeds,
    changed,
    check_count,
    wrapped,
)

OPENING, CLOSING = "[{", "]}"


def plan(params: GenerationParams, script: PromptMatrix, seeds: Seeds) -> ScriptPlan:
    """A cell for each choice of the optional parts, one picture each; batch count and size don't count.

    Raises:
        InvalidParamsError: there are no optional parts, or too many.
    """
    field = "negative_prompt" if script.prompt_type == "negative" else "prompt"
    base, *options = parts(getattr(params, field))
    options = [option.strip(",") for option in options]
    if not options:
        raise InvalidParamsError(
            "script",
            f'Prompt matrix needs optional parts behind "|" in the {_called(field)}, as in a cat|in rain.',
        )
    if len(options) > MAX_PICTURES.bit_length():
        raise InvalidParamsError(
            "script", f"Prompt matrix: {len(options)} optional parts are too many; name fewer."
        )
    check_count(2 ** len(options))
    across = (len(options) + 1) // 2
    joined = ", " if script.variations_delimiter == "comma" else " "

    def cell(number: int) -> Cell:
        chosen = [option for at, option in enumerate(options) if number >> at & 1]
        words = [*chosen, base] if script.put_at_start else [base, *chosen]
        seed = wrapped(seeds.seed + (number if script.different_seeds else 0))
        prompt = joined.join(filter(None, words))
        own = {"n_iter": 1, "batch_size": 1, "seed": seed, "subseed": seeds.subseed}
        made = changed(params, {field: prompt, **own}, script.name)
        place = number % 2**across, number >> across, 0
        return Cell(made, seed, seeds.subseed, place, prompt)

    layout = Layout(_legend(options[:across]), _legend(options[across:]), margin=script.margin_size)
    return ScriptPlan(2 ** len(options), cell, layout, facts=(("Script", script.name),))


def parts(prompt: str) -> list[str]:
    """What `|` parts, but for those within the brackets of alternation [a|b] and of dynamic prompts {a|b}."""
    depth, found, begun, escaped = 0, [], 0, False
    for at, sign in enumerate(prompt):
        if escaped or sign == "\\":
            escaped = not escaped
        elif sign in OPENING:
            depth += 1
        elif sign in CLOSING:
            depth = max(0, depth - 1)
        elif sign == "|" and depth == 0:
            found.append(prompt[begun:at])
            begun = at + 1
    if depth:  # a bracket that is never closed is a mere sign
        return [part.strip() for part in prompt.split("|")]
    return [part.strip() for part in (*found, prompt[begun:])]


def _legend(options: list[str]) -> Legend:
    """Of every column or row all its options, crossed out where they are left out."""
    return tuple(
        tuple(Label(option, active=bool(number >> at & 1)) for at, option in enumerate(options))
        for number in range(2 ** len(options))
    )


def _called(field: str) -> str:
    return field.replace("_", " ")
