"""Which folders hold models: Darkroom's own, those of other installations, and those that a YAML file names.

Names: A1111's folders below `models/`; ComfyUI's below `models/`; ComfyUI's `extra_model_paths.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from webui.catalog.entry import Kind
from webui.config import BUILT_IN, DEMO, Config

Kinds = tuple[Kind, ...]
CHECKPOINTS: Kinds = ("checkpoint",)
VAES: Kinds = ("vae",)
CONTROLS: Kinds = ("controlnet", "t2i-adapter", "ip-adapter")
VISION: Kinds = ("clip-vision",)
ANNOTATORS: Kinds = ("annotator", "clip-vision")
BACKBONES: Kinds = ("diffusion-model", "checkpoint")
"""ComfyUI keeps here what it completes with other files; SD 3 and Flux of that kind can be drawn with."""

A1111: Mapping[str, Kinds] = {
    "Stable-diffusion": CHECKPOINTS,
    "VAE": VAES,
    "Lora": ("lora",),
    "LyCORIS": ("lora",),
    "ControlNet": CONTROLS,
    "clip_vision": VISION,
    "annotators": ANNOTATORS,
    "ESRGAN": ("upscaler",),
    "RealESRGAN": ("upscaler",),
    "SwinIR": ("upscaler",),
    "DAT": ("upscaler",),
    "embeddings": ("embedding",),
    "hypernetworks": ("hypernetwork",),
    "text_encoder": ("text-encoder",),
    "diffusion_models": BACKBONES,
}
A1111_BESIDE: Mapping[str, Kinds] = {
    "embeddings": ("embedding",),
    "extensions/sd-webui-controlnet/models": CONTROLS,
    "extensions/sd-webui-controlnet/annotator/downloads": ANNOTATORS,
}
"""Folders of an A1111 installation outside its `models/`."""
T5_TOKENIZER = "tokenizers/t5"
"""Where T5's tokenizer lies below `models/`. It is no model, so that this folder isn't searched."""
COMFY: Mapping[str, Kinds] = {
    "checkpoints": CHECKPOINTS,
    "vae": VAES,
    "loras": ("lora",),
    "controlnet": CONTROLS,
    "t2i_adapter": CONTROLS,
    "ipadapter": CONTROLS,
    "clip_vision": VISION,
    "upscale_models": ("upscaler",),
    "embeddings": ("embedding",),
    "hypernetworks": ("hypernetwork",),
    "clip": ("text-encoder",),
    "text_encoders": ("text-encoder",),
    "unet": BACKBONES,
    "diffusion_models": BACKBONES,
}
"""Both ComfyUI's folders and the keys of its YAML file."""


class FolderError(ValueError):
    """A folder or file of folders that can't be used; the text says which and why."""


@dataclass(frozen=True)
class ModelFolder:
    """A folder that is searched, with all that lies in it."""

    path: Path
    kinds: Kinds = CHECKPOINTS
    """What belongs into it; the first is what a file is listed under that can't be told or is another's."""
    label: str = ""
    """Told before a name that an earlier folder has too; empty: the folder's own name."""
    fallback: bool = False
    """Whether its models are begun with only where there are no others."""


BUILT_INS = tuple(
    ModelFolder(BUILT_IN / name / DEMO, A1111[name], fallback=True)
    for name in ("Stable-diffusion", "Lora", "ControlNet")
)
"""The demo model and its parts, wherever else models are."""


def belongs_into(kind: Kind) -> str | None:
    """The folder below `models/` where files of that kind go; None if none is for it."""
    if kind == "tokenizer":
        return T5_TOKENIZER
    return next((name for name, kinds in A1111.items() if kind in kinds), None)


def model_folders(config: Config) -> list[ModelFolder]:
    """All folders to search, in the order in which they give names; last those of the demo parts.

    Raises:
        FolderError: a folder or file that was named isn't there or can't be used.
    """
    folders = [*_below(config.models_dir, A1111, "models"), *_below(config.data_dir, A1111_BESIDE, "models")]
    if config.ckpt_dir:
        folders.append(ModelFolder(_there("--ckpt-dir", config.ckpt_dir), CHECKPOINTS))
    if config.vae_dir:
        folders.append(ModelFolder(_there("--vae-dir", config.vae_dir), VAES))
    if config.a1111_home:
        folders += _below(_there("--a1111-home", config.a1111_home / "models"), A1111, "a1111")
        folders += _below(config.a1111_home, A1111_BESIDE, "a1111")
    if config.comfy_home:
        folders += _below(_there("--comfy-home", config.comfy_home / "models"), COMFY, "comfyui")
    if config.extra_model_paths:
        folders += read_extra_model_paths(config.extra_model_paths)
    return list(dict.fromkeys([*folders, *BUILT_INS]))


def _below(home: Path, names: Mapping[str, Kinds], label: str) -> Iterator[ModelFolder]:
    for name, kinds in names.items():
        yield ModelFolder(home / name, kinds, label)


def _there(flag: str, path: Path) -> Path:
    if not path.is_dir():
        raise FolderError(f"{flag}: there is no folder {path}")
    return path


def read_extra_model_paths(file: Path) -> list[ModelFolder]:
    """The folders of a file in the format of ComfyUI's `extra_model_paths.yaml`.

    It holds sections of any name, each with an optional `base_path`, an optional `is_default` (its folders
    come first), and under the name of a kind one folder a line. Relative ones begin at `base_path`, which
    itself begins at the file's own folder. Unknown kinds are passed over.

    Raises:
        FolderError: the file can't be read or doesn't hold that.
    """
    try:
        sections = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FolderError(f"--extra-model-paths: {file} can't be read: {_brief(error)}") from error
    if not isinstance(sections, dict):
        raise FolderError(f"--extra-model-paths: {file} holds no sections as ComfyUI has them")
    told = [(str(name), section) for name, section in sections.items() if section]
    if wrong := next((name for name, section in told if not isinstance(section, dict)), None):
        raise FolderError(f'--extra-model-paths: {file}: the section "{wrong}" holds no folders')
    first = [named for named in told if named[1].get("is_default")]
    rest = [named for named in told if not named[1].get("is_default")]
    return [folder for name, section in first + rest for folder in _section(name, section, file.parent)]


def _brief(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return text or " ".join(str(error).split())


def _section(name: str, section: dict[str, Any], start: Path) -> Iterator[ModelFolder]:
    base = start / Path(str(section.get("base_path") or "")).expanduser()
    for key, kinds in COMFY.items():
        for line in str(section.get(key) or "").splitlines():
            if line.strip():
                yield ModelFolder(base / Path(line.strip()).expanduser(), kinds, name)
