"""Files with the names and shapes that models have, and no numbers worth reading."""

import json
import struct
from pathlib import Path

import torch
from safetensors.torch import save_file

WEIGHTS = "diffusion_pytorch_model.safetensors"

SD1 = {
    "model.diffusion_model.input_blocks.0.0.weight": (8, 4, 3, 3),
    "model.diffusion_model.input_blocks.1.1.proj_in.weight": (8, 8, 1, 1),
    "model.diffusion_model.output_blocks.0.0.in_layers.0.weight": (8,),
    "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (9, 8),
    "first_stage_model.decoder.mid.block_1.conv1.weight": (8, 8, 3, 3),
}
LORA = {"lora_unet_mid_block_attentions_0_proj_in.lora_down.weight": (4, 8, 1, 1)}
VAE = {"encoder.mid.block_1.conv1.weight": (8, 8, 3, 3), "decoder.mid.block_1.conv1.weight": (8, 8, 3, 3)}


def tensors(shapes, dtype=torch.float16):
    return {name: torch.zeros(shape, dtype=dtype) for name, shape in shapes.items()}


def write(file: Path, shapes=SD1, metadata=None, dtype=torch.float16) -> Path:
    """A safetensors file, or one of torch's."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".safetensors":
        save_file(tensors(shapes, dtype), file, metadata)
    else:
        torch.save({"state_dict": tensors(shapes, dtype), "global_step": 7}, file)
    return file


def raw(file: Path, header, data=b"") -> Path:
    """A safetensors file with just this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return file


def write_json(file: Path, value) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value), encoding="utf-8")


def folder(path: Path, pipeline="StableDiffusionPipeline", unet=None, index=None) -> Path:
    """A folder in diffusers' format."""
    for part in ("unet", "vae"):
        write(path / part / WEIGHTS, {"conv_in.weight": (8, 4, 3, 3)})
    write(path / "text_encoder" / "model.safetensors", {"embeddings.weight": (9, 8)})
    write_json(path / "model_index.json", {"_class_name": pipeline, **(index or {})})
    write_json(path / "unet" / "config.json", {"sample_size": 64, **(unet or {})})
    write_json(path / "vae" / "config.json", {"block_out_channels": [128, 256, 512, 512]})
    write_json(path / "text_encoder" / "config.json", {})
    return path
