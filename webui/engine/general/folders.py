"""Models in diffusers' folder format: the networks one by one, and the pipeline around them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import diffusers
import torch
from diffusers import pipelines
from diffusers.models.modeling_utils import ModelMixin
from diffusers.pipelines import auto_pipeline
from diffusers.pipelines.auto_pipeline import AUTO_TEXT2IMAGE_PIPELINES_MAPPING
from diffusers.pipelines.pipeline_loading_utils import simple_get_class_obj
from diffusers.utils import logging as diffusers_logging
from torch import nn
from transformers.utils import logging as transformers_logging

from webui.catalog.diffusers_folder import TOKENIZERS
from webui.catalog.entry import ModelFile
from webui.engine.general.errors import explained
from webui.engine.general.kinds import NetworkClass, Pipeline
from webui.engine.protocol import EngineError

LOCAL: dict[str, Any] = {"local_files_only": True, "use_safetensors": True}
"""Without use_safetensors a missing file is looked for as a pickle."""

UNUSED = ("safety_checker", "watermarker", "image_encoder", "feature_extractor")
"""Optional components that drawing from a prompt doesn't need."""

NEEDED, UNABLE = {"prompt", "height", "num_inference_steps"}, {"num_frames", "mask_image", "control_image"}
"""Arguments of pipelines that make pictures from prompts, and of those that need or make something else."""


def parts(file: ModelFile) -> dict[str, Callable[[torch.dtype], nn.Module]]:
    """For each network of the folder, by its name there, what loads it on the CPU in a number format.

    Raises:
        EngineError: it is no folder that diffusers can draw with.
    """
    index = read_index(file)
    unused = [name for name in UNUSED if name in pipeline_class(file, index)._optional_components]
    makers: dict[str, Callable[[torch.dtype], nn.Module]] = {}
    for name, (library, class_name) in _components(index).items():
        kind = _component_class(file, library, class_name)
        if name not in unused and isinstance(kind, type) and issubclass(kind, nn.Module):
            makers[name] = partial(_load, file, name, kind)
    return makers


def build(file: ModelFile, modules: dict[str, nn.Module]) -> Pipeline:
    """The folder's text-to-image pipeline around `modules`, with its tokenizers and its scheduler.

    The modules are used as they are: neither copied nor cast nor moved.

    Raises:
        EngineError: a file is missing or damaged, or an optional package that it needs.
    """
    index = read_index(file)
    kind = pipeline_class(file, index)
    given = inspect.signature(kind.__init__).parameters
    _check_tokenizers(file, index)
    left_out = {name: None for name in UNUSED if name in kind._optional_components}
    plain = {"requires_safety_checker": False} if "requires_safety_checker" in given else {}
    _be_quiet()
    try:
        pipeline = kind.from_pretrained(str(file.path), **LOCAL, **left_out, **plain, **modules)
    except Exception as error:  # tokenizers raise nothing narrower for damaged files
        raise explained(file.name, "can't be loaded", error) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def read_index(file: ModelFile) -> dict[str, Any]:
    """The folder's model_index.json.

    Raises:
        EngineError: it is missing or damaged.
    """
    try:
        index: dict[str, Any] = json.loads((file.path / "model_index.json").read_text(encoding="utf-8"))
        return {**index, "_class_name": str(index["_class_name"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise explained(file.name, "has no usable model_index.json", cast(Exception, error)) from error


def pipeline_class(file: ModelFile, index: dict[str, Any]) -> NetworkClass:
    """diffusers' text-to-image pipeline for the folder's own, which may be one for other tasks.

    Raises:
        EngineError: diffusers has none.
    """
    name: str = index["_class_name"]
    kind: Any = auto_pipeline._get_task_class(  # pyright: ignore[reportPrivateUsage]
        AUTO_TEXT2IMAGE_PIPELINES_MAPPING, name, throw_error_if_not_exist=False
    )
    # Newer families are in diffusers before its AutoPipeline knows them.
    kind = kind or getattr(diffusers, name, None)
    if getattr(kind, "_backends", None) and not hasattr(kind, "_optional_components"):
        raise EngineError(
            f'"{file.name}" needs a Python package. Install it: pip install {kind._backends[-1]}'
        )
    call = inspect.signature(kind.__call__).parameters if isinstance(kind, type) else {}
    if not set(call) >= NEEDED or UNABLE & set(call):
        raise EngineError(f'"{file.name}" is a model for {name}, which makes no pictures from prompts.')
    return kind


def _components(index: dict[str, Any]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for name, value in index.items():
        match value:
            case [str(library), str(class_name)]:
                found[name] = (library, class_name)
            case _:  # a setting, or a component that is left out
                pass
    return found


def _check_tokenizers(file: ModelFile, index: dict[str, Any]) -> None:
    for name, (_, class_name) in _components(index).items():
        if "Tokenizer" in class_name and not any((file.path / name / each).is_file() for each in TOKENIZERS):
            raise EngineError(
                f'The {name} of "{file.name}" has no vocabulary. Download the folder again, all of it.'
            )


def _component_class(file: ModelFile, library: str, name: str) -> NetworkClass:
    # Other names would be imported, whatever they are.
    if library not in ("diffusers", "transformers") and not hasattr(pipelines, library):
        raise EngineError(f'"{file.name}" comes with code of its own ({library}), which is never run.')
    try:
        return simple_get_class_obj(library, name)
    except (AttributeError, ImportError) as error:
        raise EngineError(
            f'"{file.name}" needs {name}, which this version of {library} doesn\'t have.'
        ) from error


def _load(file: ModelFile, name: str, kind: NetworkClass, dtype: torch.dtype) -> nn.Module:
    _be_quiet()
    folder = file.path / name
    options = {**LOCAL, "output_loading_info": True, "variant": _variant(folder)}
    if issubclass(kind, ModelMixin):
        options["low_cpu_mem_usage"] = True
    try:
        loaded: Any = kind.from_pretrained(folder, dtype=dtype, **options)
    except Exception as error:  # safetensors raises nothing narrower for damaged files
        raise explained(file.name, f"can't be loaded ({name})", error) from error
    module, found = loaded
    if missing := sorted(found["missing_keys"]):
        raise EngineError(
            f'The {name} of "{file.name}" lacks {len(missing)} of its weights, {missing[0]} for one.'
        )
    return module.eval().requires_grad_(False)


def _variant(folder: Path) -> str | None:
    """The variant to load: "fp16" or the like where the folder holds no plain files."""
    names = [file.name for file in folder.glob("*.safetensors")]
    stems = [name.removesuffix(".safetensors").split("-0")[0] for name in names]
    if not stems or any("." not in stem for stem in stems):
        return None
    return stems[0].split(".")[1]


def _be_quiet() -> None:
    """Have no progress bars printed into the server's log."""
    transformers_logging.disable_progress_bar()
    diffusers_logging.disable_progress_bar()
