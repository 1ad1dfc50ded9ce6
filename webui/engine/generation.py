"""One order, from prompt to finished pictures, on a model that is already loaded."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor

from webui import infotext
from webui.engine.denoiser import Denoiser
from webui.engine.encoding import Conditioning, PromptEncoder
from webui.engine.model import Model
from webui.engine.previews import PreviewBudget, PreviewDecoder, jpegs
from webui.engine.protocol import EngineError, Observer, Order, Picture
from webui.engine.samplers.table import find_sampler, find_schedule
from webui.engine.sampling import Noise, begin, finished, walk
from webui.infotext import ModelIdentity


@dataclass(frozen=True)
class Studio:
    """A model with what is kept ready beside it."""

    model: Model
    identity: ModelIdentity
    encoder: PromptEncoder
    preview: PreviewDecoder


@torch.inference_mode()
def draw(studio: Studio, order: Order, observer: Observer) -> None:
    """Draw every picture of `order`, telling `observer`; stops between steps when it says so.

    Raises:
        EngineError: the model gave no usable picture.
    """
    observer.phase("reading the prompt")
    conditioning = studio.encoder.encode(order.params.prompt, order.params.negative_prompt)
    budget = PreviewBudget()
    for iteration in range(1, order.params.n_iter + 1):
        first = order.seed + (iteration - 1) * order.params.batch_size
        seeds = list(range(first, first + order.params.batch_size))
        latents = _sample(studio, order, conditioning, seeds, iteration, observer, budget)
        if latents is not None:
            _develop(studio, order, latents, seeds, observer)
        if observer.interrupted():
            return


def _sample(
    studio: Studio,
    order: Order,
    conditioning: Conditioning,
    seeds: list[int],
    iteration: int,
    observer: Observer,
    budget: PreviewBudget,
) -> Tensor | None:
    """The latents of one batch, or None if it was interrupted or skipped."""
    model, params = studio.model, order.params
    sampler = find_sampler(params.sampler_name)
    sigmas = sampler.sigmas(find_schedule(params.scheduler), model.noise_table, params.steps)
    shape = (model.latent_channels, params.height // model.scale, params.width // model.scale)
    noise = Noise(seeds, shape, model.placement.device)
    denoise = Denoiser(model, conditioning, params.cfg_scale, len(seeds))
    observer.phase("sampling")
    observer.step(iteration, 0, params.steps)
    state = start = begin(sampler, sigmas, noise)
    for state in walk(sampler, sigmas, start, noise, denoise):
        observer.step(iteration, state.index, params.steps)
        if observer.interrupted() or observer.skipped():
            return None
        _show(studio.preview, denoise.latest, observer, budget)
    return finished(state, sigmas)


def _show(decoder: PreviewDecoder, latents: Tensor | None, observer: Observer, budget: PreviewBudget) -> None:
    if latents is None or not observer.wants_preview() or not budget.allows():
        return
    if latents.is_cuda:
        # Else the time that the step itself still takes on the GPU would be counted as the preview's.
        torch.cuda.synchronize(latents.device)
    begun = time.perf_counter()
    observer.preview(jpegs(decoder.fitting(latents)(latents)))
    budget.spend(time.perf_counter() - begun)


def _develop(studio: Studio, order: Order, latents: Tensor, seeds: list[int], observer: Observer) -> None:
    """Decode and hand over each picture of a batch. One at a time: the decoder is what needs most memory."""
    observer.phase("decoding")
    sampler = find_sampler(order.params.sampler_name)
    told = order.params.changed(scheduler=sampler.schedule_name(order.params.scheduler))
    for row, seed in zip(latents.split(1), seeds, strict=True):
        image = decode(studio.model, row)
        observer.picture(Picture(image, seed, infotext.write(told, seed, studio.identity)))


def decode(model: Model, latents: Tensor) -> Image.Image:
    """The picture that latents of shape (1, channels, height, width) stand for.

    Raises:
        EngineError: the decoder gave numbers that are none (NaN).
    """
    config = cast(Any, model.vae.config)
    unscaled = latents / config.scaling_factor + (config.shift_factor or 0.0)
    rgb = model.vae.decode(unscaled.to(model.placement.dtype), return_dict=False)[0][0].float()
    if not torch.isfinite(rgb).all():
        raise EngineError("The model gave numbers that are none (NaN). Start Darkroom with --no-half.")
    pixels = rgb.permute(1, 2, 0).add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    return Image.fromarray(pixels.cpu().numpy())
