"""What a picture is made from: other pictures, masks, room to paint beyond the edges."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

MAX_INPUTS = 1000
MAX_INPUT_TEXT = 96 * 2**20
"""Characters of a picture as base64."""

PictureName = Annotated[str, Field(max_length=MAX_INPUT_TEXT)]
"""The id of an uploaded picture, "<job>/<number>" of a finished one, or the file itself as base64."""

Pixels = Annotated[int, Field(ge=0, le=2048)]


class ImageParams(BaseModel):
    """img2img and inpainting. Without `init_images` none of it is used, `denoising_strength` aside."""

    init_images: tuple[PictureName, ...] = Field(
        default=(),
        max_length=MAX_INPUTS,
        title="Init images",
        description="Pictures to start from. Of several each is drawn from on its own.",
    )
    init_folder: str = Field(
        default="",
        max_length=1000,
        title="Input directory",
        description="A folder of pictures on the server, inside its batch folder, to draw from one by one.",
    )
    mask: PictureName = Field(
        default="",
        title="Mask",
        description="White where the picture is to change. Empty: its transparent parts.",
    )
    denoising_strength: float = Field(
        default=0.75,
        ge=0,
        le=1,
        title="Denoising strength",
        description="How far the picture may go from what it starts from. 0: not at all; 1: anywhere.",
    )
    resize_mode: int = Field(
        default=0,
        ge=0,
        le=3,
        title="Resize mode",
        description="How a picture of other proportions is brought to the size asked for.",
    )
    scale_by: float = Field(
        default=0.0,
        ge=0,
        le=8,
        title="Resize by",
        description="The size as a multiple of the picture's own. 0: resize to width and height.",
    )
    image_cfg_scale: float = Field(
        default=1.5,
        ge=0,
        le=30,
        title="Image CFG Scale",
        description="For models that follow instructions: how closely to keep to the picture.",
    )
    img2img_fix_steps: bool = Field(
        default=False,
        title="Exact steps",
        description="Make all the steps asked for, whatever the denoising strength leaves of them.",
    )
    initial_noise_multiplier: float = Field(
        default=1.0,
        ge=0,
        le=1.5,
        title="Noise multiplier",
        description="What the noise that the picture starts with is multiplied by.",
    )
    img2img_extra_noise: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="Extra noise",
        description="Noise added to the picture beside that of the denoising strength: more small detail.",
    )
    img2img_color_correction: bool = Field(
        default=False,
        title="Color correction",
        description="Bring the colours back to those of the picture it starts from.",
    )
    mask_blur: int = Field(
        default=4, ge=0, le=64, title="Mask blur", description="How softly the mask's edge fades, in pixels."
    )
    inpainting_mask_invert: bool = Field(
        default=False,
        title="Inpaint not masked",
        description="Change what is not masked and keep what is.",
    )
    inpainting_fill: int = Field(
        default=1,
        ge=0,
        le=3,
        title="Masked content",
        description="What the masked part starts from: colours around it, itself, noise, nothing.",
    )
    inpaint_full_res: bool = Field(
        default=False,
        title="Only masked",
        description="Draw the masked part alone, at the full size, and put it back: more detail.",
    )
    inpaint_full_res_padding: int = Field(
        default=32,
        ge=0,
        le=512,
        title="Only masked padding, pixels",
        description="How much around the masked part is seen while it is drawn.",
    )
    inpainting_mask_weight: float = Field(
        default=1.0,
        ge=0,
        le=1,
        title="Inpainting conditioning mask strength",
        description="For inpainting models: how little they see of what is under the mask.",
    )
    soft_inpainting: bool = Field(
        default=False,
        title="Soft inpainting",
        description="Blend by the mask's greys at each step: softer seams. Wants a mask blur of 16 or more.",
    )
    mask_blend_power: float = Field(
        default=1.0,
        ge=0,
        le=8,
        title="Schedule bias",
        description="Above 1 the original has its say in fewer of the steps, below in more.",
    )
    mask_blend_scale: float = Field(
        default=0.5,
        ge=0,
        le=8,
        title="Preservation strength",
        description="How much of the original's content stays where the mask is grey.",
    )
    inpaint_detail_preservation: float = Field(
        default=4.0,
        ge=1,
        le=32,
        title="Transition contrast boost",
        description="Brings back the contrast that blending takes. 1: none.",
    )
    composite_mask_influence: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="Mask influence",
        description="How much the mask itself decides in the last blend, beside what has changed.",
    )
    composite_difference_threshold: float = Field(
        default=0.5,
        ge=0,
        le=8,
        title="Difference threshold",
        description="How much must have changed for the new picture to be taken.",
    )
    composite_difference_contrast: float = Field(
        default=2.0,
        ge=0,
        le=8,
        title="Difference contrast",
        description="How sharply changed is told from unchanged.",
    )
    outpaint_left: Pixels = Field(
        default=0, title="Outpaint left", description="Pixels to paint at the left."
    )
    outpaint_right: Pixels = Field(
        default=0, title="Outpaint right", description="Pixels to paint at the right."
    )
    outpaint_up: Pixels = Field(default=0, title="Outpaint up", description="Pixels to paint above.")
    outpaint_down: Pixels = Field(default=0, title="Outpaint down", description="Pixels to paint below.")

    @property
    def outpaint(self) -> tuple[int, int, int, int]:
        """Pixels to paint at the left, above, at the right and below."""
        return self.outpaint_left, self.outpaint_up, self.outpaint_right, self.outpaint_down
