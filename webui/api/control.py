"""ControlNet: preprocessors, control types, and the maps that preprocessors make."""

from __future__ import annotations

import io
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from webui.api.bodies import ANY_SIZE, limited
from webui.api.turns import Turns
from webui.catalog.catalog import Catalog
from webui.catalog.control_models import control_models, goes_with
from webui.catalog.entry import Family, Kind, ModelFile
from webui.catalog.naming import best_match
from webui.guard import owner_of
from webui.imaging.preprocessors.control_types import CONTROL_TYPES, ControlType
from webui.imaging.preprocessors.preprocessor import Preprocessor, Slider
from webui.imaging.preprocessors.table import Preprocessors
from webui.inputs.allowance import Allowance
from webui.jobs.pictures import Pictures, Source, refused
from webui.params import InvalidParamsError
from webui.params.control import ControlResize, ControlUnit
from webui.params.generation import Side
from webui.params.image import PictureName

MAX_BODY = 96 * 2**20
MAX_PARTS = 100

Owner = Annotated[str, Depends(owner_of)]


class SliderView(BaseModel):
    """A number that a preprocessor heeds."""

    title: str
    default: float
    least: float
    most: float
    step: float


class PreprocessorView(BaseModel):
    """A preprocessor. `missing` says why it can't be used now; `steers`: it needs no model."""

    name: str
    title: str
    control_type: str
    threshold_a: SliderView | None
    threshold_b: SliderView | None
    has_resolution: bool
    needs_mask: bool
    steers: bool
    missing: str | None


class ControlModelView(BaseModel):
    """A model that units may name. `problem` says why it can't be used, or not with the checkpoint."""

    name: str
    kind: Kind
    family: Family
    union: bool
    problem: str | None


class ControlTypeView(BaseModel):
    """What stands under one control type, and what to begin with. Models with a problem come last."""

    modules: list[str]
    models: list[ControlModelView]
    default_module: str
    default_model: str


class Wanted(BaseModel):
    """A map that is wanted of a picture: fields as ControlNet units have them, for a picture of that size."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    image: PictureName = Field(min_length=1)
    mask: PictureName = ""
    module: str = Field(default=ControlUnit.model_fields["module"].default, max_length=200)
    processor_res: int = Field(default=512, ge=64, le=4096)
    threshold_a: float | None = None
    threshold_b: float | None = None
    pixel_perfect: bool = False
    resize_mode: ControlResize = "Crop and Resize"
    width: Side = 512
    height: Side = 512
    place: str = Field(default="", max_length=100)
    """Where it will be shown. Of what waits for the same place the newest is made."""

    def unit(self) -> ControlUnit:
        """The unit that would make it."""
        told = self.model_dump(exclude={"image", "mask", "width", "height", "place"})
        return ControlUnit.model_validate(told)


class MapView(BaseModel):
    """A map, kept as a picture that its owner has brought: `id` is what a unit's `image` takes."""

    id: str
    url: str
    width: int
    height: int


def build_control_router(catalog: Catalog, preprocessors: Preprocessors, pictures: Pictures) -> APIRouter:
    """The routes, over the services they call."""
    router = APIRouter(tags=["control"], max_body_size=2**20)

    @router.get("/api/v1/control/preprocessors")
    def listed() -> list[PreprocessorView]:  # pyright: ignore[reportUnusedFunction]
        """All preprocessors, those too that lack something."""
        return [_preprocessor(one) for one in preprocessors.all()]

    @router.get("/api/v1/control/types")
    def types(  # pyright: ignore[reportUnusedFunction]
        checkpoint: Annotated[str, Query(max_length=1000)] = "",
    ) -> dict[str, ControlTypeView]:
        """Preprocessors and models by control type. Models are matched to `checkpoint`, if one is named."""
        catalog.refresh(older_than=2)
        found = best_match(catalog.checkpoints(), checkpoint) if checkpoint else None
        models = [
            (file, goes_with(file, found) if found else file.problem) for file in control_models(catalog)
        ]
        models.sort(key=lambda pair: pair[1] is not None)
        return {kind.name: _type(kind, preprocessors, models) for kind in CONTROL_TYPES}

    _add_preview_route(router, preprocessors, pictures)
    return router


def _add_preview_route(router: APIRouter, preprocessors: Preprocessors, pictures: Pictures) -> None:
    large = APIRouter(route_class=limited(MAX_BODY, "The picture", MAX_PARTS), max_body_size=ANY_SIZE)
    turns = Turns()

    @large.post("/api/v1/control/preview", status_code=201)
    async def preview(wanted: Wanted, owner: Owner) -> MapView:  # pyright: ignore[reportUnusedFunction]
        """Make the map that a unit would steer by. Of one's maps that wait for a place the newest is made."""
        return await turns.run(owner, partial(_made, preprocessors, pictures, owner, wanted), wanted.place)

    router.include_router(large)


def _made(preprocessors: Preprocessors, pictures: Pictures, owner: str, wanted: Wanted) -> MapView:
    allowance = Allowance()

    def opened(field: str, name: str) -> Source:
        with refused(field):
            return pictures.find(owner, pictures.lasting(owner, name, allowance))

    image = opened("image", wanted.image)
    mask = opened("mask", wanted.mask) if wanted.mask else None
    with refused("image"):
        picture = image.read()
    with refused("mask"):
        masked = mask.read_mask() if mask else None
    try:
        made = preprocessors.maps(wanted.unit(), picture, masked, (wanted.width, wanted.height))
    except InvalidParamsError as error:
        raise InvalidParamsError("module", str(error)) from error
    kept = pictures.upload(owner, _png(made))
    return MapView(id=kept.id, url=f"/api/v1/uploads/{kept.id}", width=kept.width, height=kept.height)


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _preprocessor(one: Preprocessor) -> PreprocessorView:
    return PreprocessorView(
        name=one.name,
        title=one.title,
        control_type=one.control_type,
        threshold_a=_slider(one.threshold_a),
        threshold_b=_slider(one.threshold_b),
        has_resolution=one.has_resolution,
        needs_mask=one.needs_mask,
        steers=one.steers,
        missing=one.missing(),
    )


def _slider(slider: Slider | None) -> SliderView | None:
    return SliderView.model_validate(slider, from_attributes=True) if slider else None


def _type(
    kind: ControlType, preprocessors: Preprocessors, models: list[tuple[ModelFile, str | None]]
) -> ControlTypeView:
    modules = [one for one in preprocessors.all() if kind.has_module(one)]
    files = [(file, problem) for file, problem in models if kind.has_model(file.name, file.kind)]
    return ControlTypeView(
        modules=[one.name for one in modules],
        models=[_model(file, problem) for file, problem in files],
        default_module=kind.module([one.name for one in modules if one.missing() is None]),
        default_model=kind.model([file.name for file, problem in files if problem is None]),
    )


def _model(file: ModelFile, problem: str | None) -> ControlModelView:
    identity = file.identity
    return ControlModelView(
        name=file.name,
        kind=file.kind,
        family=identity.family,
        union=identity.variant == "union",
        problem=problem,
    )
