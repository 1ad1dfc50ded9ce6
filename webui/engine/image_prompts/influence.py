"""Which cross-attentions take what from a picture (InstantStyle; Wang et al., arXiv:2404.02733)."""

from __future__ import annotations

from collections.abc import Iterable

from webui.catalog.entry import Family
from webui.params.control import Influence

STYLISH = ("up_blocks.0.attentions.1.", "down_blocks.2.attentions.1.")
"""SDXL's layers for the style, and for the composition."""


def listeners(names: Iterable[str], family: Family, influence: Influence) -> set[str]:
    """Those of the cross-attentions `names` that are to listen.

    In SDXL single layers carry style and composition. In the other families, less sharply, it is the first
    block on the way up that has attention, and the last one on the way down together with the middle.
    """
    names = set(names)
    if influence == "All":
        return names
    if family == "sdxl":
        return _within(names, [STYLISH[influence == "Composition"]])
    if influence == "Style":
        return _within(names, [min((_block(name) for name in _within(names, ["up_blocks."])), default="?")])
    last = max((_block(name) for name in _within(names, ["down_blocks."])), default="?")
    return _within(names, [last, "mid_block."])


def _within(names: set[str], places: Iterable[str]) -> set[str]:
    return {name for name in names if name.startswith(tuple(places))}


def _block(name: str) -> str:
    """`up_blocks.1.attentions.0...` -> `up_blocks.1.`"""
    return ".".join(name.split(".")[:2]) + "."
