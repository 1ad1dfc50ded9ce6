"""Which device is chosen. What torch sees is set here, so that machines with and without a GPU agree."""

import pytest
import torch

from webui.config import Config
from webui.engine import devices
from webui.engine.protocol import EngineError


@pytest.fixture
def gpus(monkeypatch):
    def gpus(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    matmul = torch.backends.cuda.matmul
    before, matmul.allow_tf32 = matmul.allow_tf32, False
    yield gpus
    matmul.allow_tf32 = before


CPU = devices.Placement(torch.device("cpu"), torch.float32)


def test_the_cpu_draws_in_32_bits_where_there_is_no_gpu(gpus):
    gpus(0)
    assert devices.choose(Config()) == CPU


@pytest.mark.parametrize("device_id", [None, 0, 1])
def test_the_cpu_if_asked_for(gpus, device_id):
    gpus(1)
    assert devices.choose(Config(use_cpu=True, device_id=device_id)) == CPU


@pytest.mark.parametrize(("device_id", "index"), [(None, 0), (0, 0), (1, 1)])
def test_a_gpu_draws_in_16_bits(gpus, device_id, index):
    gpus(2)
    chosen = devices.choose(Config(device_id=device_id))
    assert chosen == devices.Placement(torch.device("cuda", index), torch.float16)
    assert torch.backends.cuda.matmul.allow_tf32


def test_no_half(gpus):
    gpus(1)
    assert devices.choose(Config(no_half=True)).dtype == torch.float32


@pytest.mark.parametrize("device_id", [2, -1])
def test_a_gpu_that_is_not_there(gpus, device_id):
    gpus(2)
    with pytest.raises(EngineError, match=rf"^There is no GPU number {device_id}; torch sees 2\.$"):
        devices.choose(Config(device_id=device_id))


def test_a_gpu_where_there_is_none(gpus):
    gpus(0)
    with pytest.raises(EngineError, match=r"^--device-id names a GPU, but torch sees none"):
        devices.choose(Config(device_id=0))
