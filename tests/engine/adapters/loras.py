"""LoRA files with random weights for a model, as trainers write them; and models with merged weights."""

import copy
from contextlib import contextmanager
from dataclasses import replace

import torch
from safetensors.torch import save_file
from torch import nn

from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out")
TEXT = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


def random(*shape, seed=0, scale=1.0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale


def touched(network, endings):
    """Path -> module, of those whose path ends so."""
    return {
        path: module
        for path, module in network.named_modules()
        if path.endswith(endings) and isinstance(module, nn.Linear | nn.Conv2d)
    }


def low_rank(module, rank, seed, scale=0.1):
    """Down and up for a module, as trainers write them: 2-D for linear layers, 4-D for convolutions."""
    weight = module.weight
    down = random(rank, *weight.shape[1:], seed=seed, scale=scale)
    up = random(weight.shape[0], rank, *[1] * (weight.ndim - 2), seed=seed + 1, scale=scale)
    return down, up


def factors(model, rank=4, seed=0, scale=0.1, *, unet=ATTENTION, text=TEXT):
    """(Part, path) -> (down, up)."""
    places = {("unet", path): module for path, module in touched(model.unet, tuple(unet)).items() if unet}
    for encoder in model.encoders:
        for path, module in touched(encoder.network, tuple(text)).items() if text else ():
            places[encoder.part, path] = module
    return factors_of(places, rank, seed, scale)


def factors_of(places, rank=4, seed=0, scale=0.1):
    """Place -> (down, up), of place -> module."""
    return {
        place: low_rank(module, rank, seed + 2 * number, scale)
        for number, (place, module) in enumerate(places.items())
    }


def kohya(made, alpha=None):
    """Names as kohya's trainers write them."""
    sides = {"unet": "lora_unet_", "text_encoder": "lora_te_text_model_"}
    tensors = {}
    for (part, path), (down, up) in made.items():
        stem = sides[part] + path.removeprefix("text_model.").replace(".", "_")
        tensors |= {f"{stem}.lora_down.weight": down, f"{stem}.lora_up.weight": up}
        if alpha is not None:
            tensors[f"{stem}.alpha"] = torch.tensor(float(alpha))
    return tensors


def write(file, tensors, **metadata):
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file, metadata or None)
    return file


def catalog_of(checkpoints, loras):
    return Catalog(
        [ModelFolder(checkpoints, ("checkpoint",)), ModelFolder(loras, ("lora",))],
        ModelIndex(),
        ModelSettingsStore(),
    )


def networks_of(model):
    return {"unet": model.unet, **{encoder.part: encoder.network for encoder in model.encoders}}


@contextmanager
def merged(model, deltas):
    """`model` with (part, path) -> difference added to copies of its weights."""
    unet = copy.deepcopy(model.unet)
    encoders = [replace(each, network=copy.deepcopy(each.network)) for each in model.encoders]
    changed = replace(model, unet=unet, encoders=tuple(encoders))
    with torch.no_grad():
        for (part, path), delta in deltas.items():
            module = networks_of(changed)[part].get_submodule(path)
            module.weight += delta.reshape(module.weight.shape)
    yield changed


def deltas_of(made, multiplier=1.0, alpha=None, te=None):
    """What low-rank factors add to the weights: up @ down * alpha / rank, computed in 64 bits."""
    return {
        (part, path): (
            (up.double().flatten(1) @ down.double().flatten(1))
            * (multiplier if part == "unet" or te is None else te)
            * ((alpha / len(down)) if alpha is not None else 1)
        ).float()
        for (part, path), (down, up) in made.items()
    }
