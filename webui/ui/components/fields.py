"""What the page calls its elements: a table of ids, under A1111's names."""

from __future__ import annotations

from webui.params import GenerationParams

FIRST_TAB = "txt2img"
# The element ids are A1111's: its users' scripts and styles know them.
CHECKPOINT_ID = "setting_sd_model_checkpoint"
VAE_ID = "setting_sd_vae"
ELSEWHERE = {"checkpoint": CHECKPOINT_ID, "vae": VAE_ID}
"""The fields whose controls belong to no tab alone."""
BROUGHT = ("init_images", "init_folder", "mask")
"""The fields that the canvas holds."""
CONTROL = ("control", "control_alone")
REGIONS = ("regions", "regions_base", "regions_feather")
TOLD = (*CONTROL, *REGIONS)
"""The fields that scripts of the page hold and tell as JSON."""
NO_CONTROL = ("firstpass_image", "extras", "train")
"""The fields that no form asks for."""
SCRIPT_NAME = "script_list"
A1111_NAMES = {
    "negative_prompt": "neg_prompt",
    "sampler_name": "sampling",
    "n_iter": "batch_count",
    "refiner_checkpoint": "checkpoint",
    "refiner_switch_at": "switch_at",
    "enable_hr": "hr-checkbox",
    "hr_second_pass_steps": "hires_steps",
    "hr_checkpoint_name": "hr_checkpoint",
    "hr_sampler_name": "hr_sampler",
    "hr_negative_prompt": "hr_neg_prompt",
    "detailer_negative_prompt": "detailer_neg_prompt",
    "scale_by": "scale",
    "inpainting_mask_invert": "mask_mode",
}
"""What A1111 calls an element, where that isn't the field's name."""
ELEMENT_IDS = {
    field: A1111_NAMES.get(field, field)
    for field in GenerationParams.model_fields
    if field not in (*ELSEWHERE, *BROUGHT, *TOLD, *NO_CONTROL, "script")
}
"""Field -> the id of its control, less the tab's name in front."""


def own_id(tab: str, name: str) -> str:
    """The id of an element that A1111 names without its tab; its own tab here is the first."""
    return name if tab == FIRST_TAB else f"{tab}_{name}"


def element_id(tab: str, field: str) -> str:
    """The id in the page of what holds a field, so that an error can stand there."""
    if field in BROUGHT:
        return f"{tab}_canvas"
    if field in TOLD:
        return f"{tab}_controlnet" if field in CONTROL else f"{tab}_regions"
    if field == "script":
        return own_id(tab, SCRIPT_NAME)
    return ELSEWHERE.get(field) or f"{tab}_{ELEMENT_IDS[field]}"
