"""Work that is done one piece at a time."""

import threading

import anyio
import pytest
from fastapi import HTTPException

from webui.api.turns import MOST_OF_ONE, MOST_WAITING, Turns


class Asked:
    """Asks for turns while the first holds the only one, and notes what became of each."""

    def __init__(self):
        self.turns = Turns()
        self.go = threading.Event()
        self.done = []
        self.refused = []

    async def ask(self, owner, what, place=""):
        try:
            self.done.append(await self.turns.run(owner, lambda: self.go.wait(10) and what, place))
        except HTTPException as error:
            self.refused.append((what, error.status_code))

    def all(self, *wishes):
        async def run():
            async with anyio.create_task_group() as tasks:
                for wish in wishes:
                    tasks.start_soon(self.ask, *wish)
                    await anyio.sleep(0.01)
                self.go.set()

        anyio.run(run)


@pytest.fixture
def asked():
    return Asked()


def test_of_those_that_an_owner_waits_for_the_newest_is_made(asked):
    asked.all(("a", 1), ("a", 2), ("b", 3), ("a", 4), ("a", 5))
    assert asked.done == [1, 3, 5]
    assert asked.refused == [(2, 409), (4, 409)]


def test_each_place_has_its_own(asked):
    asked.all(("a", 1), ("a", 2, "one"), ("a", 3, "two"), ("a", 4, "one"))
    assert asked.done == [1, 3, 4]
    assert asked.refused == [(2, 409)]


def test_nobody_fills_the_queue_by_asking_for_many_places(asked):
    asked.all(*[("a", number, str(number)) for number in range(MOST_OF_ONE + 3)])
    assert asked.done == [0, *range(3, MOST_OF_ONE + 3)]


def test_one_owner_does_not_fill_the_queue_but_many_do(asked):
    asked.all(*[("a", 0)] * (MOST_WAITING + 5), *[(str(owner), owner) for owner in range(MOST_WAITING)])
    assert len(asked.done) == 1 + MOST_WAITING
    assert asked.refused[-1] == (MOST_WAITING - 1, 429)


def test_work_that_fails_gives_its_turn_on(asked):
    async def run():
        with pytest.raises(ZeroDivisionError):
            await asked.turns.run("a", lambda: 1 // 0)
        return await asked.turns.run("a", lambda: 5)

    assert anyio.run(run) == 5
