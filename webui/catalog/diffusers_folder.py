"""What a folder in diffusers' format is: from its JSON files and the headers of its weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webui.catalog import pipelines
from webui.catalog.entry import CLASSIC, Family, Identity, Prediction, Variant
from webui.catalog.folder_weights import find_weights, without_weights
from webui.catalog.headers import HeaderError, read_header
from webui.infotext.pairs import clean

INDEX = "model_index.json"
NEEDLESS = ("safety_checker", "feature_extractor", "image_encoder", "image_processor", "scheduler")
"""Components that drawing from text does without, or whose place a default can take."""
TOKENIZERS = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "tekken.json",
)
"""A tokenizer's folder holds one of these. Without, transformers silently makes an empty tokenizer."""
SD2_CONTEXT = 1024
REFINER_CONTEXT = 1280
MAX_JSON = 2**20


@dataclass(frozen=True)
class Seen:
    """What looking into a file or folder showed."""

    identity: Identity
    size: int | None = None
    """Width and height in pixels that it was trained for; None: it doesn't tell."""
    lasting: bool = True
    """Whether another look would show the same while the file is unchanged."""


def main_component(path: Path) -> str:
    """The component that draws: "transformer" or "unet"."""
    return "transformer" if (path / "transformer").is_dir() else "unet"


def main_weights(path: Path) -> Path:
    """The file whose sha256 stands for the folder: its UNet's or transformer's weights (the first shard).

    Raises:
        FileNotFoundError: there is none.
    """
    component = path / main_component(path)
    weights = find_weights(component)
    if weights is None:
        raise FileNotFoundError(f"{component} holds no .safetensors weights")
    return weights.files[0]


def describe_folder(path: Path, name: str) -> Seen:
    """What lies in `path`, called `name` in what it is told to have wrong. Never raises."""
    try:
        return _describe(path, name)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        return Seen(_broken(f'The checkpoint "{name}" can\'t be read: {error}.'))


def _broken(problem: str, pipeline: str = "") -> Identity:
    return Identity("checkpoint", layout="diffusers", pipeline=pipeline, problem=problem)


def _describe(path: Path, name: str) -> Seen:
    index = _read_json(path / INDEX)
    pipeline = index.get("_class_name")
    if not isinstance(pipeline, str):
        what = "brings its own code" if isinstance(pipeline, list) else f"names no pipeline in {INDEX}"
        return Seen(_broken(f'The checkpoint "{name}" {what}, so that Darkroom can\'t draw with it.'))
    pipeline = clean(pipeline)
    if refusal := pipelines.refusal(pipeline):
        return Seen(_broken(f'The checkpoint "{name}" is a {pipeline}, {refusal}.', pipeline))
    components = _components(path, index, pipelines.family(pipeline))
    if missing := [what for part in components if (what := _missing(path / part))]:
        problem = f'The checkpoint "{name}" is incomplete: {", ".join(missing)} in {path}.'
        return Seen(_broken(problem, pipeline))
    if damage := next((what for part in components if (what := _damage(path / part))), None):
        return Seen(_broken(f'The checkpoint "{name}" can\'t be used: {damage}.', pipeline))
    config = _read_json(path / main_component(path) / "config.json")
    if pipelines.family(pipeline) in CLASSIC and _is_edm(path):
        problem = (
            f'The checkpoint "{name}" was trained in the EDM formulation, which Darkroom can\'t draw with.'
        )
        return Seen(_broken(problem, pipeline))
    return Seen(_identity(path, pipeline, components, config), _native_size(path, config))


def _components(path: Path, index: dict[str, Any], family: Family) -> list[str]:
    """The components that must be there: those that the index names and, where it is silent, the usual."""
    named = {part: told for part, told in index.items() if isinstance(told, list)}
    used = [part for part, told in named.items() if all(told) and part not in NEEDLESS]
    usual = () if family == "other" else (main_component(path), "vae", "text_encoder")
    return [*used, *(part for part in usual if part not in named)]


