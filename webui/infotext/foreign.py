"""What ComfyUI, InvokeAI, Fooocus and NovelAI write into pictures, as parameters.

sd-parsers reads their forms. What it finds is put into A1111's keys and goes the way of all texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from webui.infotext import comfyui
from webui.infotext.carriers import PARAMETERS
from webui.infotext.names import find_both, find_schedule
from webui.infotext.pairs import Parts, clean, join, split
from webui.infotext.programs import COMFYUI, FOOOCUS, INVOKEAI, NOVELAI
from webui.infotext.read import Infotext, settle

if TYPE_CHECKING:
    from sd_parsers.data import PromptInfo

INVOKEAI_KEYS = ("invokeai_metadata", "sd-metadata", "Dream")
WEIGHTS = (
    "ComfyUI doesn't even out weights such as (word:1.2): "
    "the emphasis mode is set to No norm, which is nearest."
)
BRACES = "NovelAI strengthens {words} by 1.05 and weakens [words]; here write (words:1.05) and (words:0.95)."


class _UnreadableError(ValueError):
    """A program's metadata, but in a form that can't be made use of."""


@dataclass
class _Found:
    """What a program tells, in A1111's keys. Values of None are left out."""

    prompt: str = ""
    negative: str = ""
    pairs: dict[str, object] = field(default_factory=dict[str, object])
    notices: list[str] = field(default_factory=list[str])

    def parts(self) -> Parts:
        told = {key: clean(str(value)) for key, value in self.pairs.items() if value not in (None, "")}
        return Parts(clean(self.prompt).strip(), clean(self.negative).strip(), told)


def read_foreign(items: Mapping[str, str], width: int, height: int) -> tuple[Infotext, str] | None:
    """What a picture of this size tells by these texts, and the same in A1111's form.

    None: none of the four programs wrote them, or A1111's text stands beside them.
    """
    source = _source(items)
    if source is None:
        return None
    try:
        found = READERS[source](items)
    except Exception as error:  # sd-parsers and json fail in many ways on what isn't what it seems
        reason = str(error) if isinstance(error, _UnreadableError) else "its form is unknown"
        return Infotext(source=source, problems=(f"{source}'s metadata can't be read: {reason}.",)), ""
    if not found.pairs.get("Size"):
        found.pairs["Size"] = f"{width}x{height}"
    parts = found.parts()
    infotext = settle(parts, source)
    told = replace(infotext, problems=(*found.notices, *infotext.problems))
    return told, join(parts.prompt, parts.negative, parts.pairs)


def _source(items: Mapping[str, str]) -> str | None:
    parameters = items.get(PARAMETERS, "")
    if parameters.startswith("{"):
        return FOOOCUS if "fooocus" in parameters[-2000:].lower() or '"base_model"' in parameters else None
    if parameters and split(parameters[:100_000]).pairs:
        return None
    if any(key in items for key in INVOKEAI_KEYS):
        return INVOKEAI
    if "prompt" in items and items["prompt"].lstrip().startswith("{"):
        return COMFYUI
    return NOVELAI if items.get("Software") == NOVELAI and "Comment" in items else None


def _parse(program: str, parameters: Mapping[str, object]) -> PromptInfo:
    """What sd-parsers finds. Imported here, since few pictures need it."""
    from sd_parsers import parsers

    parser = getattr(parsers, f"{program}Parser")()
    return cast("PromptInfo", parser.parse(dict(parameters)))


def _comfyui(items: Mapping[str, str]) -> _Found:
    try:
        graph = comfyui.read_graph(items["prompt"])
    except ValueError as error:
        raise _UnreadableError(str(error)) from error
    sampler = comfyui.first_sampler(graph)
    if sampler is None:
        raise _UnreadableError("none of its nodes is a sampler that is known here")
    info = _parse(
        "ComfyUI",
        {"prompt": comfyui.as_prompt(graph, sampler), "workflow": {"links": comfyui.as_links(graph)}},
    )
    found = _said(info)
    found.pairs |= _comfyui_pairs(graph, sampler)
    if "(" in found.prompt or "(" in found.negative:
        found.notices.append(WEIGHTS)
    return found


def _comfyui_pairs(graph: comfyui.Graph, sampler: str) -> dict[str, object]:
    told = str(comfyui.nearest(graph, sampler, "sampler_name") or "")
    name, schedule = _names(told)
    width, height = comfyui.size_of(graph, sampler)
    denoise = comfyui.nearest(graph, sampler, "denoise")
    layer = comfyui.nearest(graph, sampler, "stop_at_clip_layer")
    return {
        "Steps": comfyui.nearest(graph, sampler, "steps"),
        "Sampler": name,
        "Schedule type": schedule or find_schedule(str(comfyui.nearest(graph, sampler, "scheduler") or "")),
        "CFG scale": comfyui.nearest(graph, sampler, "cfg") or 1,
        "Seed": comfyui.nearest(graph, sampler, "seed", "noise_seed"),
        "Size": f"{width}x{height}" if width and height else None,
        "Clip skip": -layer if isinstance(layer, int) and layer < 0 else None,
        "UniPC variant": "bh2" if told.endswith("bh2") else None,
        "Emphasis": "No norm",
        "Denoising strength": denoise if isinstance(denoise, float) and denoise < 1 else None,
        "LoRAs": comfyui.loras(graph, sampler),
    }


