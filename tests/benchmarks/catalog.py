"""Listing 2,000 models: the first look, a start with the index, and a look where nothing has changed."""

from __future__ import annotations

import json
import os
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.result import Result, interleaved
from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore

FILES = 2000
TENSORS = 528
"""Of kohya's usual LoRA for SD 1.x."""
LIMIT = 1.0
"""Seconds that listing may take."""


def run() -> Iterator[Result]:
    """Seconds, against plainly reading the headers' bytes and against os.walk with a stat of each file."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        _make(root / "Lora")
        begun = time.perf_counter()
        _read_headers(root / "Lora")
        plain = time.perf_counter() - begun
        begun = time.perf_counter()
        catalog, index = _start(root)
        first = time.perf_counter() - begun
        assert len(catalog.files("lora")) == FILES
        assert not catalog.broken()
        index.close()
        yield Result("catalog: first look", first, "s", plain)
        begun = time.perf_counter()
        catalog, index = _start(root)
        yield Result("catalog: start with the index", time.perf_counter() - begun, "s", LIMIT, 1.0)
        again, walked = interleaved(lambda: _list(catalog), lambda: _walk(root / "Lora"), 10)
        yield Result("catalog: unchanged", again, "s", LIMIT, 1.0)
        yield Result("catalog: against os.walk", again, "s", walked)
        index.close()


def _make(folder: Path) -> None:
    names = [f"lora_unet_block_{number}_attn2_to_k.lora_down.weight" for number in range(TENSORS)]
    told = {
        name: {"dtype": "F16", "shape": [4, 1], "data_offsets": [8 * number, 8 * number + 8]}
        for number, name in enumerate(names)
    }
    header = json.dumps(told).encode()
    content = struct.pack("<Q", len(header)) + header + bytes(8 * TENSORS)
    for number in range(FILES):
        file = folder / f"style {number % 20}" / f"lora {number}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _start(root: Path) -> tuple[Catalog, ModelIndex]:
    index = ModelIndex(root / "models.sqlite3")
    return Catalog([ModelFolder(root / "Lora", ("lora",))], index, ModelSettingsStore()), index


def _list(catalog: Catalog) -> None:
    catalog.refresh()
    catalog.files("lora")


def _read_headers(folder: Path) -> None:
    for file in folder.rglob("*.safetensors"):
        with file.open("rb") as stream:
            json.loads(stream.read(int.from_bytes(stream.read(8), "little")))


def _walk(folder: Path) -> None:
    for path, _, files in os.walk(folder):
        for name in files:
            (Path(path) / name).stat()


BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {"catalog": run}
