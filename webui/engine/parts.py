"""What a checkpoint is put together from: each part, the form it is to be held in, and what makes it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.modeling_utils import ModelMixin
from torch import nn

from webui.catalog.entry import CLASSIC, ModelFile
from webui.engine import attention, classic, memory, original
from webui.engine.cache import Form, PartKey, Wanted
from webui.engine.general.beside import Beside
from webui.engine.protocol import EngineError
from webui.engine.weights import WeightsError, shapes, weight_files

MAIN = ("unet", "transformer")
"""The parts that sample, by far the largest."""

DISK_BYTES = {"fp32": 4, "fp16": 2, "bf16": 2, "fp8": 1}
"""How many bytes a number takes in a file, by the catalog's names of formats."""

FormOf = Callable[[str], Form]
"""Part -> the form it is to be held in."""


def wanted_of(file: ModelFile, beside: Beside, device: torch.device, form_of: FormOf) -> list[Wanted]:
    """Every part of the checkpoint `file`, with the VAE `beside` it if one is given, to run on `device`.

    Raises:
        EngineError: a part is in no file.
    """
    makers = _makers(file, beside)
    sources = {"vae": beside.vae} if beside.vae else {}
    return [
        _wanted(sources.get(part, file), _key(file, sources.get(part, file), part, form_of(part)), make, device)
        for part, make in makers.items()
    ]


def _makers(file: ModelFile, beside: Beside) -> dict[str, Callable[[torch.dtype], nn.Module]]:
    if file.identity.family not in CLASSIC:
        # Here and not above: diffusers' pipelines take seconds to import.
        from webui.engine.general import loading as general

        return general.parts(file, beside)
    makers = classic.makers(file)
    if beside.vae:
        makers["vae"] = classic.vae_maker(beside.vae, file.identity.family)
    return {part: lambda _, make=make: make() for part, make in makers.items()}


def _key(checkpoint: ModelFile, source: ModelFile, part: str, form: Form) -> PartKey:
    return PartKey(source.path, checkpoint.identity.family, _stamp(source.path), part, form)


def _wanted(
    file: ModelFile, key: PartKey, make: Callable[[torch.dtype], nn.Module], device: torch.device
) -> Wanted:
    # How the file's bytes are shared out is known once it is loaded; the main part has nearly all.
    size = file.size if key.part in MAIN or file.kind == "vae" else 0

    def made(form: Form) -> nn.Module:
        try:
            return in_form(make(form.dtype), form, device)
        except EngineError:
            raise
        except Exception as error:  # safetensors, torch and diffusers raise all kinds for damaged files
            raise unloadable(file, error) from error

    return Wanted(key, file.name, size, made)


def in_form(network: nn.Module, form: Form, device: torch.device) -> nn.Module:
    """`network`, on the CPU, held as `form` says; weights that are so already are not copied."""
    # nn.Module's own `to`: diffusers' warns at each call.
    nn.Module.to(network, form.dtype)
    if form.channels_last:
        nn.Module.to(network, memory_format=torch.channels_last)  # pyright: ignore
    if isinstance(network, AutoencoderKL):
        memory.tile(network)
    if not isinstance(network, ModelMixin):
        return network
    if form.fp8:
        memory.store_fp8(network)
    if form.attention != "SDPA":
        attention.use(network, form.attention, device)
    if form.compiled:
        attention.compile_blocks(network, device)
    if form.streamed:
        memory.stream(network, device)
    return network


def unloadable(file: ModelFile, error: Exception) -> EngineError:
    """The sentence for a file of which `error` has come."""
    what = "VAE" if file.kind == "vae" else "checkpoint"
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return EngineError(f'The {what} "{file.name}" can\'t be loaded: {reason.removesuffix(".")}.')


def _stamp(path: Path) -> int:
    """Changes with the file (of a folder: with the newest of what lies in it, two levels deep)."""
    if path.is_file():
        stat = path.stat()
        return hash((stat.st_size, stat.st_mtime_ns))
    files = (*path.glob("*.json"), *path.glob("*/*"))
    return hash(tuple(sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files)))


def sizes(file: ModelFile, itemsize: int) -> dict[str, int]:
    """Part -> about how many bytes its weights take, held in numbers of `itemsize` bytes.

    Raises:
        WeightsError, OSError: the file can't be read.
    """
    ratio = itemsize / DISK_BYTES.get(file.identity.dtype, 2)
    if file.folder:
        folders = [config.parent for config in file.path.glob("*/config.json")]
        return {folder.name: int(ratio * _weight_bytes(folder)) for folder in folders}
    if file.identity.family not in CLASSIC:
        return {"transformer": int(ratio * file.size)}
    found: dict[str, int] = {}
    for name, shape in shapes(file.path).items():
        if part := original.part_of(name, file.identity.family):
            found[part] = found.get(part, 0) + math.prod(shape) * itemsize
    return found


def _weight_bytes(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in weight_files(folder))
    except WeightsError:
        return 0
