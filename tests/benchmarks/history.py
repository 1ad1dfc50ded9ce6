"""A history of 100,000 pictures: opening it, going far down, searching, and counting what there is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.benchmarks.result import Result
from tests.jobs.histories import MANY, Room, fill
from webui.api.history import build_history_router
from webui.guard import owner_of
from webui.settings import Settings

LIMIT = 0.3
"""Seconds that opening the history may take on the server's side."""
ROUNDS = 5
PAGE = "/api/v1/history?limit=100"
ASKED = {
    "open": PAGE,
    "the last page": f"{PAGE}&offset={MANY - 100}",
    "one checkpoint": f"{PAGE}&checkpoint=checkpoint%203",
    "a month": f"{PAGE}&since=2023-12-01&until=2023-12-31",
    "favourites": f"{PAGE}&favourite=true",
    "facets": "/api/v1/history/facets",
}
SEARCHES = {"a rare word": "number777", "a word of all": "masterpiece", "no word of any": "zebra"}


def run() -> Iterator[Result]:
    """Seconds for each whole answer, JSON and all."""
    with tempfile.TemporaryDirectory() as name:
        room = Room(Path(name), Settings())
        fill(room.store)
        app = FastAPI()
        app.include_router(build_history_router(room.history, room.thumbnails))
        app.dependency_overrides[owner_of] = lambda: "me"
        with TestClient(app) as client:
            for what, path in ASKED.items():
                took = _seconds(lambda path=path: client.get(path))
                yield Result(f"history: {what}", took, "s", LIMIT, 1.0)
            for what, word in SEARCHES.items():
                # Never the same search twice, which would be remembered.
                words = (f"{word}{' ' * number}" for number in range(1, ROUNDS + 1))
                took = _seconds(lambda words=words: client.get(PAGE, params={"limit": 100, "q": next(words)}))
                yield Result(f"history: {what}", took, "s", LIMIT, 1.0)
        took = _seconds(lambda: room.store.of_owner("me", 50, pictures=1))
        yield Result("history: 50 jobs", took, "s", LIMIT, 1.0)
        took = _seconds(lambda: room.store.prompts("me", "zebra", 50))
        yield Result("history: earlier prompts", took, "s", LIMIT, 1.0)
        room.store.close()


def _seconds(work: Callable[[], object]) -> float:
    """The quickest of a few: what else the machine does says nothing about the history."""
    times: list[float] = []
    for _ in range(ROUNDS):
        begun = perf_counter()
        work()
        times.append(perf_counter() - begun)
    return min(times)


BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {"history": run}
