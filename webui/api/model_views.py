"""What the API tells of models: never where they lie on the disk."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from webui.api.fields import FieldView, describe
from webui.catalog.catalog import Catalog
from webui.catalog.entry import Family, Kind, ModelFile, ModelSettings, Prediction, Variant
from webui.catalog.naming import called
from webui.engine.samplers.table import SAMPLER_NAMES, SCHEDULE_NAMES
from webui.params import GenerationParams

PARAMETERS = ("vae", "sampler_name", "scheduler", "steps", "width", "height", "cfg_scale", "clip_skip")
"""The fields of GenerationParams that can be set for one model."""


class SettingsBody(BaseModel):
    """What is set for one checkpoint. What is left out or null follows the file."""

    model_config = ConfigDict(extra="forbid")

    defaults: dict[str, Any] = Field(default={}, title="Parameters to begin with")
    prediction: Prediction | None = Field(
        default=None,
        title="Prediction type",
        description="What the model predicts. Set it where pictures come out as noise or washed out.",
    )
    zero_snr: bool | None = Field(
        default=None,
        title="Zero terminal SNR",
        description="Begin from pure noise, as some v-prediction models were trained to.",
    )
    notes: str = Field(default="", max_length=10_000, title="Notes", description="Shown on the card.")

    def value(self) -> ModelSettings:
        """The same for the catalog; parameters that are null are left out."""
        given = {name: value for name, value in self.defaults.items() if value is not None}
        return ModelSettings(given, self.prediction, self.zero_snr, self.notes)


class ModelView(BaseModel):
    """A model file or folder. `problem` says why it can't be used; `thumbnail` is an address on this server.

    Size in bytes, `modified` and `created` in seconds since 1970; `sha256` is null until it has been
    computed. `default` marks the checkpoint that draws where none is named. `called` is the name that
    prompts use, `alias` another that prompts may use for a LoRA.
    """

    name: str
    called: str
    alias: str
    kind: Kind
    family: Family
    variant: Variant
    layout: str
    dtype: str
    pipeline: str
    prediction: Prediction | None
    zero_snr: bool | None
    folder: bool
    problem: str | None
    size: int
    modified: float
    created: float
    sha256: str | None
    short_hash: str | None
    thumbnail: str | None
    description: str
    notes: str
    defaults: dict[str, Any]
    default: bool
    activation_text: str
    preferred_weight: float | None
    negative_text: str


def views(catalog: Catalog, kind: Kind | None = None) -> list[ModelView]:
    """What the API tells of all models, or of those of one kind."""
    default, names, models = catalog.default(), dict[tuple[Kind, str], str](), catalog.files(kind)
    for one in {model.kind for model in models}:
        alike = called(model for model in models if model.kind == one)
        names |= {(one, name): short for name, short in alike.items()}
    return [_view(model, default, names[model.kind, model.name]) for model in models]


def view(catalog: Catalog, model: ModelFile) -> ModelView:
    """What the API tells of `model`."""
    names = called(catalog.files(model.kind))
    return _view(model, catalog.default(), names.get(model.name, model.stem))


def _view(model: ModelFile, default: ModelFile | None, name: str) -> ModelView:
    identity, usage = model.identity, model.usage
    return ModelView(
        name=model.name,
        called=name,
        alias=identity.alias,
        kind=model.kind,
        family=identity.family,
        variant=identity.variant,
        layout=identity.layout,
        dtype=identity.dtype,
        pipeline=identity.pipeline,
        prediction=model.prediction,
        zero_snr=model.zero_snr,
        folder=model.folder,
        problem=model.problem,
        size=model.size,
        modified=model.modified,
        created=model.created,
        sha256=model.sha256,
        short_hash=model.short_hash,
        thumbnail=_thumbnail_url(model),
        description=model.description,
        notes=model.settings.notes,
        defaults=model.defaults,
        default=model == default,
        activation_text=usage.activation,
        preferred_weight=usage.weight,
        negative_text=usage.negative,
    )


def _thumbnail_url(model: ModelFile) -> str | None:
    """Changes with the picture's time, so that browsers may keep what they have."""
    try:
        changed = model.thumbnail.stat().st_mtime_ns if model.thumbnail else None
    except OSError:
        return None
    if changed is None:
        return None
    return "/api/v1/models/thumbnail?" + urlencode({"kind": model.kind, "name": model.name, "v": changed})


def settings_fields(vaes: list[str]) -> list[FieldView]:
    """The form for one checkpoint; `vaes` are the names of the VAE files."""
    choices = {"vae": ["None", *vaes], "sampler_name": SAMPLER_NAMES, "scheduler": SCHEDULE_NAMES}
    parameters = [_parameter(name, choices.get(name, [])) for name in PARAMETERS]
    notes = describe(SettingsBody, "notes").model_copy(update={"kind": "lines"})
    return [*parameters, *(describe(SettingsBody, name) for name in ("prediction", "zero_snr")), notes]


def _parameter(name: str, choices: list[str]) -> FieldView:
    field = describe(GenerationParams, name)
    if not choices:
        return field.model_copy(update={"optional": True})
    return field.model_copy(update={"optional": True, "kind": "choice", "choices": choices})


def settings_values(settings: ModelSettings) -> dict[str, Any]:
    """What the form shows: null where the file is followed."""
    parameters = {name: settings.defaults.get(name) for name in PARAMETERS}
    rest = {"prediction": settings.prediction, "zero_snr": settings.zero_snr, "notes": settings.notes}
    return {**parameters, **rest}
