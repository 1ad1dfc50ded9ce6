"""What kinds of maps a ControlNet Union tells apart (xinsir, https://github.com/xinsir6/ControlNetPlus)."""

from __future__ import annotations

from collections.abc import Mapping

from webui.engine.protocol import EngineError

KINDS = ("OpenPose", "Depth", "Soft Edge", "Hard Edge", "Normal Map", "Segmentation", "Tile", "Inpaint")
"""By their numbers, under the ControlNet extension's names. The first release knows six, ProMax all."""
OF_TYPES: Mapping[str, str] = {
    "OpenPose": "OpenPose",
    "Depth": "Depth",
    "SoftEdge": "Soft Edge",
    "Scribble/Sketch": "Soft Edge",
    "Canny": "Hard Edge",
    "Lineart": "Hard Edge",
    "MLSD": "Hard Edge",
    "NormalMap": "Normal Map",
    "Segmentation": "Segmentation",
    "Tile/Blur": "Tile",
    "Inpaint": "Inpaint",
}
"""A preprocessor's control type -> the kind of its maps."""
USUAL = "Hard Edge"
"""What a map is taken for that nobody tells anything of: most are lines."""


def kind_of(asked: str, control_type: str, known: int, model: str) -> int:
    """The number of the kind of map that a unit gives.

    Args:
        asked: what the unit says of it; empty: nothing.
        control_type: that of its preprocessor.
        known: how many kinds the model tells apart.
        model: its name.

    Raises:
        EngineError: there is no such kind, or the model doesn't know it.
    """
    name = asked.strip() or OF_TYPES.get(control_type, USUAL)
    folded = [kind.replace(" ", "").lower() for kind in KINDS]
    sought = name.replace(" ", "").lower()
    if sought not in folded[:known]:
        told = ", ".join(KINDS[:known])
        raise EngineError(
            f'The ControlNet "{model}" knows no maps of the kind "{name[:60]}". Choose: {told}.'
        )
    return folded.index(sought)
