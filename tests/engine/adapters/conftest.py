"""An engine beside a folder of LoRAs, which the tests write for the demo model."""

from types import SimpleNamespace

import pytest

from tests.conftest import DEMO, PROMPT, Recorder
from tests.engine.adapters.loras import catalog_of, write
from webui.config import BUILT_IN_CHECKPOINTS, Config
from webui.engine.local import LocalEngine
from webui.engine.protocol import Order
from webui.params import GenerationParams
from webui.prompting.prepared import PicturePrompt


@pytest.fixture(scope="session")
def shelf(tmp_path_factory, settings):
    """`shelf.put(name, tensors)` writes a LoRA, `shelf.draw(prompt, ...)` draws small: a Recorder."""
    folder = tmp_path_factory.mktemp("loras")
    catalog = catalog_of(BUILT_IN_CHECKPOINTS, folder)
    engine = LocalEngine(Config(data_dir=tmp_path_factory.mktemp("data"), use_cpu=True), settings, catalog)
    demo = catalog.find(DEMO)

    def put(name, tensors, **metadata):
        file = write(folder / f"{name}.safetensors", tensors, **metadata)
        catalog.refresh()
        return file

    def draw(prompt=PROMPT, *, each=(), **fields):
        observer = Recorder()
        small = {"width": 64, "height": 64, "steps": 3, "cfg_scale": 4.0, "batch_size": len(each) or 1}
        prompts = tuple(PicturePrompt(one, "") for one in each)
        params = GenerationParams(**{**small, "prompt": prompt, **fields})
        engine.draw(Order(params, demo, 7, prompts=prompts), observer)
        return observer

    return SimpleNamespace(put=put, draw=draw, folder=folder, catalog=catalog, engine=engine)
