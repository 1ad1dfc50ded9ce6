"""The lines that are shown on hover."""

from __future__ import annotations

from webui.params import GenerationParams
from webui.ui.components.fields import ELEMENT_IDS


def hints() -> dict[str, str]:
    """The line shown on hover for each control of a tab, by its id less the tab's name in front."""
    fields = GenerationParams.model_fields
    return {
        **{name: fields[field].description or "" for field, name in ELEMENT_IDS.items()},
        "generate": "Draw (Ctrl+Enter)",
        "interrupt": "Stop this job; finished pictures stay (Esc)",
        "skip": "Leave this batch, go on with the next (Alt+Enter)",
        "res_switch_btn": "Swap width and height",
        "detect_image_size_btn": "Take the picture's own size",
        "resize": "By its size in pixels, or as a multiple of the picture's own",
        "live": "Draw anew while you paint: one picture, in at most 8 steps, not kept in the history",
        "random_seed": "A random seed each time (-1)",
        "reuse_seed": "Take the seed of the picture shown",
        "subseed_show": "Variations of a seed; without the tick they are not used",
        "random_subseed": "A random variation seed each time (-1)",
        "reuse_subseed": "Take the variation seed of the picture shown",
        "detailer_mask_file": "Choose a black and white picture: white where parts are to be drawn once more",
    }
