"""Writes tiny checkpoints as folders in diffusers' format."""

import json
from copy import deepcopy
from pathlib import Path

import torch

from tests.tiny.networks import Networks, make
from webui.prompting.vocabulary import END, START, read_clip

PIPELINES = {
    "": {
        "sd1": "StableDiffusionPipeline",
        "sd2": "StableDiffusionPipeline",
        "sdxl": "StableDiffusionXLPipeline",
        "sdxl-refiner": "StableDiffusionXLImg2ImgPipeline",
    },
    "inpaint": {
        "sd1": "StableDiffusionInpaintPipeline",
        "sd2": "StableDiffusionInpaintPipeline",
        "sdxl": "StableDiffusionXLInpaintPipeline",
    },
    "pix2pix": {
        "sd1": "StableDiffusionInstructPix2PixPipeline",
        "sdxl": "StableDiffusionXLInstructPix2PixPipeline",
    },
}
BETAS = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "steps_offset": 1,
}


def write_folder(
    folder: Path,
    family: str = "sd1",
    *,
    variant: str = "",
    prediction: str = "epsilon",
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    weights: bool = True,
) -> Networks:
    """Family: sd1, sd2, sdxl or sdxl-refiner. Returns the networks whose weights are in the folder, in fp32.

    `weights`: False writes the configs alone.
    """
    networks = make(family, variant, seed)
    for name, part in networks.parts.items():
        if weights:
            (part if dtype == torch.float32 else deepcopy(part).to(dtype)).save_pretrained(folder / name)
        elif "text" in name:
            part.config.save_pretrained(folder / name)
        else:
            part.save_config(folder / name)
    tokenizers = {name.replace("text_encoder", "tokenizer") for name in networks.parts if "text" in name}
    for name in tokenizers:
        write_tokenizer(folder / name, "!" if family == "sd2" or name.endswith("_2") else END)
    scheduler = {"_class_name": "EulerDiscreteScheduler", "prediction_type": prediction, **BETAS}
    _write(folder / "scheduler" / "scheduler_config.json", scheduler)
    _write(folder / "model_index.json", _index(networks, variant, tokenizers))
    return networks


def write_tokenizer(folder: Path, padding: str = END) -> None:
    """CLIP's tokenizer in the files that every CLIP folder has."""
    vocabulary, merges = read_clip()
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": padding}
    _write(folder / "vocab.json", vocabulary)
    pairs = "\n".join(" ".join(pair) for pair in merges)
    (folder / "merges.txt").write_text(f"#version: 0.2\n{pairs}\n", encoding="utf-8")
    _write(folder / "special_tokens_map.json", special)
    _write(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True, **special},
    )


def _index(networks, variant, tokenizers):
    libraries = {"unet": "diffusers", "vae": "diffusers"}
    components = {
        name: [libraries.get(name, "transformers"), type(part).__name__]
        for name, part in networks.parts.items()
    }
    index = {
        "_class_name": PIPELINES[variant][networks.family],
        "_diffusers_version": "0.42.1",
        **components,
        **{name: ["transformers", "CLIPTokenizer"] for name in tokenizers},
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
    }
    if networks.family.startswith("sdxl"):
        absent = {name: [None, None] for name in ("text_encoder", "tokenizer") if name not in index}
        return {**index, **absent, "force_zeros_for_empty_prompt": True}
    return {
        **index,
        "feature_extractor": [None, None],
        "safety_checker": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
    }


def _write(file, value):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=2), encoding="utf-8")
