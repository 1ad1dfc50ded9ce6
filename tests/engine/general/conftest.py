"""Tiny models, saved, loaded and made ready once each."""

import numpy as np
import pytest
import torch

from tests.engine.general import tiny
from webui.catalog.entry import ModelFile
from webui.engine.general import loading
from webui.engine.general.decoders import preview_decoder
from webui.engine.general.studio import GeneralStudio
from webui.engine.protocol import Order
from webui.infotext import ModelIdentity
from webui.params import GenerationParams

IDENTITY = ModelIdentity("tiny", "0123456789")


class Recorder:
    """An observer that keeps all it is told. `interrupt_at` and `skip_at` are (batch, step)."""

    def __init__(self, *, watched=False, interrupt_at=None, skip_at=None):
        self.watched, self.interrupt_at, self.skip_at = watched, interrupt_at, skip_at
        self.phases, self.steps, self.notices, self.previews, self.pictures = [], [], [], [], []

    def phase(self, text):
        self.phases.append(text)

    def step(self, iteration, step, steps):
        self.steps.append((iteration, step, steps))

    def notice(self, text):
        self.notices.append(text)

    def wants_preview(self):
        return self.watched

    def preview(self, jpegs):
        self.previews.append(jpegs)

    def picture(self, picture):
        self.pictures.append(picture)

    def interrupted(self):
        return self.steps[-1:] != [] and self.steps[-1][:2] == self.interrupt_at

    def skipped(self):
        return self.steps[-1][:2] == self.skip_at

    @property
    def bytes(self):
        return [picture.image.tobytes() for picture in self.pictures]

    @property
    def images(self):
        return [np.asarray(picture.image).astype(int) for picture in self.pictures]


class Tiny:
    """A model of one family, loaded from its folder as the engine does it."""

    def __init__(self, family, folder):
        tiny.save(family, folder / family)
        self.file = ModelFile(family, folder / family, folder=True)
        self.modules = {name: make(torch.float32) for name, make in loading.parts(self.file).items()}
        self.pipeline = loading.build(self.file, self.modules)
        self.decoder = preview_decoder(self.pipeline, folder / "previews")
        self.studio = GeneralStudio(self.pipeline, lambda: IDENTITY, self.decoder)

    def order(self, seed=7, **fields):
        few = {"prompt": "a red cat", "width": 64, "height": 64, "steps": 2, "cfg_scale": 3.0}
        return Order(GenerationParams(**{**few, **fields}), self.file, seed)

    def draw(self, observer=None, already=0, **fields):
        observer = observer or Recorder()
        self.studio.draw(self.order(**fields), observer, already)
        return observer


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """The model of a family: `models("flux")`."""
    loaded = {}

    def model(family):
        if family not in loaded:
            loaded[family] = Tiny(family, tmp_path_factory.mktemp("models"))
        return loaded[family]

    return model
