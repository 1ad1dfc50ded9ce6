"""A dataset, and runs on the demo model that take seconds."""

from dataclasses import replace

import pytest
import torch
from PIL import Image, ImageDraw

from tests.conftest import Recorder
from webui.engine.devices import Placement
from webui.engine.protocol import Order, Training, TrainingPicture
from webui.params import GenerationParams
from webui.params.training import TrainParams
from webui.training.trainer import train

CPU = Placement(torch.device("cpu"), torch.float32)
SMALL = {"batch_size": 2, "rank": 2, "resolution": 64, "learning_rate": 1e-3, "sample_every": 0}
SAMPLE = {"width": 64, "height": 64, "steps": 3, "cfg_scale": 4.0}


class Stopping(Recorder):
    """Says stop once so many steps are done."""

    def __init__(self, after=None):
        super().__init__()
        self.after = after

    def interrupted(self):
        return bool(self.steps) and self.steps[-1][1] == self.after


@pytest.fixture(scope="session")
def examples(tmp_path_factory):
    """Pictures of discs, none square and one of them tall, and what is said of them."""
    folder, found = tmp_path_factory.mktemp("dataset"), []
    for number, colour in enumerate(("red", "green", "blue")):
        image = Image.new("RGB", (96 - 20 * number, 80 + 10 * number), "white")
        ImageDraw.Draw(image).ellipse((10, 10, 50, 50), fill=colour)
        image.save(folder / f"{number}.png")
        found.append(TrainingPicture(folder / f"{number}.png", f"{colour} heart, flat style"))
    return tuple(found)


@pytest.fixture
def trained(tmp_path, demo, examples):
    """Does a run: `trained(name, observer=None, **fields of TrainParams)`; the Training and the observer."""

    def trained(name="dots", observer=None, checkpoint=demo, sample=None, **fields):
        wanted = TrainParams(**{"name": name, "dataset": "x", "steps": 4, **SMALL, **fields})
        params = GenerationParams(**{**SAMPLE, "prompt": "red heart", "train": wanted, **(sample or {})})
        training = Training(
            Order(params, checkpoint, 5), wanted, examples, tmp_path / name, tmp_path / f"{name}.safetensors"
        )
        observer = observer or Recorder()
        train(training, CPU, observer)
        return training, observer

    return trained


def again(training, **fields):
    """The same run, asked for otherwise."""
    return replace(training, train=training.train.model_copy(update=fields))
