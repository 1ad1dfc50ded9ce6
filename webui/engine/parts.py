"""What a checkpoint is put together from: each part, the form it is to be held in, and what makes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path

import psutil
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.modeling_utils import ModelMixin
from torch import nn

from webui.catalog.entry import CLASSIC, ModelFile
from webui.catalog.headers import HeaderError, read_header
from webui.engine import attention, classic, original, storage
from webui.engine.devices import is_out_of_memory
from webui.engine.general.beside import Beside, Making
from webui.engine.held import Form, PartKey, Wanted
from webui.engine.protocol import EngineError
from webui.engine.weights import WeightsError, size_of, weight_files

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
    known = cache(lambda: sizes(file, device.type))

    def wanted(part: str, make: Callable[[torch.dtype], nn.Module]) -> Wanted:
        form, source = form_of(part), beside.vae if part == "vae" and beside.vae else file
        path = make.path if isinstance(make, Making) else source.path
        key = PartKey(path, file.identity.family, _stamp(path), part, form)
        count = make.count if isinstance(make, Making) else 0
        return Wanted(
            key,
            source.name,
            partial(_made, source, make, device),
            lambda: count * form.dtype.itemsize or known().get(part, 0),
        )

    return [wanted(part, make) for part, make in _makers(file, beside).items()]


def _makers(file: ModelFile, beside: Beside) -> Mapping[str, Callable[[torch.dtype], nn.Module]]:
    if file.identity.family not in CLASSIC:
        # Here and not above: diffusers' pipelines take seconds to import.
        from webui.engine.general import loading as general

        return general.parts(file, beside)
    makers = classic.makers(file)
    if beside.vae:
        makers["vae"] = classic.vae_maker(beside.vae, file.identity.family)
    return {part: partial(_cast, make) for part, make in makers.items()}


def _cast(make: classic.Maker, dtype: torch.dtype) -> nn.Module:
    # nn.Module's own `to`: diffusers' warns at each call.
    return nn.Module.to(make(), dtype)


def _made(
    file: ModelFile, make: Callable[[torch.dtype], nn.Module], device: torch.device, form: Form
) -> nn.Module:
    try:
        with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            return in_form(make(form.dtype), form, device)
    except EngineError:
        raise
    except Exception as error:  # safetensors, torch and diffusers raise all kinds for damaged files
        if is_out_of_memory(error):
            raise
        raise unloadable(file, error) from error


def in_form(network: nn.Module, form: Form, device: torch.device) -> nn.Module:
    """`network`, on the CPU, held as `form` says; weights that are so already are not copied."""
    if form.channels_last:
        nn.Module.to(network, memory_format=torch.channels_last)  # pyright: ignore
    if isinstance(network, AutoencoderKL):
        storage.tile(network)
    if not isinstance(network, ModelMixin):
        return network
    if form.fp8:
        storage.store_fp8(network)
    if form.attention != "SDPA":
        attention.use(network, form.attention, device)
    if form.compiled:
        attention.compile_blocks(network, device)
    if form.streamed:
        storage.stream(network, device, pin_all=_may_pin(network))
    return network


def _may_pin(network: nn.Module) -> bool:
    """Whether there is RAM enough for a pinned copy of the weights beside the weights."""
    return size_of(network.parameters()) < psutil.virtual_memory().available // 2


def unloadable(file: ModelFile, error: Exception, what: str = "") -> EngineError:
    """The sentence for a file of which `error` has come; `what` it is, if no checkpoint or VAE."""
    what = what or ("VAE" if file.kind == "vae" else "checkpoint")
    # The system's words name the path on disk, which is nobody's business on the other end of the network.
    told = (error.strerror or "") if isinstance(error, OSError) else str(error)
    reason = told.strip().partition("\n")[0] or type(error).__name__
    return EngineError(f'The {what} "{file.name}" can\'t be loaded: {reason.removesuffix(".")}.')


def _stamp(path: Path) -> int:
    """Changes with the file (of a folder: with the newest of what lies in it, two levels deep)."""
    if path.is_file():
        stat = path.stat()
        return hash((stat.st_size, stat.st_mtime_ns))
    found = (file for file in (*path.glob("*.json"), *path.glob("*/*")) if file.is_file())
    stats = [(file.name, file.stat()) for file in found]
    return hash(tuple(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)))


def sizes(file: ModelFile, device_type: str) -> dict[str, int]:
    """Part -> about how many bytes its weights take once they are loaded; nothing for what can't be read."""
    itemsize = 4 if device_type == "cpu" else 2
    ratio = itemsize / DISK_BYTES.get(file.identity.dtype, 2)
    try:
        if file.folder:
            folders = [config.parent for config in file.path.glob("*/config.json")]
            return {folder.name: int(ratio * _weight_bytes(folder)) for folder in folders}
        if file.identity.family in CLASSIC:
            return _classic_sizes(file, itemsize)
    except (HeaderError, OSError):
        return {}
    return {"transformer": int(ratio * file.size)}


def _classic_sizes(file: ModelFile, itemsize: int) -> dict[str, int]:
    found: dict[str, int] = {}
    # The catalog's way to look into a file: of a pickle, too, no weight is read, and this is for each job.
    for name, tensor in read_header(file.path).tensors.items():
        if part := original.part_of(name, file.identity.family):
            found[part] = found.get(part, 0) + math.prod(tensor.shape) * itemsize
    return found


def _weight_bytes(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in weight_files(folder))
    except WeightsError:
        return 0
