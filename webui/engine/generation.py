"""One order, from prompt to finished pictures, on a model of the Stable Diffusion families."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from webui import infotext
from webui.engine.decoding import Decoder
from webui.engine.denoiser import Denoiser
from webui.engine.encoding import Conditioning, PromptEncoder
from webui.engine.model import Model
from webui.engine.previews import PreviewBudget, PreviewDecoder, jpegs
from webui.engine.protocol import Observer, Order, Picture
from webui.engine.samplers.table import find_sampler, find_schedule
from webui.engine.sampling import Noise, begin, finished, walk
from webui.engine.stepcache import StepCache
from webui.infotext import ModelIdentity

WARM_UP_SIDE = 16
"""In latents: small, since a full-size UNet takes seconds for a whole picture on a CPU."""


@dataclass(frozen=True)
class Batch:
    """One round of an order: its number from 1, and the seed of each picture."""

    number: int
    seeds: list[int]


class ClassicStudio:
    """A model with what is kept ready beside it. Draws with our own samplers."""

    def __init__(
        self,
        model: Model,
        identity: Callable[[], ModelIdentity],
        decoder: Decoder,
        fit_preview: Callable[[], PreviewDecoder],
    ) -> None:
        self.model = model
        self.encoder = PromptEncoder(model)
        self.decoder = decoder
        self._identity = identity
        self._fit_preview = fit_preview

    @cached_property
    def preview(self) -> PreviewDecoder:
        """The preview decoder, fitted when first someone watches."""
        return self._fit_preview()

    @torch.inference_mode()
    def draw(self, order: Order, observer: Observer, already: int = 0) -> None:
        """Draw the pictures of `order` after the first `already`; stops between steps when told to.

        Raises:
            EngineError: the model gave no usable picture.
        """
        observer.phase("reading the prompt")
        params = order.params
        conditioning = self.encoder.encode(params.prompt, params.negative_prompt, params.clip_skip)
        budget = PreviewBudget()
        for number in range(1 + already // params.batch_size, params.n_iter + 1):
            first = (number - 1) * params.batch_size
            batch = Batch(number, [order.seed + first + at for at in range(params.batch_size)])
            latents = self._sample(order, conditioning, batch, observer, budget)
            if latents is not None:
                self._develop(order, latents, batch, observer, max(0, already - first))
            if observer.interrupted():
                return

    def _sample(
        self,
        order: Order,
        conditioning: Conditioning,
        batch: Batch,
        observer: Observer,
        budget: PreviewBudget,
    ) -> Tensor | None:
        """The latents of one batch, or None if it was interrupted or skipped."""
        model, params = self.model, order.params
        sampler = find_sampler(params.sampler_name)
        sigmas = sampler.sigmas(find_schedule(params.scheduler), model.noise_table, params.steps)
        shape = (model.latent_channels, params.height // model.scale, params.width // model.scale)
        noise = Noise(batch.seeds, shape, model.placement.device)
        denoise = Denoiser(model, conditioning, params.cfg_scale, len(batch.seeds), self._beside(order))
        observer.phase("sampling")
        observer.step(batch.number, 0, params.steps)
        state = start = begin(sampler, sigmas, noise)

        with model.on_device("unet"), StepCache(model.unet, params.step_cache) as kept:

            def evaluate(x: Tensor, sigma: float) -> Tensor:
                kept.next_step()
                return denoise(x, sigma)

            for state in walk(sampler, sigmas, start, noise, evaluate):
                observer.step(batch.number, state.index, params.steps)
                if observer.interrupted() or observer.skipped():
                    return None
                self._show(denoise.latest, observer, budget)
        return finished(state, sigmas)

    def _beside(self, order: Order) -> Tensor | None:
        """What an inpainting UNet is given where there is no picture: all of a grey one is masked."""
        model = self.model
        if model.extra_channels <= 0:
            return None
        size = (1, 3, order.params.height, order.params.width)
        grey = self.decoder.encode(torch.zeros(size, device=model.placement.device))
        mask = torch.ones_like(grey[:, :1])
        return torch.cat([mask, grey], 1) if model.extra_channels > model.latent_channels else grey * 0

    def _show(self, latents: Tensor | None, observer: Observer, budget: PreviewBudget) -> None:
        if latents is None or not observer.wants_preview() or not budget.allows():
            return
        if latents.is_cuda:
            # Else the time that the step itself still takes on the GPU would be counted as the preview's.
            torch.cuda.synchronize(latents.device)
        preview = self.preview
        begun = time.perf_counter()
        observer.preview(jpegs(preview.fitting(latents)(latents)))
        budget.spend(time.perf_counter() - begun)

    def _develop(self, order: Order, latents: Tensor, batch: Batch, observer: Observer, skip: int) -> None:
        """Decode and hand over a batch, one picture at a time: the decoder is what needs most memory."""
        observer.phase("decoding")
        sampler = find_sampler(order.params.sampler_name)
        told = order.params.changed(scheduler=sampler.schedule_name(order.params.scheduler))
        for row, seed in list(zip(latents.split(1), batch.seeds, strict=True))[skip:]:
            image = self.decoder.decode(row, observer.notice)
            observer.picture(Picture(image, seed, infotext.write(told, seed, self._identity())))

    @torch.inference_mode()
    def run_once(self) -> None:
        """Run each of the networks once: a process's first run is the slowest."""
        model = self.model
        side = WARM_UP_SIDE
        latents = torch.zeros(1, model.latent_channels, side, side, device=model.placement.device)
        conditioning = self.encoder.encode("", "")
        beside = latents.new_zeros(1, model.extra_channels, side, side) if model.extra_channels else None
        with model.on_device("unet"):
            clean = Denoiser(model, conditioning, 2.0, 1, beside)(latents, 1.0)
        self.preview.fitting(clean)(clean)
        self.decoder.decode(torch.zeros_like(latents))
