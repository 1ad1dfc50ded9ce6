"""How a network's weights are kept: in 8 bits, streamed to the GPU, given back; and a VAE's tiles."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Any, cast

import torch
from diffusers.hooks.group_offloading import apply_group_offloading
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.modeling_utils import ModelMixin

TILE = 512
"""Pixels on a side of a tile of the VAE. Larger shows less of its borders; smaller takes less memory."""


def store_fp8(network: ModelMixin) -> None:
    """Keep the weights of layers in float8_e4m3fn and compute as before; norms keep their format.

    To be done before `stream`. It can't be undone.
    """
    network.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=network.dtype)


def stream(network: ModelMixin, device: torch.device, *, pin_all: bool = True) -> None:
    """Keep the weights in RAM and have each layer's on `device` only while it runs (group offload).

    On a GPU the next layer's weights travel while one computes. `pin_all` pins them all beforehand, which
    is quicker and takes their size in RAM once more. Layers are hooked singly, so that a StepCache can
    leave some out. It can't be undone.
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


def tile(vae: AutoencoderKL, side: int = TILE) -> None:
    """Make tiles `side` pixels wide wherever `vae.use_tiling` is on.

    diffusers takes the size that a VAE was trained at, which for SDXL's is all of a usual picture.
    """
    scale = 2 ** (len(cast(Any, vae.config).block_out_channels) - 1)
    vars(vae).update(tile_sample_min_size=side, tile_latent_min_size=side // scale)


def trim() -> None:
    """Give the memory of dropped networks back to the system; torch and glibc would keep much of it."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        cast(Any, torch)._C._host_emptyCache()  # what was pinned
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
