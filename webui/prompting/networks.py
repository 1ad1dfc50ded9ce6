"""Networks called in prompts: <lora:name:0.8>."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAG = re.compile(r"<(\w+):([^>]+)>")


@dataclass(frozen=True)
class Network:
    """A tag such as <lora:name:0.8> or <lora:name:1:te=0.5:unet=1:dyn=4>, as it was written."""

    kind: str
    """lora, lyco, hypernet, ..."""
    name: str
    args: tuple[str, ...] = ()
    """What follows the name without a name of its own: the weight or weights."""
    named: tuple[tuple[str, str], ...] = ()
    """te=0.5, unet=1, dyn=4, ..."""


@dataclass(frozen=True)
class Placed:
    """A network, and before which character it stood of the text that its tag was taken from."""

    at: int
    network: Network


def lift(text: str) -> tuple[str, list[Placed]]:
    """The text without tags, and the networks in their order."""
    words: list[str] = []
    found: list[Placed] = []
    end = length = 0
    # Behind the last ">" there can't be a tag; thousands of "<" there would be tried in vain.
    for tag in _TAG.finditer(text, 0, text.rfind(">") + 1):
        words.append(text[end : tag.start()])
        length += tag.start() - end
        found.append(Placed(length, _network(tag[1], tag[2])))
        end = tag.end()
    return "".join([*words, text[end:]]), found


def _network(kind: str, content: str) -> Network:
    name, *rest = content.split(":")
    named = tuple((key, value) for key, sign, value in (arg.partition("=") for arg in rest) if sign)
    return Network(kind, name, tuple(arg for arg in rest if "=" not in arg), named)
