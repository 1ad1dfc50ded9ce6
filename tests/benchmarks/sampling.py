"""Sampling and previews against a plain diffusers loop on the same weights."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

from tests.benchmarks.result import Result, interleaved
from webui.catalog.catalog import Catalog
from webui.config import BUILT_IN_CHECKPOINTS, Config
from webui.engine.conditioning import Conditioning
from webui.engine.denoiser import Denoiser
from webui.engine.guidance import Guidance
from webui.engine.local import LocalEngine
from webui.engine.noise_source import NoiseSource, Seeds
from webui.engine.protocol import Order, Picture
from webui.engine.samplers.options import SamplerOptions
from webui.engine.samplers.table import find_sampler
from webui.engine.sampling import begin, walk
from webui.params import GenerationParams
from webui.prompting.prepared import PicturePrompt
from webui.settings import SettingsStore

PROMPT = "a 3d panda on a blue background"
STEPS = 20
ROUNDS = 15


class Silent:
    """An observer who only looks at previews, or not even that."""

    def __init__(self, watches: bool) -> None:
        self.watches = watches

    def phase(self, text: str) -> None: ...

    def step(self, iteration: int, step: int, steps: int) -> None: ...

    def notice(self, text: str) -> None: ...

    def wants_preview(self) -> bool:
        return self.watches

    def preview(self, jpegs: list[bytes]) -> None: ...

    def picture(self, picture: Picture) -> None: ...

    def interrupted(self) -> bool:
        return False

    def skipped(self) -> bool:
        return False


class Bench:
    """The demo model in our engine, and its networks in a diffusers pipeline."""

    def __init__(self) -> None:
        config = Config(data_dir=Path(tempfile.mkdtemp()))
        catalog = Catalog.over([BUILT_IN_CHECKPOINTS])
        self.checkpoint = catalog.find("darkroom-demo")
        settings = SettingsStore(config.settings_file)
        settings.update({"precision": "fp32", "channels_last": "Off"})
        self.engine = LocalEngine(config, settings, catalog)
        self.engine.warm_up(self.checkpoint, lambda _: None)
        order = Order(GenerationParams(), self.checkpoint, 0)
        with self.engine._manager.open(order, self.engine._forms.plan(order)) as studio:
            self.studio: Any = studio
        model = self.studio.model
        self.params = GenerationParams(prompt=PROMPT, steps=STEPS, seed=7).completed(self.checkpoint.defaults)
        self.scheduler = DPMSolverMultistepScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            prediction_type="v_prediction",
            use_karras_sigmas=True,
            steps_offset=1,
        )
        self.pipe = StableDiffusionPipeline(
            vae=model.vae,
            text_encoder=model.encoders[0].network,
            tokenizer=None,
            unet=model.unet,
            scheduler=self.scheduler,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        self.pipe.set_progress_bar_config(disable=True)

    def draw(self, watches: bool) -> None:
        self.engine.draw(Order(self.params, self.checkpoint, 7), Silent(watches))

    @torch.inference_mode()
    def our_loop(self) -> None:
        model = self.studio.model
        sampler = find_sampler("DPM++ 2M")
        sigmas = sampler.sigmas("Karras", model.noise_table, STEPS)
        options, noise = SamplerOptions(), NoiseSource(Seeds((7,), (0,)), (4, 16, 16), model.placement.device)
        conditioning = Conditioning(self.studio.encoder, [PicturePrompt(PROMPT, "")], STEPS)
        denoise = Denoiser(model, conditioning, Guidance(4.0))
        start = begin(sampler, sigmas, noise, options)
        for _ in walk(sampler, sigmas, start, noise, denoise, options):
            pass

    @torch.inference_mode()
    def plain_loop(self) -> None:
        model, scheduler = self.studio.model, self.scheduler
        encoder = self.studio.encoder
        embeddings = torch.cat([encoder.embed("").tokens, encoder.embed(PROMPT).tokens])
        scheduler.set_timesteps(STEPS)
        latents = (
            torch.randn((1, 4, 16, 16), generator=torch.Generator().manual_seed(7))
            * scheduler.init_noise_sigma
        )
        for timestep in scheduler.timesteps:
            both = scheduler.scale_model_input(torch.cat([latents] * 2), timestep)
            out = model.unet(both, timestep, encoder_hidden_states=embeddings, return_dict=False)[0]
            negative, positive = out.chunk(2)
            latents = scheduler.step(
                negative + 4.0 * (positive - negative), timestep, latents, return_dict=False
            )[0]

    def pipeline(self) -> None:
        encoder = self.studio.encoder
        self.pipe(
            prompt_embeds=encoder.embed(PROMPT).tokens,
            negative_prompt_embeds=encoder.embed("").tokens,
            num_inference_steps=STEPS,
            guidance_scale=4.0,
            width=128,
            height=128,
            generator=torch.Generator().manual_seed(7),
        )

    @torch.inference_mode()
    def preview_seconds(self, rounds: int = 200) -> float:
        latents = torch.randn(1, 4, 16, 16)
        begun = time.perf_counter()
        for _ in range(rounds):
            self.studio._show(latents, Silent(True), _Unlimited())
        return (time.perf_counter() - begun) / rounds


class _Unlimited:
    def allows(self) -> bool:
        return True

    def spend(self, seconds: float) -> None: ...


def run() -> Iterator[Result]:
    """Sampling loop, whole picture, previews."""
    bench = Bench()
    ours, plain = interleaved(bench.our_loop, bench.plain_loop, ROUNDS)
    yield Result("sampling loop", ours, "s", plain, 1.03)
    picture, pipeline = interleaved(lambda: bench.draw(False), bench.pipeline, ROUNDS)
    yield Result("whole picture", picture, "s", pipeline, 1.03)
    watched, unwatched = interleaved(lambda: bench.draw(True), lambda: bench.draw(False), ROUNDS)
    yield Result("previews: watched picture", watched, "s", unwatched, 1.03)
    yield Result(
        "previews: one, unthrottled", bench.preview_seconds() * 1000, "ms", ours / STEPS * 1000, 0.03
    )


BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {"sampling": run}
