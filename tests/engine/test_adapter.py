"""What adapters have in common: they leave no trace."""

import pytest
from torch import nn

from tests.engine.networks import state
from webui.engine.adapter import Adapter


class Marked(Adapter):
    """Marks a layer, hooks it, and fails if told to."""

    def __init__(self, layer, mark, fails=False):
        super().__init__()
        self.layer, self.mark, self.fails = layer, mark, fails

    def _change(self):
        self._set(self.layer, mark=self.mark, forward=lambda x: x * self.mark)
        self._hook(self.layer.register_forward_pre_hook(lambda *_: None))
        if self.fails:
            raise RuntimeError("no memory")


@pytest.fixture
def layer():
    return nn.Identity()


def test_what_it_changed_is_as_before(layer):
    layer.mark = 5
    before = state(layer)
    with Marked(layer, 2):
        assert layer(3) == 6
        assert layer.mark == 2
    assert layer(3) == 3
    assert state(layer) == before


def test_it_can_be_put_on_again_and_taken_off_twice(layer):
    before, adapter = state(layer), Marked(layer, 2)
    for _ in range(2):
        adapter.inject()
        assert layer(3) == 6
        adapter.eject()
    adapter.eject()
    assert state(layer) == before


def test_one_above_the_other_comes_off_alone(layer):
    with Marked(layer, 2):
        with Marked(layer, 7):
            assert layer(3) == 21
        assert layer(3) == 6
    assert "forward" not in vars(layer)


def test_an_exception_takes_it_off(layer):
    before = state(layer)
    with pytest.raises(KeyError), Marked(layer, 2):
        raise KeyError
    assert state(layer) == before


def test_one_that_fails_halfway_changes_nothing(layer):
    before = state(layer)
    with pytest.raises(RuntimeError), Marked(layer, 2, fails=True):
        pass
    assert state(layer) == before
