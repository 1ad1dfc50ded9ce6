"""What spandrel reads: with a stand-in of it, since it isn't among the requirements."""

import sys
from types import SimpleNamespace

import pytest
import torch

from tests.engine.upscaling.weights import write
from webui.engine.protocol import EngineError
from webui.engine.upscaling import others
from webui.engine.upscaling.network import read_network


class Descriptor:
    """As spandrel's ImageModelDescriptor: it calls its network with pictures of any size."""

    def __init__(self, weights, channels=3):
        self.model = torch.nn.Linear(2, 2)
        self.scale, self.supports_half = 3, False
        self.input_channels, self.output_channels = 3, channels
        self.weights = weights

    def __call__(self, x):
        return x.repeat_interleave(3, 2).repeat_interleave(3, 3)


@pytest.fixture
def installed(monkeypatch):
    """Has `load` stand in for spandrel's loader."""

    def installed(load):
        loader = SimpleNamespace(load_from_state_dict=load)
        library = SimpleNamespace(ModelLoader=lambda device: loader, ImageModelDescriptor=Descriptor)
        monkeypatch.setitem(sys.modules, "spandrel", library)
        others.spandrel.cache_clear()

    yield installed
    others.spandrel.cache_clear()


@pytest.fixture
def swin(tmp_path):
    weights = {
        "module.conv_first.weight": torch.zeros(8, 3, 3, 3),
        "module.layers.0.norm.weight": torch.zeros(8),
    }
    return write(tmp_path / "SwinIR.pth", {"params": weights})


def test_it_reads_what_ours_does_not(installed, swin):
    installed(Descriptor)
    network = read_network(swin)
    assert (network.scale, network.channels, network.half) == (3, 3, False)
    assert network.run(torch.zeros(1, 3, 4, 5)).shape == (1, 3, 12, 15)
    assert sorted(network.run.weights) == ["conv_first.weight", "layers.0.norm.weight"]
    assert not network.module.training


def raising(_):
    raise ValueError("unsupported")


@pytest.mark.parametrize("load", [raising, lambda weights: Descriptor(weights, 1), lambda weights: object()])
def test_what_it_does_not_read_either_is_refused(installed, swin, load):
    installed(load)
    with pytest.raises(EngineError, match=r'^"SwinIR" is no upscaler that Darkroom or spandrel knows\.'):
        read_network(swin)


def test_where_it_can_not_be_imported_it_is_as_if_it_were_not_there(monkeypatch, tmp_path, swin, caplog):
    (tmp_path / "spandrel.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.delitem(sys.modules, "spandrel", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    others.spandrel.cache_clear()
    with pytest.raises(EngineError, match="install spandrel and torchvision"):
        read_network(swin)
    assert "can't be imported: operator torchvision::nms" in caplog.text
    others.spandrel.cache_clear()
