"""Which network of a pipeline is on the device, seen from outside: no GPU is needed to take turns."""

from contextlib import contextmanager

import pytest
import torch
from torch import nn

from webui.engine.general.placing import placed

GPU = torch.device("cuda", 0)


@pytest.fixture
def networks():
    return {"text_encoder": nn.Linear(2, 2), "transformer": nn.Linear(2, 2)}


@pytest.fixture
def told():
    return []


@pytest.fixture
def on_device(told):
    @contextmanager
    def on_device(part):
        told.append(f"{part} comes")
        yield
        told.append(f"{part} goes")

    return on_device


def test_whoever_works_is_on_the_device_and_alone(networks, on_device, told):
    x = torch.ones(1, 2)
    with placed(networks, GPU, on_device):
        networks["text_encoder"](x)
        networks["text_encoder"](x)
        networks["transformer"](x)
    assert told == ["text_encoder comes", "text_encoder goes", "transformer comes", "transformer goes"]


def test_pipelines_find_the_device(networks, on_device):
    with placed(networks, GPU, on_device):
        assert {network._hf_hook.execution_device for network in networks.values()} == {GPU}


def test_nothing_is_left_behind(networks, on_device, told):
    before = {part: set(vars(network)) for part, network in networks.items()}
    with pytest.raises(RuntimeError), placed(networks, GPU, on_device):
        networks["transformer"](torch.ones(1, 3))
    assert told == ["transformer comes", "transformer goes"]
    for part, network in networks.items():
        assert not hasattr(network, "_hf_hook")
        assert set(vars(network)) - before[part] <= {"forward"}


def test_on_a_cpu_nothing_need_be_moved(networks, on_device, told):
    with placed(networks, torch.device("cpu"), on_device):
        networks["transformer"](torch.ones(1, 2))
    assert not told
