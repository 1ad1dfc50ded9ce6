"""The way that a batch takes from noise to latents: the sampler, the noise levels, the noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from webui.engine import sampling
from webui.engine.batch import Batch
from webui.engine.denoiser import Denoiser
from webui.engine.model import Model
from webui.engine.noise_source import NoiseSource, Seeds
from webui.engine.samplers.options import SamplerOptions
from webui.engine.samplers.schedules import NoiseTable
from webui.engine.samplers.table import Sampler, find_sampler, find_schedule
from webui.engine.sampling import SamplingState
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

    @classmethod
    def of(cls, model: Model, batch: Batch) -> Way:
        """The way that `model` goes for `batch`.

        Raises:
            InvalidParamsError: there is no such sampler or schedule type.
        """
        params = batch.params
        sampler, options = find_sampler(params.sampler_name), SamplerOptions.of(params)
        table = model.noise_table
        if params.noise_schedule == "Zero Terminal SNR":
            table = table.to_zero_terminal_snr()
        sdxl = model.family.startswith("sdxl")
        sigmas = sampler.sigmas(find_schedule(params.scheduler), table, params.steps, options, sdxl=sdxl)
        return cls(sampler, sigmas, options, _noise(model, batch), table, params.steps)

    @staticmethod
    def schedule_of(params: GenerationParams) -> str:
        """The schedule type that infotexts tell."""
        return find_sampler(params.sampler_name).schedule_name(params.scheduler)

    @property
    def evaluations(self) -> int:
        """How often the model is asked, as A1111 counts it for prompts that change."""
        return self.asked * self.sampler.evaluations

    @property
    def steps(self) -> int:
        """How many steps are shown: some samplers make more or fewer than were asked for."""
        return self.sampler.total_steps(self.sigmas) or self.asked

    def shown(self, state: SamplingState) -> int:
        """How many of `steps` are done."""
        return round(state.progress * self.steps)

    def begin(self) -> SamplingState:
        """Noise, as it lies before the first step."""
        return sampling.begin(self.sampler, self.sigmas, self.noise, self.options)

    def walk(self, state: SamplingState, denoise: Denoiser) -> Iterator[SamplingState]:
        """The states after `state`, one for each step."""
        return sampling.walk(self.sampler, self.sigmas, state, self.noise, denoise, self.options)

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
        return sampling.finished(state, self.sigmas)


def _noise(model: Model, batch: Batch) -> NoiseSource:
    params = batch.params
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
        (model.latent_channels, params.height // model.scale, params.width // model.scale),
        model.placement.device,
        params.rng,
        params.ensd,
    )
