"""LoRAs on a UNet of SD 1.5's size: reweighting, switching and a step's cost, against diffusers' own."""

from __future__ import annotations

import copy
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging
from torch import nn

from tests.benchmarks.result import Result, interleaved
from tests.engine.adapters.loras import factors_of, kohya, write
from webui.engine.adapters.bodies import Body
from webui.engine.adapters.injection import Injection
from webui.engine.adapters.library import LoraLibrary
from webui.engine.adapters.wardrobe import injection
from webui.engine.devices import Placement

RANK = 16
FILES = 20
ROUNDS = 6
SIDE = 16
"""In latents, so small that a step on a CPU takes a second: there the cost of LoRAs shows most."""
CPU = Placement(torch.device("cpu"), torch.float32)


class Bench:
    """A UNet for us, one for diffusers, and the files that are switched between."""

    def __init__(self, folder: Path) -> None:
        self.unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8).eval()
        self.unet.requires_grad_(False)
        self.body = Body("sd1", "unet", {"unet": self.unet}, CPU)
        self.places = self.body.places()
        modules = {
            ("unet", path): module for path, module in self.unet.named_modules() if _trained(path, module)
        }
        self.files = [_written(folder / f"{number}.safetensors", modules, number) for number in range(FILES)]
        self.library = LoraLibrary(lambda: 2**31)
        self.pipe = _pipeline(copy.deepcopy(self.unet))
        self.number = 0

    def next(self) -> Path:
        """The files in turn."""
        self.number += 1
        return self.files[self.number % FILES]

    def injected(self, files: Sequence[Path]) -> Injection:
        """These on our UNet, yet to be weighed."""
        fits = [self.library.fit(file.stem, file, self.places, torch.float32) for file in files]
        return injection(self.body, "unet", [fit.parts["unet"] for fit in fits])

    def switch(self) -> None:
        """Another file, put on, weighed and taken off."""
        with self.injected([self.next()]) as on:
            on.weigh(_weights([1.0]))

    def from_disk(self) -> None:
        """The same of a file that isn't in our cache."""
        self.library.unload()
        self.switch()

    def by_diffusers(self) -> None:
        """The same with diffusers, which keeps no files."""
        file = self.next()
        self.pipe.load_lora_weights(file.parent, weight_name=file.name, adapter_name="x")
        self.pipe.set_adapters(["x"], [1.0])
        self.pipe.delete_adapters(["x"])

    def step(self) -> None:
        """One evaluation for two rows, as with guidance."""
        text, latents = torch.zeros(2, 77, 768), torch.ones(2, 4, SIDE, SIDE)
        self.unet(latents, torch.tensor([500]), text, return_dict=False)


def _trained(path: str, module: nn.Module) -> bool:
    """What kohya's trainer touches by default: the transformers' layers and what is around them."""
    return ".attentions." in path and isinstance(module, nn.Linear | nn.Conv2d)


def _written(file: Path, modules: dict[tuple[str, str], nn.Module], seed: int) -> Path:
    tensors = kohya(factors_of(modules, RANK, seed, scale=0.01), alpha=RANK)
    return write(file, {name: tensor.half() for name, tensor in tensors.items()})


def _pipeline(unet: UNet2DConditionModel) -> StableDiffusionPipeline:
    absent = dict.fromkeys(("vae", "text_encoder", "tokenizer", "safety_checker", "feature_extractor"))
    return StableDiffusionPipeline(
        unet=unet, scheduler=DDIMScheduler(), **absent, requires_safety_checker=False
    )


def _weights(values: Sequence[float]) -> Callable[[str], torch.Tensor]:
    """The same in all blocks and rows."""
    return lambda _: torch.tensor([list(values)])


def _reweighing(bench: Bench) -> Iterator[Result]:
    """Another weight for a LoRA that is on: against diffusers, and against 20 ms."""
    file = bench.files[0]
    bench.pipe.load_lora_weights(file.parent, weight_name=file.name, adapter_name="x")
    with bench.injected([file]) as on:
        ours, theirs = interleaved(
            lambda: on.weigh(_weights([0.7])), lambda: bench.pipe.set_adapters(["x"], [0.7]), ROUNDS
        )
    bench.pipe.delete_adapters(["x"])
    yield Result("reweight, beside diffusers", ours * 1000, "ms", theirs * 1000)
    yield Result("reweight, beside 20 ms", ours * 1000, "ms", 20.0, 1.0)


def _switching(bench: Bench) -> Iterator[Result]:
    for _ in range(FILES):
        bench.switch()
    cached, theirs = interleaved(bench.switch, bench.by_diffusers, ROUNDS)
    yield Result("switch from cache, b. diffusers", cached * 1000, "ms", theirs * 1000)
    yield Result("switch from cache, b. 100 ms", cached * 1000, "ms", 100.0, 1.0)
    cold, theirs = interleaved(bench.from_disk, bench.by_diffusers, ROUNDS)
    yield Result("switch from disk, b. diffusers", cold * 1000, "ms", theirs * 1000)


def _memory(bench: Bench) -> Iterator[Result]:
    """Resident memory while all files are switched through, of which the cache holds three."""
    bench.library = LoraLibrary(lambda: 3 * 40 * 2**20)
    sizes: list[float] = []
    for _ in range(2 * FILES):
        bench.switch()
        sizes.append(psutil.Process().memory_info().rss / 2**20)
    last, first = (statistics.mean(part) for part in (sizes[-5:], sizes[FILES - 5 : FILES]))
    yield Result(f"memory after {FILES} switches", last, "MiB", first, 1.02)


def _steps(bench: Bench) -> Iterator[Result]:
    """What a step costs with LoRAs on; all in turns, so that noise on the machine hits all alike."""
    counts = (0, 1, 3)
    taken: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(ROUNDS):
        for count in counts:
            with bench.injected(bench.files[:count]) as on:
                if count:
                    on.weigh(_weights([0.5] * count))
                begun = time.perf_counter()
                bench.step()
                taken[count].append(time.perf_counter() - begun)
    without, *others = (statistics.median(taken[count]) for count in counts)
    for count, seconds in zip(counts[1:], others, strict=True):
        yield Result(f"a step with {count} on", seconds, "s", without)


@torch.inference_mode()
def run() -> Iterator[Result]:
    """All of these."""
    diffusers_logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for measure in (_reweighing, _switching, _memory, _steps):
            yield from measure(bench)


BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {"lora": run}
