"""Styles: saved prompts that are put into one's own, and found again in a prompt that was pasted.

The rules are A1111's: `{prompt}` in a style stands for one's own prompt; a style without it is appended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from webui.params import MAX_PROMPT, InvalidParamsError

PLACE = "{prompt}"


@dataclass(frozen=True)
class Style:
    """A saved prompt. `file` is where it is kept; where that isn't ours, it can't be changed."""

    name: str
    prompt: str = ""
    negative_prompt: str = ""
    file: Path = Path()
    editable: bool = True


def put_in(style: str, prompt: str) -> str:
    """`prompt` with the text of one style.

    Raises:
        InvalidParamsError: it becomes longer than a prompt may be.
    """
    places = style.count(PLACE)
    # Counted before it is made: fifty styles that tell the prompt twice would fill the memory.
    if places and len(style) + places * (len(prompt) - len(PLACE)) > MAX_PROMPT:
        raise too_long("styles", "with its styles")
    merged = _merged(style, prompt)
    if len(merged) > MAX_PROMPT:
        raise too_long("styles", "with its styles")
    return merged


def _merged(style: str, prompt: str) -> str:
    if PLACE in style:
        return style.replace(PLACE, prompt)
    return ", ".join(filter(None, (prompt.strip(), style.strip())))


def too_long(field: str, when: str) -> InvalidParamsError:
    """The error where a prompt would exceed what one may be; `when` says through what."""
    return InvalidParamsError(
        field, f"The prompt {when} is longer than {MAX_PROMPT:,} characters. Leave some of it out."
    )


def apply(styles: Iterable[Style], prompt: str, negative_prompt: str) -> tuple[str, str]:
    """Prompt and negative prompt with the texts of `styles`, in this order.

    Raises:
        InvalidParamsError: one of them becomes longer than a prompt may be.
    """
    for style in styles:
        prompt = put_in(style.prompt, prompt)
        negative_prompt = put_in(style.negative_prompt, negative_prompt)
    return prompt, negative_prompt


def extract(styles: Sequence[Style], prompt: str, negative_prompt: str) -> tuple[str, str, tuple[str, ...]]:
    """What is left of two prompts without the styles that they hold, and those styles' names.

    Put in again in the order told, they give the same prompts, but for space around them.
    """
    waiting = [style for style in styles if _changes(style.prompt) or _changes(style.negative_prompt)]
    found: list[str] = []
    while True:
        for style in waiting:
            if rest := _without(style, prompt, negative_prompt):
                break
        else:
            return prompt, negative_prompt, tuple(reversed(found))
        prompt, negative_prompt = rest
        found.append(style.name)
        waiting.remove(style)


def _changes(text: str) -> bool:
    """Whether a style's text makes anything else of a prompt."""
    return text.strip() not in ("", PLACE)


def _without(style: Style, prompt: str, negative_prompt: str) -> tuple[str, str] | None:
    """Both prompts less the style; None if one of them doesn't hold its part."""
    rest = _less(style.prompt, prompt)
    negative_rest = _less(style.negative_prompt, negative_prompt)
    return None if rest is None or negative_rest is None else (rest, negative_rest)


def _less(style: str, prompt: str) -> str | None:
    style, prompt = style.strip(), prompt.strip()
    before, place, after = style.partition(PLACE)
    if place:
        inside = prompt.startswith(before) and prompt.endswith(after) and len(prompt) >= len(before + after)
        rest = prompt[len(before) : len(prompt) - len(after)] if inside else None
    else:
        rest = prompt.removesuffix(style).removesuffix(", ") if prompt.endswith(style) else None
    # "a bobcat" ends with "cat", but not because a style was put in.
    return rest if rest is not None and _merged(style, rest).strip() == prompt else None
