"""What img2img sees: a picture brought to size, the part of it that is drawn, and the way back into it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops

from webui.engine.protocol import Inputs
from webui.imaging import masks
from webui.imaging.boxes import Box
from webui.imaging.outpainting import extended
from webui.imaging.resizing import JUST_RESIZE, LATENT, padded, resized
from webui.imaging.sizes import Size, drawn_size, extended_size, final_size
from webui.imaging.views import View
from webui.params import GenerationParams

LANCZOS = Image.Resampling.LANCZOS
SMOOTH = Image.Resampling.BILINEAR
"""For masks: Lanczos would ring, so that what isn't masked changed a little."""
HALF = 127
"""Above this grey a place of a mask counts as masked where there is nothing between."""
FADE = [min(255, 8 * grey) for grey in range(256)]
"""For each grey of a mask how much of what was drawn may at most be taken there."""


@dataclass(frozen=True)
class Scene:
    """A picture of the final size, and the part of it that is drawn.

    That part is `box` of the picture, brought to the size `inner`; right of and below it its edges are drawn
    out to the size `drawn`, which the UNet can draw.
    """

    picture: Image.Image
    """RGB."""
    mask: Image.Image | None
    """L, of the picture's size, blurred: white where it is to change. None: all of it."""
    box: Box
    inner: Size
    drawn: Size
    own: Image.Image | None = None
    """The picture before it was resized, where that is done to its latents."""

    @classmethod
    def of(cls, inputs: Inputs, params: GenerationParams) -> Scene:
        """What `params` make of `inputs`.

        Raises:
            ValueError: there is no picture among them.
        """
        if inputs.image is None:
            raise ValueError("there is no picture to draw from")
        size = inputs.image.size
        picture, mask = _extended(inputs.image, _mask_of(inputs.image, inputs.mask, params), params)
        drawn, final = drawn_size(params, size), final_size(params, size, masked=mask is not None)
        if mask is None or masks.empty(mask):
            return cls._whole(picture, mask, final, drawn, params)
        mask = _softened(mask, params.mask_blur)
        if not params.inpaint_full_res:
            return cls._whole(picture, mask, final, drawn, params)
        box = masks.region_of(mask, params.inpaint_full_res_padding, *drawn)
        return cls(picture, mask, box, _contained(box.size, drawn), drawn)

    @classmethod
    def _whole(
        cls,
        picture: Image.Image,
        mask: Image.Image | None,
        final: Size,
        drawn: Size,
        params: GenerationParams,
    ) -> Scene:
        mode = params.resize_mode
        brought = resized(picture, *final, mode)
        mask = resized(mask, *final, mode, SMOOTH) if mask else None
        # Enlarged latents fill what is drawn; what is enlarged as a picture lies in its corner.
        latent = mode == LATENT and picture.size != drawn
        inner, own = (drawn, picture) if latent else (final, None)
        return cls(brought, mask, Box(0, 0, *final), inner, drawn, own)

    @property
    def unmasked(self) -> bool:
        """Whether there is a mask, and nothing is masked."""
        return self.mask is not None and masks.empty(self.mask)

    @property
    def view(self) -> View:
        """The part of the picture that is drawn, with what is drawn beyond its edges."""
        left, top = self.box.left, self.box.top
        width, height = (
            drawn * box / inner
            for drawn, box, inner in zip(self.drawn, self.box.size, self.inner, strict=True)
        )
        return View.of((left, top, left + width, top + height), self.picture.size)

    def seen(self) -> Image.Image:
        """What is drawn from, RGB of the size `drawn`."""
        return self._framed(self.picture, LANCZOS)

    def seen_mask(self) -> Image.Image | None:
        """Its mask, L of the same size."""
        return self._framed(self.mask, SMOOTH) if self.mask else None

    def put_back(self, drawn: Image.Image, changed: Image.Image | None = None) -> Image.Image:
        """The picture with what was drawn in its place.

        Outside the blurred mask its bytes are as they were. Inside the mask, before it was blurred, all is
        new; `changed` (L, of the size `drawn`) says where less of it is to be taken.
        """
        part = drawn.crop((0, 0, *self.inner))
        if part.size != self.box.size:
            part = part.resize(self.box.size, LANCZOS)
        if self.mask is None:
            return part
        seam = self._spread(changed) if changed is not None else certain(self.mask)
        return masks.pasted(self.picture, part, self.box, seam)

    def laid(self, mask: Image.Image, inputs: Inputs, params: GenerationParams) -> Image.Image:
        """`mask` (L), painted on the picture of `inputs`, as it lies on the one that `params` made of that.

        One of another size is given back as it is, since nobody knows where it lies.
        """
        if inputs.image is None or mask.size != inputs.image.size:
            return mask
        wide = Image.new("L", extended_size(params, mask.size))
        wide.paste(mask, (params.outpaint_left, params.outpaint_up))
        return resized(wide, *self.picture.size, params.resize_mode, SMOOTH)

    def keeps(self, part: Image.Image) -> bool:
        """Whether nothing of what `part` (L, of the picture's size) masks is to change."""
        return self.mask is not None and masks.empty(ImageChops.darker(part, self.mask))

    def kept(self, changed: Image.Image, before: Image.Image) -> Image.Image:
        """`changed` within the mask and `before` outside it and its blur; all are of the picture's size."""
        if self.mask is None:
            return changed
        return masks.pasted(before, changed, Box(0, 0, *before.size), certain(self.mask))

    def _spread(self, changed: Image.Image) -> Image.Image:
        """`changed` over the whole picture, faded to nothing where the mask ends."""
        whole = Image.new("L", self.picture.size)
        whole.paste(changed.crop((0, 0, *self.inner)).resize(self.box.size, SMOOTH), self.box)
        return ImageChops.darker(whole, self.mask.point(FADE)) if self.mask else whole

    def _framed(self, image: Image.Image, resample: Image.Resampling) -> Image.Image:
        part = image.crop(self.box)
        if part.size != self.inner:
            part = part.resize(self.inner, resample)
        return padded(part, 0, 0, self.drawn[0] - self.inner[0], self.drawn[1] - self.inner[1])


