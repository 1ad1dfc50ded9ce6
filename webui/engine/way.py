"""The way that a batch takes to its latents, from noise or a picture: the sampler, the noise levels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor

from webui.engine import sampling
from webui.engine.batch import Batch
from webui.engine.denoiser import Denoiser
from webui.engine.model import Model
from webui.engine.noise_source import NoiseSource, Seeds, Shape
from webui.engine.samplers.options import SamplerOptions
from webui.engine.samplers.schedules import NoiseTable
from webui.engine.samplers.table import Sampler, find_sampler, find_schedule
from webui.engine.sampling import SamplingState
from webui.engine.start import Start
from webui.params import GenerationParams


@dataclass(frozen=True)
class Way:
    """All that is settled before the first step. `table` is the noise that the model knows."""

    sampler: Sampler
    sigmas: list[float]
    options: SamplerOptions
    noise: NoiseSource
    table: NoiseTable
    asked: int
    """How many steps were asked for."""
    start: Start | None = None
    """What it starts from; None: from noise alone."""
    whole: Sequence[float] = ()
    """The sigmas of which `sigmas` are the last, where it starts from a picture."""

    @classmethod
    def of(cls, model: Model, batch: Batch, start: Start | None = None) -> Way:
        """The way that `model` goes for `batch`, from `start` or from noise alone.

        Raises:
            InvalidParamsError: there is no such sampler or schedule type.
        """
        params = batch.params
        sampler, options = find_sampler(params.sampler_name), SamplerOptions.of(params)
        table = model.noise_table
        if params.noise_schedule == "Zero Terminal SNR":
            table = table.to_zero_terminal_snr()
        levels = partial(
            sampler.sigmas,
            find_schedule(params.scheduler),
            table,
            options=options,
            sdxl=model.family.startswith("sdxl"),
        )
        if start is None:
            noise = noise_of(model, batch)
            return cls(sampler, levels(steps=params.steps), options, noise, table, params.steps)
        noise, cut = noise_of(model, batch, start.latents), start.cut(params.steps)
        sigmas = levels(steps=params.steps, cut=cut) if cut.walked else [0.0]
        whole = levels(steps=cut.steps)
        return cls(sampler, sigmas, options, noise, table, params.steps, start, whole)

    @staticmethod
    def schedule_of(params: GenerationParams) -> str:
        """The schedule type that infotexts tell."""
        return find_sampler(params.sampler_name).schedule_name(params.scheduler)

    @property
    def evaluations(self) -> int:
        """How often the model is asked, as A1111 counts it for prompts that change.

        Where the first steps are left out, prompts change as if the last ones were.
        """
        return self.asked * self.sampler.evaluations

    @property
    def guided(self) -> int:
        """How often the model is asked, as A1111 counts it for the shares that go without guidance."""
        walked = self.start.cut(self.asked).walked if self.start else self.asked
        return walked * self.sampler.evaluations

    @property
    def steps(self) -> int:
        """How many steps are shown: some samplers make more or fewer than were asked for."""
        return self.sampler.total_steps(self.sigmas) or self.asked

    def shown(self, state: SamplingState) -> int:
        """How many of `steps` are done."""
        return round(state.progress * self.steps)

    def begin(self) -> SamplingState:
        """Noise, or what it starts from with noise on it, as it lies before the first step."""
        start = self.start
        if start is None:
            return sampling.begin(self.sampler, self.sigmas, self.noise, self.options)
        if len(self.sigmas) == 1:  # no strength, no noise
            return replace(sampling.begin_from(start.latents, self.noise, 0.0), progress=1.0)
        noises = start.noise_multiplier, start.extra_noise
        return sampling.begin_from(start.latents, self.noise, self.sigmas[0], *noises)

    def walk(self, state: SamplingState, denoise: Denoiser) -> Iterator[SamplingState]:
        """The states after `state`, one for each step."""
        return sampling.walk(self.sampler, self.sigmas, state, self.noise, denoise, self.options, self.whole)

    def kept(self, clean: Tensor, sigma: float) -> Tensor:
        """A prediction at `sigma`, with what isn't to change put in its place."""
        return self.start.kept(clean, sigma) if self.start else clean

    def share(self, state: SamplingState) -> float:
        """The share of the way behind `state`, measured in the model's timesteps, as A1111 does."""
        if self.sampler.adaptive:
            return state.progress
        sigma = self.sigmas[state.index]
        if sigma <= 0:
            return 1.0
        last = len(self.table.sigmas) - 1
        return (last - round(self.table.timestep(sigma))) / (last + 1)

    def over(self, state: SamplingState) -> bool:
        """Whether no step is left."""
        return state.progress >= 1

    def finished(self, state: SamplingState) -> Tensor:
        """The latents to decode."""
        latents = sampling.finished(state, self.sigmas)
        return self.start.finished(latents) if self.start else latents


def noise_of(model: Model, batch: Batch, latents: Tensor | None = None) -> NoiseSource:
    """The noise of the batch's pictures, of the size of `latents` if given, else of that asked for."""
    params = batch.params
    size = (params.height // model.scale, params.width // model.scale)
    height, width = size if latents is None else latents.shape[-2:]
    shape: Shape = (model.latent_channels, height, width)
    seeds, subseeds = batch.seeds
    resized = params.seed_resize_from_w > 0 and params.seed_resize_from_h > 0
    return NoiseSource(
        Seeds(
            seeds,
            subseeds,
            params.subseed_strength,
            (params.seed_resize_from_w // model.scale, params.seed_resize_from_h // model.scale)
            if resized
            else None,
        ),
        shape,
        model.placement.device,
        params.rng,
        params.ensd,
    )
