"""The models that an infotext tells of, among those that are here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webui.catalog.catalog import Catalog
from webui.catalog.control_models import control_models
from webui.catalog.entry import ModelFile
from webui.catalog.naming import best_match
from webui.infotext.programs import DARKROOM
from webui.infotext.read import Infotext
from webui.params.control import NO_MODEL, ControlUnit

CHOOSE_AGAIN = "Texts don't hold the control images of ControlNet units: choose them again."
SHA256 = re.compile(r"[0-9a-f]{10,64}", re.IGNORECASE)
"""As programs write it: whole, or its first digits. Eight digits are A1111's former hash, of other bytes, and
InvokeAI writes hashes of other kinds."""


@dataclass(frozen=True)
class Resolved:
    """Fields of GenerationParams, now with checkpoints and VAE as far as they are here.

    `notices` are sentences: which aren't here, and which are but not quite the same.
    """

    fields: dict[str, Any]
    notices: tuple[str, ...] = ()


def resolve(catalog: Catalog, infotext: Infotext) -> Resolved:
    """Look up the models that `infotext` tells of: by hash, and if none has it by name.

    Where it tells of no refiner or hires checkpoint, or is Darkroom's and tells of no VAE, none was used;
    other programs leave their VAE untold, so what is chosen stays.
    """
    fields, notices = dict(infotext.fields), list[str]()
    if infotext.checkpoint or infotext.model_hash:
        found = _find(catalog.checkpoints(), infotext.checkpoint, infotext.model_hash)
        notices += _judge(
            "checkpoint", infotext.checkpoint, infotext.model_hash, found, "the one chosen stays"
        )
        _put(fields, "checkpoint", found)
    if infotext.vae:
        vae = _find(catalog.vaes(), infotext.vae, infotext.vae_hash)
        notices += _judge("VAE", infotext.vae, infotext.vae_hash, vae, "the one chosen stays")
        _put(fields, "vae", vae)
    elif infotext.source == DARKROOM:
        fields["vae"] = "Automatic"
    if infotext.refiner:
        refiner = _find(catalog.checkpoints(), infotext.refiner, infotext.refiner_hash)
        notices += _judge("refiner", infotext.refiner, infotext.refiner_hash, refiner, "none is used")
        _put(fields, "refiner_checkpoint", refiner)
    if infotext.hires:
        hires = _find(catalog.checkpoints(), infotext.hires, infotext.hires_hash)
        notices += _judge(
            "hires checkpoint", infotext.hires, infotext.hires_hash, hires, "the first pass's serves"
        )
        _put(fields, "hr_checkpoint_name", hires)
    if units := fields.get("control"):
        fields["control"], told = _units(control_models(catalog), units)
        notices += [*told, CHOOSE_AGAIN]
    if infotext.fields.keys() - {"prompt", "negative_prompt"}:
        fields.setdefault("refiner_checkpoint", "")
        fields.setdefault("hr_checkpoint_name", "")
    return Resolved(fields, tuple(notices))


def _units(
    models: Sequence[ModelFile], units: Sequence[ControlUnit]
) -> tuple[tuple[ControlUnit, ...], list[str]]:
    """The units, with the models that are here; those whose model isn't are switched off."""
    found: list[ControlUnit] = []
    notices: list[str] = []
    for number, unit in enumerate(units):
        model = None if unit.model == NO_MODEL else best_match(models, unit.model)
        if unit.model != NO_MODEL and (model is None or model.problem):
            notices += _judge("ControlNet model", unit.model, None, model, f"unit {number} is switched off")
            unit = unit.model_copy(update={"enabled": False})
        found.append(unit.model_copy(update={"model": model.name}) if model else unit)
    return tuple(found), notices


def _find(models: Sequence[ModelFile], name: str | None, digits: str | None) -> ModelFile | None:
    """The model of that hash, else of that name; a usable one where there are several."""
    same = [model for model in models if _has_hash(model, digits)]
    if same:
        return min(same, key=lambda model: model.problem is not None)
    return best_match(models, name) if name else None


def _has_hash(model: ModelFile, digits: str | None) -> bool:
    return bool(model.sha256 and digits and SHA256.fullmatch(digits) and _alike(model.sha256, digits))


def _alike(one: str, other: str) -> bool:
    """Whether two hashes, whole or their first digits, are of the same file."""
    length = min(len(one), len(other))
    return one[:length].lower() == other[:length].lower()


def _put(fields: dict[str, Any], name: str, found: ModelFile | None) -> None:
    if found and found.problem is None:
        fields[name] = found.name


def _judge(
    kind: str, name: str | None, digits: str | None, found: ModelFile | None, instead: str
) -> list[str]:
    """What is to be said of what was found."""
    told = f'"{name}"' if name else ""
    told = f"{told} ({digits})".strip() if digits else told
    if found is None:
        return [f"The {kind} {told} is not here; {instead}."]
    if found.problem is not None:
        return [f"The {kind} {told} can't be used: {found.problem}"]
    if found.sha256 and digits and SHA256.fullmatch(digits) and not _alike(found.sha256, digits):
        return [f'The {kind} "{found.name}" here is another file than {told}: pictures differ.']
    return []
