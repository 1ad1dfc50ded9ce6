"""Training runs: what suits a checkpoint, what there is, and how the loss went."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel

from webui.api.fields import FieldView, ToldRoute, describe
from webui.api.native import Created
from webui.catalog.catalog import Catalog
from webui.guard import owner_of
from webui.jobs.service import Jobs
from webui.jobs.training import RunView, Trainings, suited, untrainable
from webui.params import GenerationParams, InvalidParamsError
from webui.params.training import TrainKind, TrainParams
from webui.training.runs import thinned

MAX_BODY = 2**20
Owner = Annotated[str, Depends(owner_of)]


class DefaultsView(BaseModel):
    """What suits a checkpoint: fields to train with, and fields of the sample pictures.

    `fields` describe what `train` can hold, which lacks the names: these are people's to choose. `problem`
    says why the checkpoint can't be trained, if so.
    """

    checkpoint: str
    usable: bool
    problem: str | None
    fields: list[FieldView]
    train: dict[str, Any]
    sample: dict[str, Any]


def build_training_router(jobs: Jobs, trainings: Trainings, catalog: Catalog) -> APIRouter:
    """The routes, over the services they call."""
    router = APIRouter(
        prefix="/api/v1/training", max_body_size=MAX_BODY, route_class=ToldRoute, tags=["training"]
    )

    @router.get("")
    def listed(owner: Owner) -> list[RunView]:  # pyright: ignore[reportUnusedFunction]
        """All runs, the newest first."""
        return jobs.training_runs(owner)

    @router.post("", status_code=201)
    def begin(params: GenerationParams, owner: Owner) -> Created:  # pyright: ignore[reportUnusedFunction]
        """Queue a run, or go on with one: a job with `train`, whose other fields say how samples look."""
        if params.train is None:
            raise InvalidParamsError("train", "Say what is to be trained: `train` is missing.")
        return Created(id=jobs.submit(owner, params).id)

    @router.get("/defaults")
    def defaults(  # pyright: ignore[reportUnusedFunction]
        checkpoint: str = "", kind: TrainKind | Literal[""] = ""
    ) -> DefaultsView:
        """What suits a checkpoint and what is made of it; without a name, the default one, and a LoRA."""
        return _defaults(catalog, checkpoint, kind or "LoRA")

    @router.get("/{name}/losses")
    def losses(  # pyright: ignore[reportUnusedFunction]
        name: str, points: Annotated[int, Query(ge=1, le=100_000)] = 1000
    ) -> list[tuple[int, float]]:
        """[step, loss] pairs of a run, thinned by averaging to at most `points`."""
        run = trainings.run(name)
        if run is None:
            raise HTTPException(404, f'There is no training run "{name[:100]}" yet.')
        return thinned(run.losses(), points)

    return router


def _defaults(catalog: Catalog, name: str, kind: TrainKind) -> DefaultsView:
    checkpoint = catalog.find(name)
    problem = untrainable(checkpoint)
    given = {"name": "x", "dataset": "x", "kind": kind, **suited(checkpoint, kind)}
    train = TrainParams.model_validate(given).model_dump(exclude={"name", "dataset"})
    return DefaultsView(
        checkpoint=checkpoint.name,
        usable=problem is None,
        problem=problem,
        fields=[describe(TrainParams, name) for name in TrainParams.model_fields],
        train=train,
        sample=checkpoint.defaults,
    )
