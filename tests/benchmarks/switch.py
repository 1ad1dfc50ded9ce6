"""Switching checkpoints of full size: against reading the file, and against diffusers' from_single_file."""

from __future__ import annotations

import gc
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import torch
from diffusers import StableDiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from torch import nn

from tests import tiny
from tests.benchmarks.result import Result
from tests.tiny.files import weights_of
from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.config import Config
from webui.engine import original
from webui.engine.local import LocalEngine
from webui.engine.protocol import Order
from webui.params import GenerationParams
from webui.settings import SettingsStore

ROUNDS = 5
SWITCHES = 20
PAGE = 4096


def write_full_size(file: Path, seed: int) -> None:
    """SD 1.5's shapes (859.5M + 83.7M + 123.1M parameters) with random weights, fp16: 2.1 GB."""
    torch.manual_seed(seed)
    parts = {part: _filled(part) for part in original.PARTS["sd1"]}
    tiny.save(weights_of(tiny.Networks("sd1", parts)), file, torch.float16)


def _filled(part: str) -> nn.Module:
    network = original.build(part, original.configs_of("sd1")[part]).to_empty(device="cpu")
    network.half()
    for tensor in network.parameters():
        tensor.normal_(0, 0.02)
    return network


def write_config(folder: Path) -> None:
    """The folder of configs that from_single_file needs to work offline."""
    tiny.write_folder(folder, "sd1", weights=False)
    for part, config in original.configs_of("sd1").items():
        if part != "scheduler":
            (folder / part / "config.json").write_text(json.dumps(config))


class Bench:
    """Two checkpoints of full size and an engine that computes in their number format."""

    def __init__(self, folder: Path) -> None:
        self.config_folder = folder / "config"
        write_config(self.config_folder)
        checkpoints = folder / "checkpoints"
        for seed, name in enumerate(("a", "b")):
            write_full_size(checkpoints / f"{name}.safetensors", seed)
        catalog = Catalog.over([checkpoints])
        self.a, self.b = catalog.find("a"), catalog.find("b")
        settings = SettingsStore(folder / "settings.json")
        settings.update({"precision": "fp16", "channels_last": "Off", "ram_budget": 64})
        self.settings = settings
        self.engine = LocalEngine(Config(data_dir=folder, use_cpu=True), settings, catalog)

    def open(self, checkpoint: ModelFile) -> None:
        """As far as the first step: every weight has been read."""
        order = Order(GenerationParams(), checkpoint, 0)
        with self.engine._manager.open(order, self.engine._forms.plan(order)) as studio:
            for network in (studio.model.unet, studio.model.vae, studio.model.encoders[0].network):
                touch(network)

    def cold(self) -> None:
        """A is held and B is asked for; B is in no cache of ours."""
        self.engine.unload(self.b.name)
        self.open(self.b)

    def by_diffusers(self) -> None:
        """The same with diffusers, from the same file, in its number format."""
        pipeline = StableDiffusionPipeline.from_single_file(
            str(self.b.path),
            config=str(self.config_folder),
            local_files_only=True,
            torch_dtype=torch.float16,
            safety_checker=None,
        )
        for network in (pipeline.unet, pipeline.vae, pipeline.text_encoder):
            touch(network)


def touch(network: nn.Module) -> float:
    """Read every page of the weights, as the first step would."""
    return sum(float(tensor.data.flatten()[:: PAGE // 2].sum()) for tensor in network.parameters())


def read(file: Path) -> None:
    """The whole file once, into a buffer that is used again."""
    buffer = bytearray(2**24)
    with file.open("rb", buffering=0) as opened:
        while opened.readinto(buffer):
            pass


def forget(file: Path) -> None:
    """Have the system drop the file from its cache, as far as it does so."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def medians(*runs: Callable[[], object], before: Callable[[], object] = gc.collect) -> list[float]:
    """Median seconds of each, in turns; a first round is not counted."""
    times: list[list[float]] = [[] for _ in runs]
    for round_number in range(ROUNDS + 1):
        for kept, run in zip(times, runs, strict=True):
            before()
            begun = time.perf_counter()
            run()
            if round_number:
                kept.append(time.perf_counter() - begun)
    return [statistics.median(kept) for kept in times]


def resident(bench: Bench) -> list[float]:
    """Resident bytes after each of the switches between two checkpoints of which one fits."""
    bench.engine.unload()
    bench.settings.update({"ram_budget": 3})
    sizes: list[float] = []
    for number in range(SWITCHES):
        bench.open((bench.a, bench.b)[number % 2])
        sizes.append(psutil.Process().memory_info().rss / 2**20)
    return sizes


def run() -> Iterator[Result]:
    """Cold, warm, memory."""
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        bench.open(bench.a)
        reading, cold, diffusers = medians(lambda: read(bench.b.path), bench.cold, bench.by_diffusers)
        yield Result("switch: cold, beside reading", cold, "s", reading, 1.3)
        yield Result("switch: cold, beside diffusers", cold, "s", diffusers, 1 / 3)
        reading, cold, diffusers = medians(
            lambda: read(bench.b.path),
            bench.cold,
            bench.by_diffusers,
            before=lambda: (bench.engine.unload(bench.b.name), forget(bench.b.path)),
        )
        yield Result("switch: from disk, b. reading", cold, "s", reading, 1.3)
        yield Result("switch: from disk, b. diffusers", cold, "s", diffusers)
        bench.open(bench.a)
        (pair,) = medians(lambda: (bench.open(bench.a), bench.open(bench.b)))
        yield Result("switch: warm, beside 50 ms", pair / 2 * 1000, "ms", 50.0, 1.0)
        sizes = resident(bench)
        last, first = (statistics.mean(part) for part in (sizes[-5:], sizes[:5]))
        yield Result(f"memory after {SWITCHES} switches", last, "MiB", first, 1.02)


BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {"switch": run}
