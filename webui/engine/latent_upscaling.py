"""Enlarging latents as they are: what hires fix does between its passes with A1111's "Latent" upscalers."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

# fmt: off
MODES = {
    "Latent": ("bilinear", False),
    "Latent (antialiased)": ("bilinear", True),
    "Latent (bicubic)": ("bicubic", False),
    "Latent (bicubic antialiased)": ("bicubic", True),
    "Latent (nearest)": ("nearest", False),
    "Latent (nearest-exact)": ("nearest-exact", False),
}
"""Name -> torch's mode, and whether it is to smooth what it makes smaller."""
# fmt: on


def enlarges_latents(upscaler: str) -> bool:
    """Whether that is one of the latent upscalers."""
    return upscaler in MODES


def enlarged(latents: Tensor, upscaler: str, width: int, height: int) -> Tensor:
    """Latents (batch, channels, `height`, `width`) of latents of another size.

    Raises:
        KeyError: `upscaler` is none of the latent ones.
    """
    mode, antialias = MODES[upscaler]
    return F.interpolate(latents, size=(height, width), mode=mode, antialias=antialias)
