"""Loaded parts: shared, kept while there is room, dropped when longest unused, never while in use."""

import gc
import threading
import weakref
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from torch import nn

from webui.engine.cache import Budget, PartCache
from webui.engine.held import Form, PartKey, Wanted

FORM = Form(torch.float32)
KILO = 4 * 256


class Maker:
    """Makes parts of a thousand bytes and counts how often."""

    def __init__(self):
        self.made: list[str] = []
        self.fails = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __call__(self, name: str, model: str = "m", form: Form = FORM) -> Wanted:
        def make(_: Form) -> nn.Module:
            self.made.append(name)
            assert self.may_go_on.wait(5)
            if self.fails:
                raise ValueError("it can't be made")
            return nn.Linear(256, 1, bias=False)

        return Wanted(PartKey(Path(model), "sd1", 0, name, form), model, make, lambda: KILO)


@pytest.fixture
def make():
    return Maker()


@pytest.fixture
def dropped():
    return []


@pytest.fixture
def cache(dropped):
    """Room for three parts."""
    return PartCache(torch.device("cpu"), lambda: Budget(3 * KILO), dropped.append)


def use(cache, *wanted):
    with cache.lease(wanted) as held:
        return {name: part.module for name, part in held.items()}


def names(cache):
    return {(part.model, part.part) for part in cache.residents()}


def test_a_part_is_made_once_and_shared(cache, make):
    first = use(cache, make("unet"), make("vae"))
    again = use(cache, make("unet"))
    assert again["unet"] is first["unet"]
    assert make.made == ["unet", "vae"]


def test_another_form_is_another_part(cache, make):
    first = use(cache, make("unet"))
    other = use(cache, make("unet").in_form(Form(torch.bfloat16)))
    assert other["unet"] is not first["unet"]


def test_beyond_the_budget_the_longest_unused_goes_first(cache, make, dropped):
    for name in "abc":
        use(cache, make(name))
    use(cache, make("a"))
    use(cache, make("d"))
    assert names(cache) == {("m", "a"), ("m", "c"), ("m", "d")}
    assert [key.part for key in dropped] == ["b"]


def test_what_is_dropped_is_gone_from_memory(cache, make):
    gone = weakref.ref(use(cache, make("a"))["a"])
    cache.unload()
    gc.collect()
    assert gone() is None


def test_what_is_in_use_is_never_dropped(cache, make):
    with ExitStack() as stack:
        for name in "abcd":
            stack.enter_context(cache.lease([make(name)]))
        assert len(cache.residents()) == 4  # more than the budget, since all are needed
        cache.unload()
        assert len(cache.residents()) == 4
        assert all(part.in_use for part in cache.residents())
    assert not any(part.in_use for part in cache.residents())


def test_what_was_used_last_stays_even_beyond_the_budget_until_something_else_comes(cache, make):
    first = use(cache, *(make(name) for name in "abcd"))
    assert use(cache, *(make(name) for name in "abcd")) == first
    use(cache, make("e"))
    assert names(cache) == {("m", "c"), ("m", "d"), ("m", "e")}


def test_unloading_one_model_leaves_the_others(cache, make):
    use(cache, make("unet", "one"), make("unet", "two"))
    use(cache, make("vae", "one"))
    cache.unload("one")
    assert names(cache) == {("two", "unet")}


def test_a_part_that_fails_is_tried_again(cache, make):
    make.fails = True
    with pytest.raises(ValueError, match="it can't be made"):
        use(cache, make("unet"))
    assert not cache.residents()
    make.fails = False
    assert use(cache, make("unet"))


def test_two_threads_that_want_the_same_part_get_one(cache, make):
    make.may_go_on.clear()
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(use(cache, make("unet"))["unet"])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    make.may_go_on.set()
    for thread in threads:
        thread.join(5)
    assert len(got) == 4
    assert len(set(map(id, got))) == 1
    assert make.made == ["unet"]


def test_what_is_loaded_can_be_used_while_something_else_loads(cache, make):
    use(cache, make("vae"))
    make.may_go_on.clear()
    loading = threading.Thread(target=use, args=(cache, make("unet")))
    loading.start()
    assert use(cache, make("vae"))
    assert [part.part for part in cache.residents()] == ["vae"]
    make.may_go_on.set()
    loading.join(5)


def test_there_is_room_beside_what_is_in_use_only(cache, make):
    assert cache.fits([make("a"), make("b"), make("c")])
    assert not cache.fits([make("a"), make("b"), make("c"), make("d")])
    use(cache, make("a"), make("b"), make("c"))
    assert cache.fits([make("d")])  # the others can go
    with cache.lease([make("a"), make("b"), make("c")]):
        assert not cache.fits([make("d")])
        assert cache.fits([make("a")])


def test_residents_tell_size_and_place(cache, make):
    use(cache, make("unet", "one"))
    (part,) = cache.residents()
    assert (part.model, part.part, part.size, part.place) == ("one", "unet", KILO, "RAM")
