"""Memory: how a model is held and run so that it fits, and what to do when it did not fit after all."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import torch
from diffusers.hooks.group_offloading import apply_group_offloading
from diffusers.hooks.hooks import HookRegistry
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.modeling_utils import ModelMixin
from torch import nn

from webui.config import Config
from webui.engine import attention
from webui.engine.attention import Attention, Undo
from webui.settings import Settings

Placement = Literal["Keep all loaded", "Model offload", "Group offload"]

GIB = 1024**3
UNET_FACTOR = 36.0
"""Peak bytes of a UNet's run, in units of its first feature maps. Measured on the CPU: 7 to 25."""
UNET_SCRATCH = 256 * 1024**2
"""What it takes at any size: kernels' work space, reordered weights. Measured: up to 140 MB."""
DECODE_FACTOR = 5.0
"""Peak bytes of decoding, in units of the feature maps at full resolution. Measured: 3.8 to 4.1."""
TILE = 512
"""Pixels on a side of a tile of the VAE. Larger shows less of its borders; smaller takes less memory."""
SMALLEST_RAM = 4 * GIB
"""About one SD 1 checkpoint in 32 bits."""
GPU_RESERVE = 1.5 * GIB
"""What activations and the desktop need on a GPU at least."""

_VAE_FIELDS = ("use_tiling", "use_slicing", "tile_sample_min_size", "tile_latent_min_size")


@dataclass(frozen=True)
class Plan:
    """How a model is to be held and run."""

    placement: Placement = "Keep all loaded"
    fp8: bool = False
    attention: Attention = "SDPA"
    vae_tiling: bool = False
    vae_slicing: bool = False
    """Whether a batch is decoded one picture at a time."""
    on_gpu: bool = False
    """Without one there is nowhere to offload to."""
    may_use_fp8: bool = False
    """Whether fp8 may be taken as the last way out; it changes pictures a little."""


