"""Weights in files: mapped into memory, read when they are first used, never copied here."""

from __future__ import annotations

import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

PICKLES = (".ckpt", ".pt", ".pth", ".bin")


class _Ignored:
    """Stands for whatever a file holds beside its weights."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...


IGNORED: list[Any] = [
    (_Ignored, name)
    for name in (
        "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray._reconstruct",
        "numpy.dtype",
        "numpy.ndarray",
    )
]
"""What training programs left in widely used pickles, which torch would refuse: Stable Diffusion 1.4's."""


class WeightsError(ValueError):
    """A weights file can't be used; the text says why, without naming the file."""


def load(file: Path, keep: Callable[[str], bool] = bool) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` file or a torch pickle whose names are to be kept, on the CPU.

    They are windows into the file: nothing is read before it is used, and letting go of them gives
    all memory back at once. Pickles run no code (`weights_only`); those that would are refused.

    Raises:
        WeightsError: the file is damaged, foreign, or a pickle that holds more than weights.
        OSError: it can't be opened.
    """
    read_ahead(file)
    if file.suffix.lower() in PICKLES:
        return {name: tensor for name, tensor in _pickled(file).items() if keep(name)}
    with _opened(file) as opened:
        return {name: opened.get_tensor(name) for name in opened.keys() if keep(name)}  # noqa: SIM118


def shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in a file, by name; see `load`."""
    if file.suffix.lower() in PICKLES:
        return {name: tuple(tensor.shape) for name, tensor in _pickled(file).items()}
    with _opened(file), file.open("rb") as raw:
        header: dict[str, Any] = json.loads(raw.read(int.from_bytes(raw.read(8), "little")))
    return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}


def load_folder(folder: Path) -> dict[str, Tensor]:
    """The weights of a part in diffusers' folder format, from one file or from several with an index.

    Raises:
        WeightsError: there are none, or a file is damaged.
    """
    weights: dict[str, Tensor] = {}
    for file in weight_files(folder):
        weights.update(load(file))
    return weights


def weight_files(folder: Path) -> list[Path]:
    """The files that hold a folder's weights; full precision is preferred to a `.fp16` variant beside it.

    Raises:
        WeightsError: there are none in `.safetensors`.
    """
    for stem in ("diffusion_pytorch_model", "model"):
        for variant in ("", ".fp16"):
            if (whole := folder / f"{stem}{variant}.safetensors").is_file():
                return [whole]
            if (index := folder / f"{stem}.safetensors.index{variant}.json").is_file():
                shards: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
                return [folder / name for name in sorted(set(shards.values()))]
    raise WeightsError(f"{folder.name} holds no .safetensors weights")


def read_ahead(file: Path) -> None:
    """Have the system begin to read `file` from disk, where it can; returns at once."""
    if not hasattr(os, "posix_fadvise"):
        return
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
    finally:
        os.close(descriptor)


@contextmanager
def _opened(file: Path) -> Generator[Any]:
    try:
        with safe_open(file, framework="pt", device="cpu") as opened:
            yield opened
    except SafetensorError as error:
        raise WeightsError(f"its file is damaged or no .safetensors file ({error})") from error


def _pickled(file: Path) -> dict[str, Tensor]:
    try:
        # Only the zip format of torch 1.6 and later can be mapped.
        mapped = zipfile.is_zipfile(file)
        # The warnings are on other versions of pickle than torch writes.
        with warnings.catch_warnings(action="ignore"), torch.serialization.safe_globals(IGNORED):
            content = torch.load(file, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        if "GLOBAL" not in str(error):
            raise WeightsError("its file is damaged or no torch file") from error
        raise WeightsError(
            "its file is a pickle that holds more than weights, and could run code; use a .safetensors of it"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        raise _damaged(error) from error
    return _tensors(content)


def _damaged(error: Exception) -> WeightsError:
    reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
    return WeightsError(f"its file is damaged ({reason})")


def _tensors(content: Any) -> dict[str, Tensor]:  # noqa: ANN401
    while isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise WeightsError("its file holds no weights")
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}


def size_of(tensors: Iterable[Tensor]) -> int:
    """Bytes, each storage counted by what is seen of it."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
