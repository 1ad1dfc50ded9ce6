"""Weights in files: mapped into memory, read when they are first used, never copied here."""

from __future__ import annotations

import json
import os
import pickle
import re
import threading
import warnings
import zipfile
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeGuard

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from webui.catalog.folder_weights import find_weights, without_weights
from webui.catalog.pickle_stubs import BEYOND_TORCH, PARAMETER_DICT
from webui.catalog.pickle_tensors import WRAPPERS
from webui.catalog.safetensors_header import is_one

PICKLES = (".ckpt", ".pt", ".pth", ".bin")
Shapes = dict[str, tuple[int, ...]]
"""The shapes of tensors, by name."""


class _Ignored:
    """Stands for whatever a file holds beside its weights."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...


class _Parameters(dict[str, Any]):
    """Stands for torch's ParameterDict, in which old embeddings keep their vectors."""

    def __setstate__(self, state: object) -> None:
        inside = state.get("_parameters") if isinstance(state, dict) else None
        if isinstance(inside, dict):
            self.update(inside)


def _plain_dict(*_: object) -> dict[Any, Any]:
    """Stands for a defaultdict: torch fills plain ones alone."""
    return {}


HARMLESS: list[Any] = [
    *((_Ignored, name) for name in sorted(BEYOND_TORCH - {PARAMETER_DICT})),
    (_Parameters, PARAMETER_DICT),
    (_plain_dict, "collections.defaultdict"),
    *(dict, float, frozenset, int, list, str, tuple),
]
"""What training programs left in widely used pickles and the catalog passes by, but torch would refuse."""

ONE_AT_A_TIME = threading.Lock()
"""torch keeps what it allows, and Python which warnings it tells, for the whole process and not by thread."""


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
    if _is_pickle(file):
        return {name: tensor for name, tensor in _pickled(file).items() if keep(name)}
    with _opened(file) as opened:
        return {name: opened.get_tensor(name) for name in opened.keys() if keep(name)}  # noqa: SIM118


def load_with_shapes(file: Path, keep: Callable[[str], bool]) -> tuple[dict[str, Tensor], Shapes]:
    """What `load` gives, and the shape of every tensor in the file, kept or not.

    A pickle is read only once for both: the older format can't be mapped.

    Raises:
        WeightsError, OSError: as `load`.
    """
    if not _is_pickle(file):
        return load(file, keep), shapes(file)
    read_ahead(file)
    tensors = _pickled(file)
    return {name: tensor for name, tensor in tensors.items() if keep(name)}, _shapes(tensors)


def shapes(file: Path) -> Shapes:
    """The shape of every tensor in a file, by name; see `load`."""
    if _is_pickle(file):
        return _shapes(_pickled(file))
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
    """The files that hold a folder's weights, which are those that the catalog finds in it.

    Raises:
        WeightsError: there are none in `.safetensors`, or not all of them.
    """
    found = find_weights(folder)
    if found is None:
        raise WeightsError(without_weights(folder))
    return list(found.files)


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


def _is_pickle(file: Path) -> bool:
    """By its name, unless it begins as a `.safetensors` that was only called otherwise."""
    if file.suffix.lower() not in PICKLES:
        return False
    with file.open("rb") as stream:
        return not is_one(stream.read(16))


def _pickled(file: Path) -> dict[str, Tensor]:
    try:
        # Only the zip format of torch 1.6 and later can be mapped.
        mapped = zipfile.is_zipfile(file)
        with ONE_AT_A_TIME, warnings.catch_warnings(), torch.serialization.safe_globals(HARMLESS):
            # They are on other versions of pickle than torch writes.
            warnings.simplefilter("ignore")
            content = torch.load(file, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise WeightsError(_refusal(error)) from error
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a damaged pickle fails in any way that Python knows
        raise _damaged(error) from error
    tensors = _tensors(content)
    # Steps of 0 from number to number make gigabytes of a few bytes, once they are copied.
    if any(tensor.nbytes > tensor.untyped_storage().nbytes() for tensor in tensors.values()):
        raise WeightsError("its file is damaged (it tells of more weights than it holds)")
    return tensors


def _refusal(error: pickle.UnpicklingError) -> str:
    if "GLOBAL" in str(error):
        return (
            "its file is a pickle that holds more than weights, and could run code; use a .safetensors of it"
        )
    return "its file is damaged or no torch file that can be read; use a .safetensors of it"


def _damaged(error: Exception) -> WeightsError:
    reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
    return WeightsError(f"its file is damaged ({reason})")


def _tensors(content: Any) -> dict[str, Tensor]:  # noqa: ANN401
    if not isinstance(content, dict):
        raise WeightsError("its file holds no weights")
    wrapped = (_direct(content[key]) for key in WRAPPERS if isinstance(content.get(key), dict))
    return next(filter(None, wrapped), None) or _direct(content) or _nested(content)


def _nested(content: dict[Any, Any]) -> dict[str, Tensor]:
    """Of several parts in one pickle, as IP-Adapters are published: keys are joined with dots."""
    parts = ((key, _direct(value)) for key, value in content.items() if isinstance(value, dict))
    return {f"{key}.{name}": tensor for key, part in parts for name, tensor in part.items()}


def _direct(content: dict[Any, Any]) -> dict[str, Tensor]:
    return {str(name): value for name, value in content.items() if _is_plain(value)}


def _is_plain(value: object) -> TypeGuard[Tensor]:
    """Whether these are numbers that are there one by one: not packed, and not only told of."""
    if not isinstance(value, Tensor):
        return False
    return value.layout == torch.strided and value.device.type == "cpu" and not value.is_quantized


def counted(names: Iterable[str], pattern: str) -> int:
    """How many different numbers `pattern` finds at the beginning of names; 0 if they don't count from 0."""
    matches = (re.match(pattern, name) for name in names)
    found = {int(match[1]) for match in matches if match and len(match[1]) < 4}
    return len(found) if found and max(found) + 1 == len(found) else 0


def _shapes(tensors: dict[str, Tensor]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def size_of(tensors: Iterable[Tensor]) -> int:
    """Bytes, each storage counted by what is seen of it."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
