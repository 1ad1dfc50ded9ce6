"""What helps to write prompts: styles, wildcards, completions, one's earlier prompts, and a preview."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from webui.api.fields import refused
from webui.catalog.catalog import Catalog
from webui.catalog.control_models import NAMES as FAMILIES
from webui.catalog.entry import Kind
from webui.catalog.naming import called
from webui.guard import owner_of
from webui.jobs.service import Jobs
from webui.params import MAX_PROMPT, MAX_SEED, GenerationParams
from webui.prompting.book import PromptBook
from webui.prompting.completions import Completion, Completions
from webui.prompting.completions_networks import Network, NetworkKind
from webui.prompting.prepared import PicturePrompt
from webui.prompting.styles import Style
from webui.prompting.styles_store import MAX_NAME, StyleStore, StyleTakenError, UnknownStyleError
from webui.prompting.wildcards import UnknownWildcardError, WildcardInfo, Wildcards

MAX_BODY = 2**20
NETWORKS: dict[Kind, NetworkKind] = {"lora": "lora", "embedding": "embedding", "hypernetwork": "network"}

Owner = Annotated[str, Depends(owner_of)]
Text = Annotated[str, Field(max_length=MAX_PROMPT)]
Searched = Annotated[str, Query(max_length=200)]


class StyleView(BaseModel):
    """A style. One that isn't `editable` is in another program's file."""

    name: str
    prompt: str
    negative_prompt: str
    editable: bool


class StyleBody(BaseModel):
    """What a style is to be. `name`: what it is to be called from now on; null: as it is."""

    model_config = ConfigDict(extra="forbid")

    prompt: Text = ""
    negative_prompt: Text = ""
    name: Annotated[str, Field(max_length=MAX_NAME)] | None = None


class WildcardView(BaseModel):
    """A wildcard's first texts. `count`: how many it has in all."""

    name: str
    count: int
    lines: list[str]


class PastPromptView(BaseModel):
    """Prompts that were drawn with. `created` is when they were last, in seconds since 1970."""

    prompt: str
    negative_prompt: str
    created: float


class PreviewBody(BaseModel):
    """Prompts as they are written, and for how many seeds from `seed` on to tell what becomes of them."""

    model_config = ConfigDict(extra="forbid")

    prompt: str = ""
    negative_prompt: str = ""
    styles: list[str] = []
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    count: int = Field(default=1, ge=1, le=50)


class PreviewedView(BaseModel):
    """What one picture is drawn from."""

    seed: int
    prompt: str
    negative_prompt: str


class PreviewView(BaseModel):
    """What becomes of prompts, and what there is to say about it."""

    prompts: list[PreviewedView]
    notices: list[str]


def networks(catalog: Catalog) -> Iterator[Network]:
    """The usable files that a prompt can name, by the names that A1111 gives them."""
    for kind, told in NETWORKS.items():
        usable = [model for model in catalog.files(kind) if model.problem is None]
        names = called(usable)
        for model in usable:
            usage, family = model.usage, model.identity.family
            said = FAMILIES[family] if family else ""
            yield Network(told, names[model.name], said, usage.weight, usage.activation)


def build_prompts_router(book: PromptBook, completions: Completions, jobs: Jobs) -> APIRouter:
    """The routes, over the services they call."""
    router = APIRouter(max_body_size=MAX_BODY, tags=["prompts"])
    _add_style_routes(router, book.styles)
    _add_wildcard_routes(router, book.wildcards)
    _add_writing_routes(router, book, completions, jobs)
    return router