def half(mask: Image.Image) -> int:
    """The grey above which `mask` counts as masked: less than half where it is nowhere as bright as that."""
    brightest = int(np.asarray(mask).max())
    return HALF if brightest > HALF else brightest // 2


def certain(mask: Image.Image) -> Image.Image:
    """`mask` with all white that counts as masked, so that the whole of a blurred edge lies outside."""
    limit = half(mask)
    return mask.point([min(255, round(255 * grey / (limit + 1))) for grey in range(256)])


def rounded(mask: Image.Image) -> Image.Image:
    """`mask` in black and white only: what counts as masked."""
    limit = half(mask)
    return mask.point([255 * (grey > limit) for grey in range(256)])


def _softened(mask: Image.Image, blur: int) -> Image.Image:
    """`mask` with soft edges; as it is where it is so small that nothing would be left of it."""
    soft = masks.blurred(mask, blur)
    return mask if masks.empty(soft) else soft


def _mask_of(image: Image.Image, mask: Image.Image | None, params: GenerationParams) -> Image.Image | None:
    """The mask given, or that of the transparent parts; of the picture's size."""
    found = mask or masks.mask_of_alpha(image)
    if found is None:
        return None
    sized = resized(found.convert("L"), *image.size, JUST_RESIZE, SMOOTH)
    return masks.inverted(sized) if params.inpainting_mask_invert else sized


def _extended(
    image: Image.Image, mask: Image.Image | None, params: GenerationParams
) -> tuple[Image.Image, Image.Image | None]:
    """The picture, opaque, with the room that is to be painted, which is masked, too."""
    picture = masks.flattened(image)
    if not any(params.outpaint):
        return picture, mask
    left, up, right, down = params.outpaint
    picture, room = extended(picture, left, up, right, down)
    if mask is None:
        return picture, room
    laid = Image.new("L", picture.size)
    laid.paste(mask, (left, up))
    return picture, masks.joined(laid, room)


def _contained(size: Size, within: Size) -> Size:
    """`size` in its proportions, as large as it fits into `within`."""
    scale = min(within[0] / size[0], within[1] / size[1])
    width, height = (max(1, min(most, round(side * scale))) for side, most in zip(size, within, strict=True))
    return width, height
