"""The picture itself with less in it, for what adds detail: tile and blur ControlNets."""

from __future__ import annotations

from PIL import Image, ImageFilter

from webui.imaging.preprocessors.preprocessor import Options


def unchanged(image: Image.Image, _: Image.Image | None, __: Options) -> Image.Image:
    """The picture as it is."""
    return image


def resampled(image: Image.Image, _: Image.Image | None, options: Options) -> Image.Image:
    """The picture, smaller by the down sampling rate, so that as much detail is left to be made up."""
    size = (max(1, int(image.width / options.threshold_a)), max(1, int(image.height / options.threshold_a)))
    return image if size == image.size else image.resize(size, Image.Resampling.BOX)


def blurred(image: Image.Image, _: Image.Image | None, options: Options) -> Image.Image:
    """Without detail finer than a Gaussian of that standard deviation, in pixels."""
    return image.filter(ImageFilter.GaussianBlur(options.threshold_a))