def _fooocus(items: Mapping[str, str]) -> _Found:
    info = _parse("Fooocus", {"parameters": items[PARAMETERS]})
    raw = _json(items[PARAMETERS])
    found = _said(info)
    name, schedule = _names(raw.get("sampler"))
    found.pairs |= {
        "Steps": raw.get("steps"),
        "Sampler": name,
        "Schedule type": schedule or find_schedule(str(raw.get("scheduler"))),
        "CFG scale": raw.get("guidance_scale"),
        "Seed": raw.get("seed"),
        "Size": "x".join(part.strip() for part in str(raw.get("resolution", "")).strip("()[]").split(",")),
        "Clip skip": raw.get("clip_skip"),
        "VAE": raw.get("vae"),
        "Version": raw.get("version"),
    }
    if raw.get("styles") not in (None, "", "[]", []):
        found.notices.append("Fooocus put styles around this prompt, which are not among the settings here.")
    return found


def _invokeai(items: Mapping[str, str]) -> _Found:
    info = _parse("InvokeAI", {**items, "Dream": _flat(items["Dream"])} if "Dream" in items else items)
    found = _said(info)
    told: dict[str, Any] = {**info.metadata, **info.samplers[0].parameters}
    name, schedule = _names(info.samplers[0].name)
    model = _json(items.get("invokeai_metadata", "{}")).get("model")
    if isinstance(model, dict):
        found.pairs.setdefault("Model", cast("dict[str, Any]", model).get("name"))
    skipped = told.get("clip_skip")
    found.pairs |= {
        "Steps": told.get("steps"),
        "Sampler": name,
        "Schedule type": schedule,
        "CFG scale": told.get("cfg_scale"),
        "CFG Rescale phi": told.get("cfg_rescale_multiplier"),
        "Seed": told.get("seed"),
        "Size": f"{told['width']}x{told['height']}" if "width" in told and "height" in told else None,
        "Clip skip": skipped + 1 if isinstance(skipped, int) else None,
        "RNG": "GPU" if told.get("rand_device") == "cuda" else None,
    }
    return found


def _novelai(items: Mapping[str, str]) -> _Found:
    said = {"Description": "", **items, "Source": _flat(items.get("Source", ""))}
    info = _parse(NOVELAI, said)
    raw = _json(items["Comment"])
    found = _said(info)
    name, schedule = _names(info.samplers[0].name)
    size = f"{raw['width']}x{raw['height']}" if "width" in raw and "height" in raw else None
    found.pairs |= {
        "Steps": raw.get("steps"),
        "Sampler": name,
        "Schedule type": schedule or find_schedule(str(raw.get("noise_schedule"))),
        "CFG scale": raw.get("scale"),
        "CFG Rescale phi": raw.get("cfg_rescale"),
        "Seed": raw.get("seed"),
        "Size": size,
        # What A1111 sets for its pictures.
        "Clip skip": 2,
        "ENSD": 31337,
    }
    if any(sign in found.prompt + found.negative for sign in "{["):
        found.notices.append(BRACES)
    return found


READERS = {COMFYUI: _comfyui, FOOOCUS: _fooocus, INVOKEAI: _invokeai, NOVELAI: _novelai}


def _said(info: PromptInfo) -> _Found:
    """Prompts and model of the first sampler."""
    sampler = info.samplers[0]
    found = _Found(
        ", ".join(str(prompt) for prompt in sampler.prompts if str(prompt)),
        ", ".join(str(prompt) for prompt in sampler.negative_prompts if str(prompt)),
    )
    if sampler.model:
        found.pairs |= {"Model hash": sampler.model.hash, "Model": sampler.model.name}
    return found


def _names(name: object) -> tuple[str | None, str | None]:
    """Sampler and schedule type as A1111 calls them; the sampler's own name where there is no such."""
    asked = str(name or "")
    sampler, schedule = find_both(asked)
    return sampler or asked or None, schedule


def _flat(text: str) -> str:
    """`text` with single spaces: sd-parsers' patterns take forever on long runs of them."""
    return " ".join(text.split())


def _json(text: str) -> dict[str, Any]:
    raw = json.loads(text)
    return cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
