"""What the tests share: the demo model, loaded once, and an observer that keeps what it is told."""

import shutil
from dataclasses import replace
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image

from tests.loading import load
from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.config import BUILT_IN_CHECKPOINTS, Config
from webui.engine.generation import ClassicStudio
from webui.engine.local import LocalEngine
from webui.engine.model import Model
from webui.engine.protocol import Order, Picture
from webui.params import GenerationParams
from webui.settings import SettingsStore

DEMO = "darkroom-demo"
PROMPT = "panda, 3d style, white background"

# How long an example takes says more about who shares the machine than about the code.
hypothesis.settings.register_profile("darkroom", deadline=None, print_blob=True)
hypothesis.settings.load_profile("darkroom")


class Recorder:
    """An observer that keeps all it is told. `interrupt_at` and `skip_at` are (batch, step)."""

    def __init__(self, *, watched=False, interrupt_at=None, skip_at=None):
        self.watched, self.interrupt_at, self.skip_at = watched, interrupt_at, skip_at
        self.phases: list[str] = []
        self.notices: list[str] = []
        self.steps: list[tuple[int, int, int]] = []
        self.previews: list[list[bytes]] = []
        self.pictures: list[Picture] = []

    def phase(self, text):
        self.phases.append(text)

    def notice(self, text):
        self.notices.append(text)

    def step(self, iteration, step, steps):
        self.steps.append((iteration, step, steps))

    def wants_preview(self):
        return self.watched

    def preview(self, jpegs):
        self.previews.append(jpegs)

    def picture(self, picture):
        self.pictures.append(picture)

    def interrupted(self):
        return self._at() == self.interrupt_at

    def skipped(self):
        wished = self._at() == self.skip_at
        if wished:
            self.skip_at = (0, 0)  # asking takes the wish back
        return wished

    def _at(self):
        return self.steps[-1][:2] if self.steps else (0, 0)

    @property
    def images(self):
        return [pixels(picture.image) for picture in self.pictures]


def pixels(image: Image.Image):
    """RGB values, as whole numbers that can be subtracted."""
    return np.asarray(image.convert("RGB")).astype(int)


def copy_of(checkpoint: ModelFile, folder: Path) -> ModelFile:
    """A checkpoint like this one, to be damaged."""
    shutil.copytree(checkpoint.path, folder)
    return replace(checkpoint, name=folder.name, path=folder)


@pytest.fixture(scope="session")
def config(tmp_path_factory) -> Config:
    return Config(data_dir=tmp_path_factory.mktemp("data"), use_cpu=True)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.over([BUILT_IN_CHECKPOINTS])


@pytest.fixture(scope="session")
def demo(catalog) -> ModelFile:
    return catalog.find(DEMO)


@pytest.fixture(scope="session")
def settings(config) -> SettingsStore:
    """As at first, but for the number format, which else depends on the machine."""
    store = SettingsStore(config.settings_file)
    store.update({"precision": "fp32", "channels_last": "Off"})
    return store


@pytest.fixture(scope="session")
def engine(config, settings, catalog, demo) -> LocalEngine:
    """Drawing on the CPU, with the demo model warmed up."""
    engine = LocalEngine(config, settings, catalog)
    engine.warm_up(demo, lambda _: None)
    return engine


@pytest.fixture(scope="session")
def model(demo) -> Model:
    """The demo model's networks, apart from the engine's."""
    return load(demo)


@pytest.fixture
def studio(engine, demo) -> ClassicStudio:
    """What the engine draws the demo model's pictures with."""
    order = Order(GenerationParams(), demo, 0)
    with engine._manager.open(order, engine._forms.plan(order)) as studio:
        pass
    return studio


@pytest.fixture(scope="session")
def draw(engine, demo):
    """Draws on the shared engine, in few steps, and returns the Recorder."""

    def draw(observer=None, *, seed=7, checkpoint=demo, **fields) -> Recorder:
        observer = observer or Recorder()
        small = {"prompt": PROMPT, "width": 128, "height": 128, "steps": 4, "cfg_scale": 4.0}
        engine.draw(Order(GenerationParams(**{**small, **fields}), checkpoint, seed), observer)
        return observer

    return draw


@pytest.fixture
def count_rows():
    """Counts the latents that go through a UNet: `rows = count_rows(unet)`, one entry for each call."""
    hooks = []

    def count(unet):
        rows: list[int] = []
        hooks.append(unet.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0]))))
        return rows

    yield count
    for hook in hooks:
        hook.remove()
