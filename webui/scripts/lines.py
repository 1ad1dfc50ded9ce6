"""Prompts from file or textbox: one wish a line, a prompt or options as on a command line."""

from __future__ import annotations

from typing import Any

from webui.params import GenerationParams, InvalidParamsError
from webui.params.scripts import PromptsFromFile
from webui.scripts.plan import Cell, ScriptPlan, Seeds, changed, check_count, wrapped
from webui.scripts.words import split

PROMPTS = ("prompt", "negative_prompt")
ALIASES = {"sd_model": "checkpoint"}
LEFT_OUT = (
    *("outpath_samples", "outpath_grids", "prompt_for_display", "restore_faces", "sampler_index"),
    *("do_not_save_samples", "do_not_save_grid"),
)
"""Options of A1111 that mean nothing here."""


def plan(params: GenerationParams, script: PromptsFromFile, seeds: Seeds) -> ScriptPlan:
    """A cell for each line that isn't empty and doesn't begin with "#".

    Raises:
        InvalidParamsError: a line can't be read or holds a value that can't be used, or there are too many.
    """
    lines = _lines(script.prompts)
    check_count(len(lines))
    told: dict[str, None] = {}
    wishes = [(where, _wish(where, line, told)) for where, line in lines]
    together = script.iterate_seed or script.same_seed or params.seed >= 0

    def cell(number: int) -> Cell:
        where, wish = wishes[number]
        seed = seeds.seed if together else seeds.drawn(f"line {number}")
        if script.iterate_seed:
            seed += number * params.n_iter * params.batch_size
        own = {"seed": wrapped(seed), "subseed": seeds.subseed, **wish, **_joined(wish, params, script)}
        made = changed(params, own, where)
        random = [name for name in ("seed", "subseed") if getattr(made, name) < 0]
        made = made.changed(**{name: seeds.drawn(f"{name} of line {number}") for name in random})
        return Cell(made, made.seed, made.subseed, (0, number, 0), where)

    return ScriptPlan(len(wishes), cell, notices=tuple(told), facts=(("Script", script.name),))


def _lines(text: str) -> list[tuple[str, str]]:
    stripped = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    lines = [(f"Line {number}", line) for number, line in stripped if line and not line.startswith("#")]
    if not lines:
        raise InvalidParamsError("script", "Prompts from file or textbox needs at least one line.")
    return lines


def _wish(where: str, line: str, told: dict[str, None]) -> dict[str, Any]:
    """The fields that a line names. What it names in vain is put into `told`."""
    wish = _options(where, line) if line.startswith("--") else {"prompt": line}
    for name in LEFT_OUT:
        if wish.pop(name, None) is not None:
            told[f"--{name} means nothing here and was left out."] = None
    return wish


def _joined(wish: dict[str, Any], params: GenerationParams, script: PromptsFromFile) -> dict[str, str]:
    """A line's prompts with those of the form."""
    prompts: dict[str, str] = {}
    for name in PROMPTS:
        own, common = wish.get(name, ""), getattr(params, name)
        both = (own, common) if script.insert_at == "start" else (common, own)
        prompts[name] = " ".join(filter(None, both))
    return prompts


def _options(where: str, line: str) -> dict[str, Any]:
    try:
        words = split(line)
    except ValueError as error:
        raise InvalidParamsError(
            "script",
            f"{where}: the quotes don't close. Put texts that hold a quote into quotes of the other kind.",
        ) from error
    options: dict[str, Any] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = ALIASES.get(word[2:], word[2:])
            options[name] = []
        else:
            options[name].append(word)
    return {name: _value(where, name, given) for name, given in options.items()}


def _value(where: str, name: str, words: list[str]) -> str | tuple[str, ...]:
    """Prompts need no quotes; styles are separated by commas; all else is one word."""
    if name == "script":
        raise InvalidParamsError("script", f"{where}: a line can't bring a script of its own.")
    if name in PROMPTS:
        return " ".join(words)
    if len(words) != 1:
        problem = "has no value" if not words else "has several values; put it into quotes"
        raise InvalidParamsError("script", f"{where}: --{name[:60]} {problem}.")
    if name == "styles":
        return tuple(filter(None, (style.strip() for style in words[0].split(","))))
    return words[0]
