"""Enlarging by a network of ESRGAN's size: in tiles, against the whole picture at once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from tests.benchmarks.result import Result, interleaved
from tests.conftest import Recorder
from tests.engine.upscaling.test_upscalers import picture
from tests.engine.upscaling.weights import compact, esrgan, write
from webui.catalog.entry import ModelFile
from webui.engine.devices import Placement
from webui.engine.upscaling.upscalers import Upscalers
from webui.settings import SettingsStore

SIDE = 320
"""Pixels: four tiles at the default settings."""
ROUNDS = 2


def tiled_and_whole(folder: Path, file: ModelFile) -> tuple[float, float]:
    """Median seconds of enlarging a picture four times, in tiles of the default size and in one piece."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    placement = Placement(device, torch.float16 if device.type == "cuda" else torch.float32)
    whole = SettingsStore(folder / "whole.json")
    whole.update({"ESRGAN_tile": 0})
    stores = SettingsStore(folder / "tiled.json"), whole
    image = picture(SIDE, SIDE)

    def enlarging(store: SettingsStore) -> Callable[[], object]:
        upscalers = Upscalers(lambda: placement, store, lambda: None)
        return lambda: upscalers.enlarged(file.stem, image, SIDE * 4, SIDE * 4, Recorder(), file)

    return interleaved(*map(enlarging, stores), ROUNDS)


def run() -> Iterator[Result]:
    """A compact network of full size, and one like ESRGAN of fewer blocks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = write(folder / "4x_compact.pth", compact(width=64, convolutions=16))
        large = write(folder / "4x_esrgan.pth", esrgan(width=64, growth=32, blocks=1))
        for file in (small, large):
            tiled, whole = tiled_and_whole(folder, file)
            yield Result(f"{file.stem}: tiled, beside whole", tiled, "s", whole, 1.5)


BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {"upscaling": run}
