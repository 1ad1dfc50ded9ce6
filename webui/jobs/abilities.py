"""What a checkpoint can be asked for: some draw from prompts alone, and latents differ."""

from __future__ import annotations

from webui.catalog.entry import CLASSIC, ModelFile
from webui.engine.general.naming import sampler_of, starts_from_pictures
from webui.engine.samplers.table import AUTOMATIC
from webui.params import GenerationParams, InvalidParamsError

PIPELINES_USE = (
    *("prompt", "negative_prompt", "styles", "dynamic_prompts", "emphasis", "script", "checkpoint", "vae"),
    *("width", "height", "batch_size", "n_iter", "seed", "steps", "cfg_scale"),
)
"""What diffusers' own pipelines can be told; all else means something to our own loop only."""
PICTURES_USE = (
    *("init_images", "mask", "denoising_strength", "resize_mode", "scale_by", "img2img_fix_steps"),
    *("img2img_color_correction", "mask_blur", "inpainting_mask_invert", "inpainting_fill"),
    *("inpaint_full_res", "inpaint_full_res_padding"),
    *("outpaint_left", "outpaint_right", "outpaint_up", "outpaint_down"),
)
"""What those of them can be told that start from pictures."""


def usable(params: GenerationParams, checkpoint: ModelFile) -> GenerationParams:
    """`params` less what `checkpoint` can't use.

    diffusers' own pipelines bring their sampler and know nothing of most fields.
    """
    if checkpoint.identity.family in CLASSIC:
        return params
    uses = PIPELINES_USE + (PICTURES_USE if params.init_images else ())
    others = {
        name: info.get_default() for name, info in GenerationParams.model_fields.items() if name not in uses
    }
    return params.changed(**{**others, "sampler_name": sampler_of(checkpoint), "scheduler": AUTOMATIC})


def check_start(params: GenerationParams, checkpoint: ModelFile) -> None:
    """Refuse pictures to start from where the checkpoint can only draw from a prompt.

    Raises:
        InvalidParamsError: they are asked for, and it can't.
    """
    if checkpoint.identity.family in CLASSIC:
        return
    if params.init_images and not starts_from_pictures(checkpoint):
        field, what = "init_images", "start from pictures"
    elif params.hires and params.firstpass_image:
        field, what = "firstpass_image", "draw over enlarged pictures"
    else:
        return
    way_out = "Choose a model of Stable Diffusion 1, 2 or XL."
    raise InvalidParamsError(field, f'"{checkpoint.name}" can\'t {what} yet. {way_out}')


def check_regions(params: GenerationParams, checkpoint: ModelFile) -> None:
    """Refuse regions where the checkpoint can't hear them.

    Raises:
        InvalidParamsError: one has a say, and it can't.
    """
    if checkpoint.identity.family in CLASSIC or not any(region.weight for region in params.regions):
        return
    raise InvalidParamsError(
        "regions",
        f'"{checkpoint.name}" draws without regional prompts. Switch them off, or choose a checkpoint of '
        "SD 1.x, SD 2.x or SDXL.",
    )


def check_latents(field: str, second: ModelFile, first: ModelFile) -> None:
    """Refuse a checkpoint that can't go on with what another has begun.

    Raises:
        InvalidParamsError: it can't; it names `field`.
    """
    if _latents(second) != _latents(first):
        what, one = (
            ("refine", "a refiner") if field == "refiner_checkpoint" else ("draw over", "a checkpoint")
        )
        raise InvalidParamsError(
            field,
            f'"{second.name}" can\'t {what} what "{first.name}" draws: their latents differ. '
            f"Choose {one} of the same family.",
        )


def _latents(model: ModelFile) -> str:
    """What a model's latents are like; a refiner goes on with another's only if they are alike."""
    family = model.identity.family
    return {"sd2": "sd1", "sdxl-refiner": "sdxl"}.get(family, family)