def _is_edm(path: Path) -> bool:
    """Whether noise is told to the UNet in EDM's way, or latents are normed as such models' VAEs do."""
    scheduler, vae = (
        _read_json(file) if file.is_file() else {}
        for file in (path / "scheduler" / "scheduler_config.json", path / "vae" / "config.json")
    )
    named = str(scheduler.get("_class_name", "")).startswith("EDM")
    return named or "sigma_data" in scheduler or bool(vae.get("latents_mean") or vae.get("latents_std"))


def _missing(component: Path) -> str | None:
    """What isn't there of a component, as a part of a sentence."""
    part = component.name
    if part.startswith("tokenizer"):
        there = any((component / file).is_file() for file in TOKENIZERS)
        return None if there else f"{part}/{TOKENIZERS[0]} is missing"
    if not (component / "config.json").is_file():
        return f"{part}/config.json is missing"
    return None if find_weights(component) else without_weights(component)


def _damage(component: Path) -> str | None:
    weights = find_weights(component)
    for file in weights.files if weights else ():
        try:
            read_header(file)
        except HeaderError as error:
            return f"{component.name}/{file.name} {error}"
    return None


def _identity(path: Path, pipeline: str, components: list[str], config: dict[str, Any]) -> Identity:
    family = _family(pipeline, config, components)
    prediction, zero_snr = _scheduler(path)
    return Identity(
        "checkpoint",
        family,
        pipelines.variant(pipeline) or _variant(family, config),
        "diffusers",
        read_header(main_weights(path)).dtype() if find_weights(path / main_component(path)) else "",
        pipeline,
        prediction,
        zero_snr,
        has_vae="vae" in components,
        has_text_encoder=any(part.startswith("text_encoder") for part in components),
        context=_whole(config.get("cross_attention_dim")),
        channels=_whole(next(iter(config.get("block_out_channels") or ()), 0)),
    )


def _whole(number: object) -> int:
    """A number in a config; 0 where there is none."""
    return number if isinstance(number, int) else 0


def _family(pipeline: str, config: dict[str, Any], components: list[str]) -> Family:
    family = pipelines.family(pipeline)
    context = config.get("cross_attention_dim")
    if family == "sdxl":
        refiner = context == REFINER_CONTEXT or "text_encoder" not in components
        return "sdxl-refiner" if refiner else "sdxl"
    # Small models are narrower, but SD 2's heads are told for each block, and its projections are linear.
    by_block = isinstance(config.get("attention_head_dim"), list) and config.get("use_linear_projection")
    return "sd2" if family == "sd1" and (context == SD2_CONTEXT or by_block) else family


def _variant(family: Family, config: dict[str, Any]) -> Variant:
    channels = {9: "inpaint", 8: "pix2pix"} if family.startswith("sd") else {384: "inpaint"}
    variants: dict[int, Variant] = channels  # pyright: ignore[reportAssignmentType]
    return variants.get(config.get("in_channels", 4), "")


def _scheduler(path: Path) -> tuple[Prediction | None, bool | None]:
    """What the scheduler's configuration tells of the prediction and of zero terminal SNR."""
    file = path / "scheduler" / "scheduler_config.json"
    config = _read_json(file) if file.is_file() else {}
    told = config.get("prediction_type")
    zero_snr = config.get("rescale_betas_zero_snr")
    prediction: Prediction | None = told if told in ("epsilon", "v_prediction") else None
    return prediction, zero_snr if isinstance(zero_snr, bool) else None


def _native_size(path: Path, config: dict[str, Any]) -> int | None:
    latent, file = config.get("sample_size"), path / "vae" / "config.json"
    if not (isinstance(latent, int) and file.is_file()):
        return None
    factor = 2 ** (len(_read_json(file).get("block_out_channels", ())) - 1)
    return latent * factor if 64 <= latent * factor <= 4096 else None


def _read_json(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        value = json.loads(stream.read(MAX_JSON))
    if not isinstance(value, dict):
        raise ValueError(f"{file.name} does not hold a JSON object")
    return value
