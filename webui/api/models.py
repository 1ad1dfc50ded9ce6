"""The models: what there is, what is set for each, what is in memory."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field, ValidationError

from webui.api.fields import FormView, refused
from webui.api.model_views import (
    PARAMETERS,
    ModelView,
    SettingsBody,
    settings_fields,
    settings_values,
    view,
    views,
)
from webui.catalog.catalog import Catalog
from webui.catalog.entry import Kind, ModelFile, ModelSettings
from webui.engine.protocol import Engine, EngineError, MemoryReport, Order
from webui.engine.samplers.table import find_sampler, find_schedule
from webui.jobs.worker import Worker
from webui.params import GenerationParams, InvalidParamsError

MAX_BODY = 2**16
CACHE_THUMBNAILS = "private, max-age=604800"


class Named(BaseModel):
    """Which checkpoint."""

    name: Annotated[str, Field(max_length=1000)]


class MaybeNamed(BaseModel):
    """Which model; null: all."""

    name: Annotated[str, Field(max_length=1000)] | None = None


def build_models_router(catalog: Catalog, worker: Worker) -> APIRouter:
    """The routes, over the catalog and the worker's engine."""
    router = APIRouter(max_body_size=MAX_BODY, tags=["models"])
    _add_list_routes(router, catalog)
    _add_settings_routes(router, catalog)
    _add_memory_routes(router, catalog, worker)
    return router


def _add_list_routes(router: APIRouter, catalog: Catalog) -> None:
    @router.get("/api/v1/models")
    def listed(kind: Kind | None = None) -> list[ModelView]:  # pyright: ignore[reportUnusedFunction]
        """What was in the model folders when they were last read."""
        return views(catalog, kind)

    @router.post("/api/v1/models/refresh")
    def refresh() -> list[ModelView]:  # pyright: ignore[reportUnusedFunction]
        """Read the model folders again."""
        catalog.refresh()
        return views(catalog)

    @router.get("/api/v1/models/thumbnail")
    def thumbnail(name: str, kind: Kind = "checkpoint") -> FileResponse:  # pyright: ignore[reportUnusedFunction]
        """The picture that lies beside the model."""
        path = known(catalog, name, kind).thumbnail
        if path is None or not path.is_file():
            raise HTTPException(404, f'There is no picture beside "{name}".')
        return FileResponse(path, headers={"Cache-Control": CACHE_THUMBNAILS})


def _add_settings_routes(router: APIRouter, catalog: Catalog) -> None:
    @router.get("/api/v1/models/settings")
    def read(name: str) -> FormView:  # pyright: ignore[reportUnusedFunction]
        """What is set for the checkpoint `name`, and what can be."""
        model = known(catalog, name)
        return FormView(
            fields=settings_fields([vae.name for vae in catalog.vaes()]),
            values=settings_values(model.settings),
            defaults=settings_values(ModelSettings()),
        )

    @router.put("/api/v1/models/settings")
    def change(name: str, body: SettingsBody) -> ModelView:  # pyright: ignore[reportUnusedFunction]
        """Set all of it anew for the checkpoint `name`."""
        model = known(catalog, name)
        settings = _checked(catalog, model, body.value())
        try:
            return view(catalog, catalog.configure(model.name, settings))
        except OSError as error:
            raise HTTPException(507, f"The settings can't be kept: {error}.") from error


def _checked(catalog: Catalog, model: ModelFile, settings: ModelSettings) -> ModelSettings:
    """The settings with proper names of VAE, sampler and schedule type.

    Raises:
        RequestValidationError, InvalidParamsError: a value can't be used.
    """
    for name in settings.defaults.keys() - set(PARAMETERS):
        unknown = {"type": "extra_forbidden", "loc": ("body", "defaults", name), "msg": ""}
        raise RequestValidationError([unknown])
    try:
        defaults = GenerationParams.model_validate(settings.defaults).model_dump(include={*settings.defaults})
    except ValidationError as error:
        raise refused(GenerationParams, error) from error
    if "sampler_name" in defaults:
        defaults["sampler_name"] = find_sampler(defaults["sampler_name"]).name
    if "scheduler" in defaults:
        defaults["scheduler"] = find_schedule(defaults["scheduler"])
    if vae := "vae" in defaults and catalog.find_vae(defaults["vae"], model):
        defaults["vae"] = vae.name
    return ModelSettings(defaults, settings.prediction, settings.zero_snr, settings.notes)


def _add_memory_routes(router: APIRouter, catalog: Catalog, worker: Worker) -> None:
    @router.get("/api/v1/memory")
    def memory() -> MemoryReport | None:  # pyright: ignore[reportUnusedFunction]
        """What is loaded, and how much room there is, in bytes; null until the engine has started."""
        return worker.engine.memory() if worker.engine else None

    @router.post("/api/v1/models/load")
    def load(body: Named) -> MemoryReport:  # pyright: ignore[reportUnusedFunction]
        """Read a checkpoint into memory; answers once it is there."""
        model = catalog.find(body.name)
        params = GenerationParams(checkpoint=model.name).completed(model.defaults)
        vae = catalog.find_vae(params.vae, model)
        engine = _engine(worker)
        try:
            engine.load(Order(params, model, seed=0, vae=vae))
        except EngineError as error:
            raise HTTPException(422, str(error)) from error
        return engine.memory()

    @router.post("/api/v1/models/unload")
    def unload(body: MaybeNamed) -> MemoryReport:  # pyright: ignore[reportUnusedFunction]
        """Let go what is loaded of a model, or of all, as far as no picture is being drawn with it."""
        engine = _engine(worker)
        loaded = {resident.model for resident in engine.memory().residents}
        name = body.name
        if name is not None and name not in loaded:
            # What is loaded may be gone from the folders; what isn't must be named as elsewhere.
            name = (catalog.get(name, "vae") or known(catalog, name)).name
        engine.unload(name)
        return engine.memory()


def known(catalog: Catalog, name: str, kind: Kind = "checkpoint") -> ModelFile:
    """The model of that name; a checkpoint also by what else names it.

    Raises:
        HTTPException: 404, there is none.
    """
    if model := catalog.get(name, kind):
        return model
    if kind == "checkpoint" and name:
        with suppress(InvalidParamsError):
            return catalog.find(name)
    raise HTTPException(404, f'There is no {kind} "{name}". Press refresh to read the folders again.')


def _engine(worker: Worker) -> Engine:
    if worker.engine is None:
        raise HTTPException(503, f"The engine isn't there yet: {worker.status.detail}.")
    return worker.engine
