"""The form of the text: a prompt, a negative prompt, and a line of "Key: value" pairs.

What keys there are, and what they mean, is nothing to this module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MAX_TEXT = 1_000_000
"""Signs. Longer texts are nobody's infotext."""
FEWEST_PAIRS = 3
"""A last line with fewer pairs belongs to the prompt."""

NEGATIVE = "Negative prompt:"
FIRST_KEY = "Steps:"
TEMPLATE, NEGATIVE_TEMPLATE = "Template", "Negative Template"
FP8, USER = "FP8 weight", "User"
LORAS, EMBEDDINGS = "Lora hashes", "TI hashes"
EXACT, EXACT_NEGATIVE = "Exact prompt", "Exact negative prompt"
"""Keys for prompts that the form can't carry as they are. They are JSON strings, quotes and all."""

# The pairs are those of A1111's pattern, a key of at least two signs and a value that is quoted or goes up to
# the comma. What begins no pair is skipped in one go: with possessive quantifiers and without a search the
# time grows with the length only, whatever the text.
PAIR = re.compile(
    r'(\w[\w \-/]++):\s*+("(?:\\.|[^\\"])++"(?=,|\Z)|[^,]*+)(?:,|\Z)|\w[\w \-/]*+|\W++', re.DOTALL
)
MOST_JSON = 50
"""How many bare JSON values are looked for in one text."""

_decoder = json.JSONDecoder()


@dataclass(frozen=True)
class Parts:
    """A text taken apart; `pairs` is empty where it is nothing but prompts."""

    prompt: str
    negative: str
    pairs: dict[str, str] = field(default_factory=dict[str, str])


def quote(value: object) -> str:
    """A value as it stands in the text: JSON-quoted where it couldn't be told from what is around it."""
    text = str(value)
    bare = not any(sign in text for sign in ",:\n") and text == text.strip()
    return text if bare and not _quoted(text) else _json(text)


def _quoted(text: str) -> bool:
    return len(text) > 1 and text.startswith('"') and text.endswith('"')


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def unquote(text: str) -> str:
    """The value that `quote` made `text` of. Quoted ones that are no JSON stay as they are."""
    if not _quoted(text):
        return text
    try:
        return clean(str(json.loads(text, strict=False)))
    except ValueError:
        return text


def clean(text: str) -> str:
    """`text` without halves of surrogate pairs, which JSON can hold and UTF-8 can't."""
    return text.encode("utf-8", "replace").decode()


def join(prompt: str, negative: str, pairs: Mapping[str, object]) -> str:
    """The whole text. Pairs of value None are left out."""
    line = ", ".join(f"{key}: {quote(value)}" for key, value in pairs.items() if value is not None)
    exact = [
        f"{key}: {_json(said)}" for key, said, found in _mangled(prompt, negative, line) if said != found
    ]
    return _joined(prompt, negative, ", ".join((line, *exact)))


def _joined(prompt: str, negative: str, line: str) -> str:
    below = f"\n{NEGATIVE} {negative}" if negative else ""
    return f"{prompt}{below}\n{line}".strip()


def _mangled(prompt: str, negative: str, line: str) -> tuple[tuple[str, str, str], ...]:
    """For each prompt its key, itself, and what the form makes of it."""
    found = split(_joined(prompt, negative, line))
    return (EXACT, prompt, found.prompt), (EXACT_NEGATIVE, negative, found.negative)


def split(text: str) -> Parts:
    """Take a text apart. Of a key that stands there twice the last counts."""
    lines = text.replace("\r\n", "\n").strip().split("\n")
    at = _settings_line(lines)
    if at is None:
        return Parts(*_prompts(lines))
    pairs = dict(scan(lines[at])) | _templates(lines[at + 1 :])
    prompt, negative = _prompts(lines[:at])
    return Parts(pairs.pop(EXACT, prompt), pairs.pop(EXACT_NEGATIVE, negative), pairs)


def scan(line: str) -> Iterator[tuple[str, str]]:
    """The pairs of one line. A value may be bare JSON, as CivitAI writes its lists of resources."""
    at, tries = 0, MOST_JSON
    while match := PAIR.match(line, at):
        at = match.end()
        if match[1] is None:
            continue
        value = match[2]
        if value.startswith(("[", "{")) and tries:
            tries -= 1
            end = _json_end(line, match.start(2))
            value, at = (line[match.start(2) : end], end) if end else (value, at)
        yield match[1].strip(), unquote(value.strip())


def _json_end(line: str, start: int) -> int | None:
    """Where the JSON value that begins at `start` ends, if a comma or nothing follows it."""
    try:
        _, end = _decoder.raw_decode(line, start)
    except (ValueError, RecursionError):
        return None
    return end if line[end : end + 1] in ("", ",") else None


def _settings_line(lines: list[str]) -> int | None:
    """Which line holds the pairs. `lines` gets more of them where prompts and pairs share one."""
    last = len(lines) - 1
    if _is_settings(lines[last]):
        if not lines[last].startswith(FIRST_KEY):
            _part(lines, last)
        if lines[-1].startswith(FIRST_KEY):
            return len(lines) - 1
    # The dynamic prompts extension writes its templates below the pairs.
    for at in range(1, last + 1):
        if _starts_template(lines[at]) and _is_settings(lines[at - 1]):
            return at - 1
    return last if _is_settings(lines[last]) else None


def _is_settings(line: str) -> bool:
    return sum(1 for _, _ in zip(range(FEWEST_PAIRS), scan(line), strict=False)) == FEWEST_PAIRS


def _part(lines: list[str], at: int) -> None:
    """Break a line that holds all three into three: line breaks get lost where texts are copied."""
    head, found, tail = lines[at].rpartition(FIRST_KEY)
    prompt, marked, negative = head.partition(NEGATIVE)
    if found and marked and prompt.strip():
        lines[at:] = [prompt, f"{marked}{negative}", f"{found}{tail}"]


def _starts_template(line: str) -> bool:
    return line.startswith((f"{TEMPLATE}:", f"{NEGATIVE_TEMPLATE}:"))


def _templates(lines: list[str]) -> dict[str, str]:
    """What stands below the pairs, under the keys that begin its lines."""
    found: dict[str, list[str]] = {}
    key = TEMPLATE
    for line in lines:
        if _starts_template(line):
            key, _, line = line.partition(":")
        found.setdefault(key, []).append(line)
    return {key: "\n".join(said).strip() for key, said in found.items()}


def _prompts(lines: list[str]) -> tuple[str, str]:
    """Prompt and negative prompt, of the lines above the pairs."""
    said: tuple[list[str], list[str]] = ([], [])
    place = 0
    for line in lines:
        bare = line.strip()
        if bare.startswith(NEGATIVE):
            place, line = 1, bare.removeprefix(NEGATIVE)
        said[place].append(line)
    return "\n".join(said[0]).strip(), "\n".join(said[1]).strip()
