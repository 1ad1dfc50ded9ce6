"""Writes tiny checkpoints in one file, in each family's original layout."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from tests.tiny import original
from tests.tiny.networks import Networks, make, make_vae

PREFIXES = {
    "sd1": {"text_encoder": "cond_stage_model.transformer."},
    "sd2": {"text_encoder": "cond_stage_model.model."},
    "sdxl": {
        "text_encoder": "conditioner.embedders.0.transformer.",
        "text_encoder_2": "conditioner.embedders.1.model.",
    },
    "sdxl-refiner": {"text_encoder_2": "conditioner.embedders.0.model."},
}


def write_sd1(
    file: Path,
    *,
    variant: str = "",
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    ema: bool = False,
    without: Sequence[str] = (),
) -> Networks:
    """Stable Diffusion 1.x. Returns the networks whose weights are in the file, in fp32."""
    return _write(file, "sd1", variant, dtype, seed, ema=ema, without=without)


def write_sd2(
    file: Path,
    *,
    v: bool = False,
    variant: str = "",
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    without: Sequence[str] = (),
) -> Networks:
    """Stable Diffusion 2.x. `v`: with the .yaml beside it that says so; nothing in the file does."""
    if v:
        file.with_suffix(".yaml").write_text('model:\n  params:\n    parameterization: "v"\n')
    return _write(file, "sd2", variant, dtype, seed, without=without)


def write_sdxl(
    file: Path,
    *,
    variant: str = "",
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    markers: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Networks:
    """SDXL base. `markers`: empty weights that say what nothing else does, "v_pred" and "ztsnr"."""
    return _write(file, "sdxl", variant, dtype, seed, markers=markers, without=without)


def write_sdxl_refiner(
    file: Path, *, dtype: torch.dtype = torch.float32, seed: int = 0, without: Sequence[str] = ()
) -> Networks:
    """SDXL refiner, which has but the second text encoder."""
    return _write(file, "sdxl-refiner", "", dtype, seed, without=without)


def write_vae(
    file: Path, *, family: str = "sd1", dtype: torch.dtype = torch.float32, seed: int = 0, prefix: str = ""
) -> torch.nn.Module:
    """A VAE alone, in the original layout; `prefix` may be "first_stage_model."."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vae = make_vae(family).eval().requires_grad_(False)
    save(_prefixed(prefix, original.vae(vae.state_dict())), file, dtype)
    return vae


def weights_of(networks: Networks) -> dict[str, torch.Tensor]:
    """All weights of a checkpoint under their original names."""
    parts = {name: part.state_dict() for name, part in networks.parts.items()}
    weights = _prefixed("model.diffusion_model.", original.unet(parts["unet"]))
    weights |= _prefixed("first_stage_model.", original.vae(parts["vae"]))
    for name, prefix in PREFIXES[networks.family].items():
        convert = original.clip if prefix.endswith("transformer.") else original.open_clip
        weights |= _prefixed(prefix, convert(parts[name]))
    if networks.family == "sd2":
        weights |= _last_layer(weights)
    return weights


def save(weights: dict[str, torch.Tensor], file: Path, dtype: torch.dtype) -> None:
    """As safetensors, or, if the file's name ends with .ckpt or .pt, as PyTorch's pickle in a zip."""
    file.parent.mkdir(parents=True, exist_ok=True)
    cast = {
        name: (weight.to(dtype) if weight.is_floating_point() else weight).contiguous().clone()
        for name, weight in weights.items()
    }
    if file.suffix in (".ckpt", ".pt"):
        torch.save({"state_dict": cast, "global_step": 1}, file)
    else:
        save_file(cast, file, metadata={"format": "pt"})


def _write(file, family, variant, dtype, seed, *, ema=False, markers=(), without=()):
    networks = make(family, variant, seed)
    weights = weights_of(networks)
    if family in ("sd1", "sd2"):
        betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
        weights["betas"] = torch.tensor(betas, dtype=torch.float32)
        weights["alphas_cumprod"] = torch.tensor(np.cumprod(1 - betas), dtype=torch.float32)
    if ema:
        weights |= _ema(weights)
    weights |= {name: torch.zeros(0) for name in markers}
    save(
        {name: weight for name, weight in weights.items() if not name.startswith(tuple(without))}, file, dtype
    )
    return networks


def _ema(weights):
    """Averages kept in training: named without dots; all zero here, so that taking them would be seen."""
    names = [name for name in weights if name.startswith("model.diffusion_model.")]
    averages = {
        "model_ema." + name.removeprefix("model.").replace(".", ""): torch.zeros_like(weights[name])
        for name in names
    }
    return {
        **averages,
        "model_ema.decay": torch.tensor(0.9999),
        "model_ema.num_updates": torch.tensor(470_000),
    }


def _last_layer(weights):
    """What SD 2.x files hold and don't use: OpenCLIP's last layer and its projection."""
    used, unused = "cond_stage_model.model.transformer.resblocks.22.", "resblocks.23."
    last = {
        name.replace("resblocks.22.", unused): torch.randn_like(weight)
        for name, weight in weights.items()
        if name.startswith(used)
    }
    width = weights["cond_stage_model.model.ln_final.weight"].shape[0]
    return {**last, "cond_stage_model.model.text_projection": torch.eye(width)}


def _prefixed(prefix, weights):
    return {prefix + name: weight for name, weight in weights.items()}
