"""The step cache: what it saves, and what it does to the picture, beside simply taking fewer steps."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, UNet2DConditionModel
from PIL import Image
from tokenizers import Tokenizer
from transformers import CLIPTextModel

from tests.benchmarks.result import Result
from webui.config import BUILT_IN_CHECKPOINTS, DEMO
from webui.engine.stepcache import StepCache
from webui.engine.trial import has_bf16

PROMPTS = [
    "a 3d panda on a blue background",
    "fox, 3d style, white background",
    "a 3d red car on a white background",
    "cat, 3d style, green background",
]
SEEDS = range(4)
STEPS = 20
INTERVALS = (2, 3, 5)
SHEET = "DARKROOM_STEPCACHE_SHEET"
"""Where this variable names a file, the pictures are saved there side by side: a row for each drawing."""


class Studio:
    """The demo model's networks and diffusers' sampler, so that nothing but the cache differs."""

    def __init__(self) -> None:
        folder = BUILT_IN_CHECKPOINTS / DEMO
        local: dict[str, Any] = {"local_files_only": True, "torch_dtype": torch.float32}
        self.unet = UNet2DConditionModel.from_pretrained(folder / "unet", **local).eval()
        self.vae = AutoencoderKL.from_pretrained(folder / "vae", **local).eval()
        self.text = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32).eval()
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer" / "tokenizer.json"))
        self.scheduler = folder / "scheduler"

    @torch.inference_mode()
    def draw(self, seed: int, steps: int, interval: int = 1) -> tuple[np.ndarray, float]:
        """Every prompt, shape (n, height, width, 3) in levels of 255, and the seconds that sampling took."""
        embeddings = torch.cat([self._embeddings(""), *(self._embeddings(prompt) for prompt in PROMPTS)])
        noise = torch.randn((1, 4, 16, 16), generator=torch.Generator().manual_seed(seed))
        begun = time.perf_counter()
        latents = self._sample(noise.repeat(len(PROMPTS), 1, 1, 1), embeddings, steps, interval)
        seconds = time.perf_counter() - begun
        rgb = self.vae.decode(latents, return_dict=False)[0]
        return rgb.permute(0, 2, 3, 1).add(1).mul(127.5).clamp(0, 255).numpy(), seconds

    def _embeddings(self, prompt: str) -> torch.Tensor:
        end = self.text.config.eos_token_id
        ids = self.tokenizer.encode(prompt, add_special_tokens=False).ids
        row = [self.text.config.bos_token_id, *ids, end]
        return self.text(torch.tensor([row + [end] * (77 - len(row))]))[0]

    def _sample(
        self, noise: torch.Tensor, embeddings: torch.Tensor, steps: int, interval: int
    ) -> torch.Tensor:
        scheduler = DPMSolverMultistepScheduler.from_pretrained(self.scheduler, use_karras_sigmas=True)
        scheduler.set_timesteps(steps)
        latents = noise * scheduler.init_noise_sigma
        both = torch.cat([embeddings[:1].expand(len(noise), -1, -1), embeddings[1:]])
        with StepCache(self.unet, interval) as cache:
            for timestep in scheduler.timesteps:
                cache.next_step()
                given = scheduler.scale_model_input(torch.cat([latents] * 2), timestep)
                out = self.unet(given, timestep, encoder_hidden_states=both, return_dict=False)[0]
                negative, positive = out.chunk(2)
                guided = negative + 4.0 * (positive - negative)
                latents = scheduler.step(guided, timestep, latents, return_dict=False)[0]
        return latents


def run() -> Iterator[Result]:
    """The demo model: seconds of sampling, and the difference from the uncached pictures in levels of 255.

    A difference is held against that of pictures drawn uncached in as many steps as take the same time.
    """
    studio = Studio()
    studio.draw(0, 2)
    # A seed with every interval before the next seed, so that noise on the machine hits all alike.
    drawn = [[studio.draw(seed, STEPS, interval) for interval in (1, *INTERVALS)] for seed in SEEDS]
    (uncached, baseline), *others = [_together(column) for column in zip(*drawn, strict=True)]
    for interval, (cached, seconds) in zip(INTERVALS, others, strict=True):
        fewer = max(2, round(STEPS * seconds / baseline))
        hurried, _ = _together([studio.draw(seed, fewer) for seed in SEEDS])
        yield Result(f"interval {interval}: sampling", seconds, "s", baseline)
        change, beside = _difference(cached, uncached), _difference(hurried, uncached)
        yield Result(f"interval {interval}: change/{fewer} steps", change, "", beside)
    if file := os.environ.get(SHEET):
        _save_sheet([uncached, *(cached for cached, _ in others)], Path(file))


def _together(drawings: Sequence[tuple[np.ndarray, float]]) -> tuple[np.ndarray, float]:
    """All pictures, and the median of the seconds."""
    return np.concatenate([each[0] for each in drawings]), statistics.median(each[1] for each in drawings)


def run_full_size() -> Iterator[Result]:
    """SD 1.5's UNet with random weights, 256 x 256 pixels, guided: a shallow step against a full one."""
    dtype = torch.bfloat16 if has_bf16() else torch.float32
    unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8).eval()
    unet.to(dtype)
    latents, text = torch.randn(2, 4, 32, 32, dtype=dtype), torch.randn(2, 77, 768, dtype=dtype)
    for layers in range(2):
        shallow, full = _step_seconds(unet, latents, text, layers)
        yield Result(f"SD 1.5 step, {layers} layers", shallow, "s", full)
        for interval in INTERVALS:
            mean = (full + shallow * (interval - 1)) / interval
            yield Result(f"SD 1.5 mean step, interval {interval}", mean, "s", full)


@torch.inference_mode()
def _step_seconds(
    unet: UNet2DConditionModel, latents: torch.Tensor, text: torch.Tensor, layers: int, rounds: int = 4
) -> tuple[float, float]:
    """Median seconds of a shallow and of a full step, in turns; the first of each is not counted."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    with StepCache(unet, 2, layers) as cache:
        for _ in range(2 * rounds):
            cache.next_step()
            begun = time.perf_counter()
            unet(latents, torch.tensor([500]), encoder_hidden_states=text, return_dict=False)
            seconds[cache.shallow].append(time.perf_counter() - begun)
    return statistics.median(seconds[True][1:]), statistics.median(seconds[False][1:])


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).mean())


def _save_sheet(columns: list[np.ndarray], file: Path) -> None:
    rows = [np.concatenate(row, axis=1) for row in zip(*columns, strict=True)]
    Image.fromarray(np.concatenate(rows).round().astype(np.uint8)).save(file)


BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {
    "stepcache": run,
    "stepcache-full-size": run_full_size,
}
