"""Control types: the buttons that sort preprocessors and models, as the ControlNet extension has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from webui.imaging.preprocessors.preprocessor import Preprocessor
from webui.params.control import NO_MODEL, NO_MODULE

ALL = "All"
DRAWN = ("Canny", "Lineart", "SoftEdge", "Scribble/Sketch", "MLSD")
"""Types whose maps are white lines on black, so that a drawing on paper is inverted for them."""
INVERT = "invert"
EVERY_TYPE = re.compile(r"union|promax", re.IGNORECASE)
"""Models that take maps of any type."""


@dataclass(frozen=True)
class ControlType:
    """One button. `words` are parts of the names of its models, in lower case."""

    name: str
    words: tuple[str, ...] = ()
    first: tuple[str, ...] = (NO_MODULE,)
    """The preprocessors to begin with: the first of them that can be used."""

    def has_module(self, preprocessor: Preprocessor) -> bool:
        """Whether a preprocessor stands under this button."""
        if self.name == ALL or preprocessor.name == NO_MODULE:
            return True
        if preprocessor.name == INVERT:
            return self.name in DRAWN
        return preprocessor.control_type == self.name

    def has_model(self, name: str, kind: str) -> bool:
        """Whether a model of that name and kind (of the catalog) stands under this button."""
        folded = name.lower()
        if self.name == ALL:
            return True
        if self.name == "Reference":
            return False
        if self.name == "IP-Adapter" or kind == "ip-adapter":
            return self.name == "IP-Adapter" and kind == "ip-adapter"
        if self.name == "T2I-Adapter":
            return kind == "t2i-adapter"
        return any(word in folded for word in self.words) or bool(EVERY_TYPE.search(folded))

    def module(self, usable: Sequence[str]) -> str:
        """The preprocessor to begin with, of those that are `usable`."""
        return next((name for name in self.first if name in usable), NO_MODULE)

    def model(self, names: Sequence[str]) -> str:
        """The model to begin with: the first that is of this type alone."""
        if self.name == ALL or not names:
            return NO_MODEL
        return next((name for name in names if not EVERY_TYPE.search(name)), names[0])


CONTROL_TYPES = (
    ControlType(ALL),
    ControlType("Canny", ("canny",), ("canny",)),
    ControlType(
        "Depth", ("depth",), ("depth_midas", "depth_anything_v2", "depth_anything", "depth_from_shading")
    ),
    ControlType(
        "NormalMap", ("normal",), ("normal_bae", "normal_midas", "normal_anything", "normal_from_shading")
    ),
    ControlType("OpenPose", ("openpose", "densepose", "pose"), ("openpose_full", "openpose")),
    ControlType("MLSD", ("mlsd",), ("mlsd",)),
    ControlType("Lineart", ("lineart", "line_art"), ("lineart_standard",)),
    ControlType(
        "SoftEdge", ("softedge", "hed", "pidinet"), ("softedge_pidinet", "softedge_hed", "softedge_sobel")
    ),
    ControlType(
        "Scribble/Sketch", ("scribble", "sketch"), ("scribble_pidinet", "scribble_hed", "scribble_xdog")
    ),
    ControlType("Segmentation", ("seg",), ("seg_ade20k", "seg_ofade20k", "seg_ufade20k")),
    ControlType("Shuffle", ("shuffle",), ("shuffle",)),
    ControlType("Tile/Blur", ("tile", "blur"), ("tile_resample",)),
    ControlType("Inpaint", ("inpaint",), ("inpaint_only",)),
    ControlType("InstructP2P", ("ip2p",)),
    ControlType("Reference", (), ("reference_only",)),
    ControlType("Recolor", ("recolor",), ("recolor_luminance",)),
    ControlType("T2I-Adapter", (), (NO_MODULE,)),
    ControlType("IP-Adapter", (), ("ip-adapter_auto",)),
)  # fmt: skip
"""In the order in which they are offered."""
