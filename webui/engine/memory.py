"""Memory: how a model is held and run so that it fits, and what to do when it did not fit after all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from webui.config import Config
from webui.engine.attention import Attention
from webui.settings import Settings

Placement = Literal["Keep all loaded", "Model offload", "Group offload"]

GIB = 1024**3
UNET_FACTOR = 36.0
"""Peak bytes of a UNet's run, in units of its first feature maps. Measured on the CPU: 7 to 25."""
UNET_SCRATCH = 256 * 1024**2
"""What it takes at any size: kernels' work space, reordered weights. Measured: up to 140 MB."""
DECODE_FACTOR = 5.0
"""Peak bytes of decoding, in units of the feature maps at full resolution. Measured: 3.8 to 4.1."""
SMALLEST_RAM = 4 * GIB
"""About one SD 1 checkpoint in 32 bits."""
GPU_RESERVE = 1.5 * GIB
"""What activations and the desktop need on a GPU at least."""


@dataclass(frozen=True)
class Plan:
    """How a model is to be held and run."""

    placement: Placement = "Keep all loaded"
    fp8: bool = False
    attention: Attention = "SDPA"
    vae_tiling: bool = False
    on_gpu: bool = False
    """Without one there is nowhere to offload to."""
    may_use_fp8: bool = False
    """Whether fp8 may be taken as the last way out; it changes pictures a little."""
    working: int = 0
    """About how many bytes drawing takes beside the weights."""


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
        on_gpu=on_gpu,
        may_use_fp8=settings.fp8_storage != "Off",
        working=working,
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
    if not plan.vae_tiling:
        return replace(plan, vae_tiling=True, placement=_lighter(plan))
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
    if plan.fp8 and not previous.fp8:
        changes.append("with weights in fp8, which changes pictures slightly")
    return f"Memory ran out; drawn {' and '.join(changes) or 'once more'} instead."


def too_large(width: int, height: int, batch: int) -> str:
    """A sentence for whoever waited: pictures of this size in pixels don't fit, however they are drawn."""
    return (
        f"There isn't enough memory for {width}x{height} in batches of {batch}. "
        "Lower the width, the height or the batch size."
    )


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
