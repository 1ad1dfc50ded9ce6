"""Token merging: what it saves, and what it does to the picture."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from diffusers import UNet2DConditionModel

from tests.benchmarks.result import Result
from tests.benchmarks.stepcache import Studio
from webui.engine.token_merging import TokenMerging
from webui.engine.trial import has_bf16

RATIOS = (0.3, 0.5)
SEEDS = range(4)
STEPS = 20
SIDES = (512,)
ROUNDS = 2


def run() -> Iterator[Result]:
    """The demo model: the difference from the unmerged pictures, in levels of 255.

    It is held against that of pictures from other seeds: at 1 nothing would be left of the picture.
    """
    studio = Studio()
    plain = np.stack([studio.draw(seed, STEPS)[0] for seed in SEEDS])
    other = float(np.abs(plain - np.roll(plain, 1, axis=0)).mean())
    for ratio in RATIOS:
        with TokenMerging(studio.unet, ratio):
            merged = np.stack([studio.draw(seed, STEPS)[0] for seed in SEEDS])
        yield Result(f"merging {ratio}: change", float(np.abs(merged - plain).mean()), "", other)


def run_full_size() -> Iterator[Result]:
    """SD 1.5's UNet with random weights, guided: the seconds of a step, and so the ratio of a picture's."""
    dtype = torch.bfloat16 if has_bf16() else torch.float32
    torch.manual_seed(0)
    unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8).eval()
    unet.to(dtype)
    for side in SIDES:
        latents = torch.randn(2, 4, side // 8, side // 8, dtype=dtype)
        seconds = _step_seconds(unet, latents, torch.randn(2, 77, 768, dtype=dtype))
        for ratio in RATIOS:
            yield Result(f"SD 1.5 step, {side}, merging {ratio}", seconds[ratio], "s", seconds[0.0])


@torch.inference_mode()
def _step_seconds(
    unet: UNet2DConditionModel, latents: torch.Tensor, text: torch.Tensor
) -> dict[float, float]:
    """Median seconds of a step for each ratio, 0 too, in turns; a first round is not counted."""
    seconds: dict[float, list[float]] = {ratio: [] for ratio in (0.0, *RATIOS)}
    for _ in range(ROUNDS + 1):
        for ratio, each in seconds.items():
            with TokenMerging(unet, ratio):
                begun = time.perf_counter()
                unet(latents, torch.tensor([500]), encoder_hidden_states=text, return_dict=False)
                each.append(time.perf_counter() - begun)
    return {ratio: statistics.median(each[1:]) for ratio, each in seconds.items()}


BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {
    "token-merging": run,
    "token-merging-full-size": run_full_size,
}