def choose(
    settings: Settings,
    *,
    free: int,
    sizes: Mapping[str, int],
    width: int,
    height: int,
    batch: int,
    device_type: str,
) -> Plan:
    """The quickest plan that fits, where the settings leave the choice. fp8 is never chosen unasked.

    Args:
        settings: what people asked for; it goes before what would be wise.
        free: bytes of the device's memory that this drawing may take, its own weights included.
        sizes: part -> bytes of its weights as they will be held; the largest is what samples.
        width: of the picture, in pixels, like `height`.
        height: of the picture.
        batch: pictures drawn at once.
        device_type: torch's, "cuda" or "cpu".
    """
    on_gpu = device_type != "cpu"
    itemsize = 2 if on_gpu else 4
    fp8 = settings.fp8_storage == "On"
    held = {part: size // 2 if fp8 and size == max(sizes.values()) else size for part, size in sizes.items()}
    working = estimate_unet(width, height, batch, itemsize=itemsize)
    decoding = estimate_decode(None, width, height, itemsize=itemsize)
    placement = _placement(settings, held, free - working) if on_gpu else "Keep all loaded"
    room = free - (sum(held.values()) if placement == "Keep all loaded" else held.get("vae", 0))
    return Plan(
        placement=placement,
        fp8=fp8,
        attention="SDPA" if settings.attention == "Automatic" else settings.attention,
        vae_tiling=decoding > room if settings.vae_tiling == "Automatic" else settings.vae_tiling == "On",
        vae_slicing=decoding * batch > room,
        on_gpu=on_gpu,
        may_use_fp8=settings.fp8_storage != "Off",
    )


def _placement(settings: Settings, sizes: Mapping[str, int], room: int) -> Placement:
    """`room`: bytes for weights."""
    if settings.memory_mode != "Automatic":
        return settings.memory_mode
    if sum(sizes.values()) <= room:
        return "Keep all loaded"
    return "Model offload" if max(sizes.values()) <= room else "Group offload"


def thriftier(plan: Plan) -> Plan | None:
    """The next plan to try after memory ran out, the ones that change nothing in the picture first.

    None: nothing is left. Sliced attention is no step here: torch's needs less memory than slices do.
    """
    if not (plan.vae_tiling and plan.vae_slicing):
        return replace(plan, vae_tiling=True, vae_slicing=True, placement=_lighter(plan))
    if plan.attention == "Sliced":
        return replace(plan, attention="SDPA")
    if _lighter(plan) != plan.placement:
        return replace(plan, placement=_lighter(plan))
    return replace(plan, fp8=True) if plan.may_use_fp8 and not plan.fp8 else None


def _lighter(plan: Plan) -> Placement:
    if not plan.on_gpu:
        return plan.placement
    return "Model offload" if plan.placement == "Keep all loaded" else "Group offload"


def describe(plan: Plan, previous: Plan) -> str:
    """A sentence for whoever waits: what is done otherwise, now that memory ran out under `previous`."""
    changes: list[str] = []
    if plan.placement != previous.placement:
        changes.append(f"with {plan.placement.lower()}")
    if plan.attention != previous.attention:
        changes.append("with torch's own attention")
    if plan.vae_tiling and not previous.vae_tiling:
        changes.append("with the VAE in tiles")
    elif plan.vae_slicing and not previous.vae_slicing:
        changes.append("with pictures decoded one by one")
    if plan.fp8 and not previous.fp8:
        changes.append("with weights in fp8, which changes pictures slightly")
    return f"Memory ran out; drawn {' and '.join(changes) or 'once more'} instead."


def apply(plan: Plan, network: ModelMixin, vae: AutoencoderKL, device: torch.device) -> Undo:
    """Set up a UNet or transformer and its VAE as planned; what is returned undoes it.

    Of the placements only group offload is done here: whole parts are moved by whoever holds them. fp8
    storage can't be undone, since the weights have lost digits: the network is to be loaded anew.
    """
    undo = ExitStack()
    if plan.fp8:
        store_fp8(network)
    undo.callback(attention.use(network, plan.attention, device))
    if plan.placement == "Group offload":
        undo.callback(stream(network, device))
    undo.callback(_set, vae, {name: getattr(vae, name) for name in _VAE_FIELDS})
    tile(vae)
    _set(vae, {"use_tiling": plan.vae_tiling, "use_slicing": plan.vae_slicing})
    return undo.close


def tile(vae: AutoencoderKL, side: int = TILE) -> None:
    """Make tiles `side` pixels wide wherever `vae.use_tiling` is on.

    diffusers takes the size that a VAE was trained at, which for SDXL's is all of a usual picture.
    """
    scale = 2 ** (len(cast(Any, vae.config).block_out_channels) - 1)
    _set(vae, {"tile_sample_min_size": side, "tile_latent_min_size": side // scale})


def _set(vae: AutoencoderKL, fields: Mapping[str, int]) -> None:
    vars(vae).update(fields)


def store_fp8(network: ModelMixin) -> None:
    """Keep the weights of layers in float8_e4m3fn and compute as before; norms keep their format.

    To be done before `stream`. It can't be undone.
    """
    network.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=network.dtype)


def stream(network: ModelMixin, device: torch.device, *, pin_all: bool = True) -> Undo:
    """Keep the weights in RAM and have each layer's on `device` only while it runs (group offload).

    On a GPU the next layer's weights travel while one computes. `pin_all` pins them all beforehand, which
    is quicker and takes their size in RAM once more. Layers are hooked singly, so that a StepCache can
    leave some out. After the undo the weights are on the CPU.
    """
    on_gpu = device.type == "cuda"
    apply_group_offloading(
        network,
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="leaf_level",
        use_stream=on_gpu,
        record_stream=on_gpu,
        non_blocking=on_gpu,
        low_cpu_mem_usage=on_gpu and not pin_all,
    )
    return lambda: _unstream(network)


def _unstream(network: nn.Module) -> None:
    registry = HookRegistry.check_if_exists_or_initialize(network)
    # In the order in which diffusers itself takes them off.
    for name in ("group_offloading", "layer_execution_tracker", "lazy_prefetch_group_offloading"):
        registry.remove_hook(name, recurse=True)
    for module in network.modules():
        _forget_hooks(module)
    network.to("cpu")


def _forget_hooks(module: nn.Module) -> None:
    """Take off what diffusers leaves on a module that has no more hooks: its own forward, set once more."""
    known: Any = vars(module).get("_diffusers_hook")
    if known is None or known.hooks:
        return
    del vars(module)["_diffusers_hook"]
    if getattr(vars(module).get("forward"), "__func__", None) is type(module).forward:
        del vars(module)["forward"]


def estimate_unet(width: int, height: int, batch: int, *, channels: int = 320, itemsize: int = 2) -> int:
    """About how many bytes a guided UNet's run takes beside its weights, rather too many.

    `channels`: of its first level (`block_out_channels[0]`; SD 1, SD 2 and SDXL: 320).
    """
    return int(UNET_FACTOR * 2 * batch * (width // 8) * (height // 8) * channels * itemsize) + UNET_SCRATCH


def estimate_decode(config: Mapping[str, Any] | None, width: int, height: int, *, itemsize: int = 2) -> int:
    """About how many bytes it takes to decode one picture untiled, rather too many.

    `config`: the VAE's; None: SD's. The peak is where the last level works at full resolution on what the
    level before it gave.
    """
    widths = cast("tuple[int, ...]", config["block_out_channels"]) if config else (128, 256)
    return int(DECODE_FACTOR * width * height * widths[min(1, len(widths) - 1)] * itemsize)


def ram_budget(available: int) -> int:
    """Bytes of loaded models to keep in RAM: half of what was free at the start, or one model."""
    return max(available // 2, min(available, SMALLEST_RAM))


def vram_budget(total: int) -> int:
    """Bytes of a GPU's memory for loaded models: all but what activations and the desktop need."""
    return max(0, int(total - max(GPU_RESERVE, 0.12 * total)))


def limits(settings: Settings, config: Config, *, ram_available: int, vram_total: int) -> tuple[int, int]:
    """The bytes of loaded models to keep in RAM and in VRAM.

    A flag is the operator's limit, which a setting can only lower; without either the machine decides.
    """
    ram = _least(settings.ram_budget, config.ram_budget)
    vram = _least(settings.vram_budget, config.vram_budget)
    return (
        ram_budget(ram_available) if ram is None else ram,
        vram_budget(vram_total) if vram is None else min(vram, vram_total),
    )


def _least(*gib: float | None) -> int | None:
    return min((int(each * GIB) for each in gib if each is not None), default=None)


def trim() -> None:
    """Give the memory of dropped networks back to the system; glibc would keep much of it."""
    gc.collect()
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
