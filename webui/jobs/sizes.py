"""How large what is made of a picture is: checked before anything is drawn."""

from __future__ import annotations

from pydantic import ValidationError

from webui.imaging.sizes import Size, drawn_size
from webui.params import MAX_PIXELS, GenerationParams, InvalidParamsError
from webui.params.extras import ExtrasParams
from webui.params.scripts import SDUpscale
from webui.params.sides import GRAIN, MAX_SIDE, MIN_SIDE

MAX_ENLARGED = 2**27
"""Pixels of a picture that is enlarged without being drawn as a whole: a little more than 16K's."""


def sized(params: GenerationParams, size: Size) -> GenerationParams:
    """`params` with the width and height in which a picture of `size` is drawn from.

    Raises:
        InvalidParamsError: they are beyond the limits; the text says the way out.
    """
    if isinstance(params.script, SDUpscale):
        _check_enlarged("script", size, params.script.scale_factor, "a smaller scale factor")
        return params
    if params.hires and params.firstpass_image:
        return _within_limits(params, size, _rounded_down(size), "hr_scale", "Choose a smaller picture.")
    if not params.init_images:
        return params
    way_out = "Resize by less, or lower the batch size."
    return _within_limits(params, size, drawn_size(params, size), "scale_by", way_out)


def _within_limits(
    params: GenerationParams, size: Size, drawn: Size, field: str, way_out: str
) -> GenerationParams:
    if drawn == (params.width, params.height):
        made = params
    else:
        try:
            made = params.changed(width=drawn[0], height=drawn[1])
        except ValidationError as error:
            raise InvalidParamsError(
                field,
                f"Of a picture of {size[0]}x{size[1]} this would draw {drawn[0]}x{drawn[1]}; {MAX_SIDE} a "
                f"side and {MAX_PIXELS:,} pixels at once are the limit. {way_out}",
            ) from error
    if made.hires:
        made.enlargement(size)
    return made


def _rounded_down(size: Size) -> Size:
    width, height = (max(MIN_SIDE, side // GRAIN * GRAIN) for side in size)
    return width, height


def check_mended(extras: ExtrasParams, size: Size) -> None:
    """Refuse what Extras would make too large of a picture of `size`.

    Raises:
        InvalidParamsError: it would be; the text says the way out.
    """
    if extras.resize_mode:
        factor = max(extras.upscaling_resize_w / size[0], extras.upscaling_resize_h / size[1])
        _check_enlarged("upscaling_resize_w", size, factor, "a smaller size")
        return
    factor = extras.upscaling_resize
    if extras.max_side_length:
        factor = min(factor, extras.max_side_length / max(size))
    _check_enlarged("upscaling_resize", size, factor, "a smaller factor, or a max side length")


def _check_enlarged(field: str, size: Size, factor: float, way_out: str) -> None:
    width, height = (round(side * factor) for side in size)
    if width * height > MAX_ENLARGED:
        raise InvalidParamsError(
            field,
            f"This would make {width:,}x{height:,} of a picture of {size[0]}x{size[1]}; {MAX_ENLARGED:,} "
            f"pixels are the limit. Choose {way_out}.",
        )
