"""What is done to a finished picture, told in the infotext that it has."""

from __future__ import annotations

from collections.abc import Mapping

from webui import __version__
from webui.infotext.pairs import MAX_TEXT, NEGATIVE_TEMPLATE, TEMPLATE, join, split
from webui.infotext.programs import DARKROOM

BELOW = (TEMPLATE, NEGATIVE_TEMPLATE)
"""Keys that some programs write below all others: they stay the last."""


def with_pairs(text: str, added: Mapping[str, object]) -> str:
    """`text` with these pairs, after its own; those that it has already are told anew in their place.

    Pairs of value None are left out. A text without pairs also tells the version, and one that is too long to
    be anyone's infotext stays as it is.
    """
    if len(text) > MAX_TEXT:
        return text
    parts = split(text)
    version = {} if parts.pairs else {"Version": f"{DARKROOM} {__version__}"}
    pairs = {**parts.pairs, **added, **version}
    below = {key: pairs.pop(key) for key in BELOW if key in pairs}
    return join(parts.prompt, parts.negative, {**pairs, **below})