def _add_style_routes(router: APIRouter, styles: StyleStore) -> None:
    @router.get("/api/v1/styles")
    def listed() -> list[StyleView]:  # pyright: ignore[reportUnusedFunction]
        """All styles. Everyone on this server has the same."""
        return [_style_view(style) for style in styles.listed()]

    @router.get("/api/v1/styles/{name:path}")
    def get(name: str) -> StyleView:  # pyright: ignore[reportUnusedFunction]
        """One style."""
        with _style_errors("read"):
            return _style_view(styles.get(name))

    @router.put("/api/v1/styles/{name:path}")
    def put(name: str, body: StyleBody) -> StyleView:  # pyright: ignore[reportUnusedFunction]
        """Keep a style, as a new one or in place of the one of that name; with `name` also rename it."""
        was = None if body.name is None else name
        with _style_errors("kept"):
            return _style_view(styles.save(body.name or name, body.prompt, body.negative_prompt, was))

    @router.delete("/api/v1/styles/{name:path}", status_code=204)
    def delete(name: str) -> None:  # pyright: ignore[reportUnusedFunction]
        """Forget a style."""
        with _style_errors("deleted"):
            styles.delete(name)


@contextmanager
def _style_errors(done: str) -> Generator[None]:
    """What the store raises as HTTP answers; `done` is what could not be done with the style."""
    try:
        yield
    except UnknownStyleError as error:
        raise HTTPException(404, f'There is no style "{error.args[0]}".') from error
    except StyleTakenError as error:
        raise HTTPException(409, str(error)) from error
    except OSError as error:
        raise HTTPException(507, f"The style can't be {done}: {error}.") from error


def _style_view(style: Style) -> StyleView:
    return StyleView(
        name=style.name,
        prompt=style.prompt,
        negative_prompt=style.negative_prompt,
        editable=style.editable,
    )


def _add_wildcard_routes(router: APIRouter, wildcards: Wildcards) -> None:
    @router.get("/api/v1/wildcards")
    def listed() -> list[WildcardInfo]:  # pyright: ignore[reportUnusedFunction]
        """All wildcards: names for `__name__`, and how many texts each has."""
        return wildcards.listed()

    @router.get("/api/v1/wildcards/{name:path}")
    def get(name: str, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> WildcardView:  # pyright: ignore[reportUnusedFunction]
        """The first texts of a wildcard."""
        try:
            lines, count = wildcards.first(name, limit), wildcards.count(name)
        except UnknownWildcardError as error:
            raise HTTPException(404, f'There is no wildcard "{name}".') from error
        return WildcardView(name=name, count=count, lines=lines)


def _add_writing_routes(router: APIRouter, book: PromptBook, completions: Completions, jobs: Jobs) -> None:
    @router.get("/api/v1/completions")
    def complete(  # pyright: ignore[reportUnusedFunction]
        q: Searched, limit: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> list[Completion]:
        """What the word `q` of a prompt could become, the best first. `insert` takes its place.

        `<` and `<lora:` find networks, `__` wildcards; anything else finds all that has such a name.
        """
        return completions.search(q, limit)

    @router.get("/api/v1/prompt-history")
    def history(  # pyright: ignore[reportUnusedFunction]
        owner: Owner, q: Searched = "", limit: Annotated[int, Query(ge=1, le=500)] = 50
    ) -> list[PastPromptView]:
        """One's own earlier prompts that hold `q`, each once, newest first."""
        return [
            PastPromptView(prompt=past.prompt, negative_prompt=past.negative_prompt, created=past.created)
            for past in jobs.prompts(owner, q, limit)
        ]

    @router.post("/api/v1/prompts/preview")
    def preview(body: PreviewBody) -> PreviewView:  # pyright: ignore[reportUnusedFunction]
        """What prompts become with styles and wildcards, for some seeds. Nothing is drawn."""
        return _previewed(book, body)


def _previewed(book: PromptBook, body: PreviewBody) -> PreviewView:
    try:
        params = GenerationParams(
            prompt=body.prompt, negative_prompt=body.negative_prompt, styles=tuple(body.styles)
        )
    except ValidationError as error:
        raise refused(GenerationParams, error) from error
    seeds = range(body.seed, body.seed + body.count)
    prepared = book.prepare(params, seeds)
    plain = PicturePrompt(body.prompt, body.negative_prompt)
    prompts = prepared.prompts or (plain,) * len(seeds)
    told = [
        PreviewedView(seed=seed, prompt=prompt.prompt, negative_prompt=prompt.negative)
        for seed, prompt in zip(seeds, prompts, strict=True)
    ]
    return PreviewView(prompts=told, notices=list(prepared.notices))
