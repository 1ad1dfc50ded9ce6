"""From a scene to latents that can be drawn on, and from what was drawn back into the scene's picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from webui.engine import extra_inputs
from webui.engine.batch import Batch
from webui.engine.decoding import Decoder, pixels_of
from webui.engine.model import Model
from webui.engine.soft_inpainting import SoftBlend
from webui.engine.sources import Scene, rounded
from webui.engine.start import Start
from webui.engine.way import noise_of
from webui.imaging.colours import corrected
from webui.imaging.filling import filled
from webui.imaging.masks import blurred
from webui.params import GenerationParams

ORIGINAL, LATENT_NOISE, LATENT_NOTHING = 1, 2, 3
"""What the masked part may start from, by the numbers of `inpainting_fill`, beside the colours around it."""
SMOOTHING = 4
"""The blur, in pixels, of a mask that was made in latents."""


class Ground:
    """What a scene's pictures are drawn on: encoded once for all batches of an order."""

    def __init__(
        self,
        model: Model,
        decoder: Decoder,
        scene: Scene,
        params: GenerationParams,
        notice: Callable[[str], None],
    ) -> None:
        self.scene = scene
        self._model = model
        self._decoder = decoder
        self._params = params
        self._notice = notice

    def start(self, batch: Batch) -> Start:
        """What `batch`, whose seeds may matter, starts from."""
        params = self._params
        # What its own UNet takes is encoded now, while that doesn't lie on the device yet.
        self._beside(self._model)
        return Start(
            self._filled(batch),
            params.denoising_strength,
            params.img2img_fix_steps,
            self._mask,
            params.initial_noise_multiplier,
            params.img2img_extra_noise,
            self._soft,
            self._beside,
        )

    def put_back(self, drawn: Image.Image, latents: Tensor) -> Image.Image:
        """The scene's picture with one that was drawn, of `latents` (1, channels, height, width), put in."""
        if self._params.img2img_color_correction:
            drawn = corrected(drawn, self._image)
        if self._soft is None or self._mask is None:
            return self.scene.put_back(drawn)
        changed = self._soft.changed(self._original, latents, self._mask)
        wide = F.interpolate(changed, size=(drawn.height, drawn.width), mode="bicubic").clamp(0, 1)
        grey = Image.fromarray(wide[0, 0].mul(255).round().to(torch.uint8).cpu().numpy())
        return self.scene.put_back(drawn, blurred(grey, SMOOTHING))

    @property
    def _soft(self) -> SoftBlend | None:
        params = self._params
        return SoftBlend.of(params) if params.soft_inpainting and self.scene.mask else None

    @cached_property
    def _image(self) -> Image.Image:
        """What is encoded: what is seen, where something else than itself is to be masked with that."""
        seen, mask = self.scene.seen(), self.scene.seen_mask()
        return filled(seen, mask) if mask and self._params.inpainting_fill != ORIGINAL else seen

    @cached_property
    def _latents(self) -> Tensor:
        own, scale = self.scene.own, self._model.scale
        if own is None or self.scene.mask:
            return self._encoded(self._image)
        sides = [max(1, round(side / scale)) * scale for side in own.size]
        latents = self._encoded(own.resize((sides[0], sides[1]), Image.Resampling.LANCZOS))
        width, height = self.scene.drawn
        return F.interpolate(latents, size=(height // scale, width // scale), mode="bilinear")

    @cached_property
    def _original(self) -> Tensor:
        """The latents of what is seen, whatever is masked with something else."""
        seen = self.scene.seen()
        return self._latents if seen == self._image else self._encoded(seen)

    def _encoded(self, image: Image.Image) -> Tensor:
        return self._decoder.encode_picture(image, self._notice, seamless=self._params.tiling)

    @cached_property
    def _mask(self) -> Tensor | None:
        """In latents; without greys unless they are to be heeded."""
        mask = self.scene.seen_mask()
        if mask is None:
            return None
        scale = self._model.scale
        small = mask.resize((mask.width // scale, mask.height // scale), Image.Resampling.BICUBIC)
        return self._tensor(small if self._params.soft_inpainting else rounded(small))

    def _filled(self, batch: Batch) -> Tensor:
        latents, mask, fill = self._latents, self._mask, self._params.inpainting_fill
        if mask is None or fill not in (LATENT_NOISE, LATENT_NOTHING):
            return latents
        emptied = latents * (1 - mask)
        if fill == LATENT_NOTHING:
            return emptied
        return emptied + noise_of(self._model, batch, latents).first() * mask

    def _beside(self, model: Model) -> Tensor | None:
        """What `model`, which may be another that knows the same latents, is given of the scene."""
        if extra_inputs.is_instructed(model):
            return extra_inputs.of_latents(model, self._latents)
        return self._around if extra_inputs.is_inpainting(model) else None

    @cached_property
    def _around(self) -> Tensor:
        """The mask, and the latents of the picture around it."""
        mask = self.scene.seen_mask() or Image.new("L", self.scene.drawn, 255)
        masked, pixels = self._tensor(rounded(mask)), pixels_of(self._image, self._model.placement.device)
        shown = torch.lerp(pixels, pixels * (1 - masked), self._params.inpainting_mask_weight)
        around = self._decoder.encode(shown, self._notice, seamless=self._params.tiling)
        return torch.cat([F.interpolate(masked, size=around.shape[2:]), around], 1)

    def _tensor(self, mask: Image.Image) -> Tensor:
        greys = torch.from_numpy(np.asarray(mask, np.float32) / 255)
        return greys[None, None].to(self._model.placement.device)
