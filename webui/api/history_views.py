"""What the API tells of the history, and how it is told which pictures are meant."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from webui.api.job_views import image_url
from webui.infotext.pairs import split
from webui.inputs.names import Finished, read_name
from webui.jobs.history import History
from webui.jobs.history_entries import Entry
from webui.jobs.history_facets import Facets
from webui.jobs.lineage import Lineage, Way
from webui.jobs.model import PictureKind

MAX_NAMES = 1000
MAX_PROMPT = 1000
"""Signs of a prompt that are told in a list."""


def name_problem(name: str) -> str | None:
    """What is wrong with a picture's name."""
    if isinstance(read_name(name), Finished):
        return None
    return f'"{name[:50]}" names no finished picture. Their names are <job>/<number>.'


def _checked(name: str) -> str:
    if problem := name_problem(name):
        raise ValueError(problem)
    return name


Name = Annotated[str, Field(max_length=50), AfterValidator(_checked)]


class NamesBody(BaseModel):
    """Pictures, as "<job>/<number>"."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[Name], Field(max_length=MAX_NAMES)]


class FavouriteBody(NamesBody):
    """Pictures, and whether they are favourites from now on."""

    favourite: bool = True


class EmptyBody(BaseModel):
    """Pictures in the trash; null: all of them."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[Name], Field(max_length=MAX_NAMES)] | None


class CountView(BaseModel):
    """How many pictures were changed. Those that are already gone don't count."""

    count: int


class HistoryView(BaseModel):
    """A finished picture. `created` and `trashed` are in seconds since 1970; `trashed` is null if it isn't.

    `gone`: its file has been moved or deleted. Its size is 0 until it is known; a long prompt is cut off.
    """

    id: str
    url: str
    thumbnail: str
    width: int
    height: int
    seed: int
    prompt: str
    checkpoint: str
    created: float
    kind: PictureKind
    favourite: bool
    trashed: float | None
    gone: bool
    parents: list[str]


class PageView(BaseModel):
    """Some pictures, and how many there are in all."""

    total: int
    pictures: list[HistoryView]


class NodeView(BaseModel):
    """A picture in a line of descent; null: it has been deleted."""

    id: str
    picture: HistoryView | None


class EdgeView(BaseModel):
    """How one picture became another."""

    parent: str
    child: str
    way: Way


class LineageView(BaseModel):
    """Ancestors and descendants, oldest first, the picture among them. `more`: there are others beyond."""

    nodes: list[NodeView]
    edges: list[EdgeView]
    more: bool


class DetailView(HistoryView):
    """A picture and all that is known of it."""

    negative_prompt: str
    infotext: str
    lineage: LineageView


class CountedView(BaseModel):
    """A name, and how many pictures there are of it."""

    name: str
    count: int


class FacetsView(BaseModel):
    """What there is to choose from. Days are the server's, as 2030-01-31, newest first."""

    checkpoints: list[CountedView]
    days: list[CountedView]
    total: int
    favourites: int
    trash: int


def view(history: History, entry: Entry) -> HistoryView:
    """What a list tells of a picture."""
    return HistoryView(**_told(history, entry, split(entry.picture.infotext).prompt[:MAX_PROMPT]))


def detail(history: History, entry: Entry, lineage: Lineage) -> DetailView:
    """All that is told of a picture."""
    said = split(entry.picture.infotext)
    return DetailView(
        **_told(history, entry, said.prompt),
        negative_prompt=said.negative,
        infotext=entry.picture.infotext,
        lineage=LineageView(
            nodes=[
                NodeView(id=name, picture=view(history, known) if known else None)
                for name, known in lineage.pictures.items()
            ],
            edges=[EdgeView(parent=edge.parent, child=edge.child, way=edge.way) for edge in lineage.edges],
            more=lineage.more,
        ),
    )


def _told(history: History, entry: Entry, prompt: str) -> dict[str, Any]:
    picture, own = entry.picture, f"/api/v1/history/{entry.id}"
    # Where jobs serve their pictures the page may have it already; what is in the trash is none of a job's.
    in_job = image_url(entry.job, picture.number)
    return {
        "id": entry.id,
        "url": in_job if entry.trashed is None else f"{own}/image",
        "thumbnail": f"{own}/thumbnail",
        "width": picture.width,
        "height": picture.height,
        "seed": picture.seed,
        "prompt": prompt,
        "checkpoint": entry.checkpoint,
        "created": picture.created,
        "kind": picture.kind,
        "favourite": entry.favourite,
        "trashed": entry.trashed,
        "gone": history.path(entry) is None,
        "parents": list(picture.parents),
    }


def facets_view(facets: Facets) -> FacetsView:
    """What the API tells of what there is to choose from."""
    return FacetsView(
        checkpoints=[CountedView(name=name, count=count) for name, count in facets.checkpoints],
        days=[CountedView(name=name, count=count) for name, count in facets.days],
        total=facets.total,
        favourites=facets.favourites,
        trash=facets.trash,
    )
