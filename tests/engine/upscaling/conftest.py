"""Upscalers of random weights, in files."""

import pytest
import torch

from tests.engine.upscaling.weights import compact, esrgan, write
from webui.engine.devices import Placement
from webui.engine.upscaling.upscalers import Upscalers
from webui.settings import SettingsStore

CPU = Placement(torch.device("cpu"), torch.float32)


@pytest.fixture
def four(tmp_path):
    """Enlarges four times; sees 9 pixels in each direction."""
    return write(tmp_path / "4x_small.pth", compact(convolutions=3))


@pytest.fixture
def two(tmp_path):
    return write(tmp_path / "2x_small.pth", esrgan(doublings=1, blocks=1))


@pytest.fixture
def one(tmp_path):
    """Cleans, and leaves the size."""
    return write(tmp_path / "1x_small.pth", compact(convolutions=1, scale=1))


@pytest.fixture
def store(tmp_path):
    return SettingsStore(tmp_path / "settings.json")


@pytest.fixture
def upscalers(store):
    return Upscalers(lambda: CPU, store, lambda: None)
