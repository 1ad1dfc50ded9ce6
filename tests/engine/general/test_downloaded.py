"""SD 3 from a single file, with the text encoders and the tokenizer that the Models tab downloads."""

import json

import pytest
import torch

from tests.catalog.file_server import FakeHub
from tests.engine.general import originals
from tests.engine.general.conftest import Recorder
from tests.engine.general.tiny_text import t5_tokenizer
from tests.engine.general.tiny_vaes import vae
from tests.serving import wait_until
from webui.catalog.catalog import Catalog
from webui.catalog.curated import read_curated
from webui.catalog.downloads.service import Downloads
from webui.catalog.folders import belongs_into, model_folders
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import Config
from webui.engine.forms import Forms
from webui.engine.local import LocalEngine
from webui.engine.protocol import EngineError, Order
from webui.params import GenerationParams
from webui.settings import SettingsStore

ENCODERS = "comfyanonymous/flux_text_encoders"


def without_projection(clip):
    return {name: each for name, each in clip.state_dict().items() if not name.startswith("text_projection")}


def fp8(network):
    return {name: weight.to(torch.float8_e4m3fn) for name, weight in network.state_dict().items()}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """ComfyUI's text encoders and T5's tokenizer, as small as can be."""
    folder = tmp_path_factory.mktemp("hub")

    def file(name, weights):
        return {name: originals.save(folder / name, **{"": weights}).read_bytes()}

    t5_tokenizer().save_pretrained(folder)
    told = json.loads((folder / "tokenizer.json").read_text())
    del told["model"]["type"]  # as in the published file
    hub = FakeHub()
    clip_l = file("clip_l.safetensors", without_projection(originals.clip(32)))
    hub.repository(ENCODERS, clip_l | file("t5xxl_fp8_e4m3fn.safetensors", fp8(originals.t5())))
    hub.repository("org/sd3", file("clip_g.safetensors", originals.clip(64).state_dict()))
    hub.repository("google-t5/t5-small", {"tokenizer.json": json.dumps(told).encode()})
    yield hub
    hub.close()


@pytest.fixture
def config(tmp_path):
    return Config(data_dir=tmp_path, models_dir=tmp_path / "models", use_cpu=True, hashing=False)


@pytest.fixture
def catalog(config):
    """SD 3 without text encoders, as "sd3_medium.safetensors", and nothing beside it."""
    folder = config.models_dir / "Stable-diffusion"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    parts = {
        "model.diffusion_model.": originals.filled(originals.sd3_transformer()),
        "first_stage_model.": originals.vae(vae()),
    }
    originals.save(folder / "sd3_medium.safetensors", **parts)
    return Catalog(model_folders(config), ModelIndex(), ModelSettingsStore())


@pytest.fixture
def settings(config):
    store = SettingsStore(config.settings_file)
    store.update({"precision": "fp32", "channels_last": "Off"})
    return store


@pytest.fixture
def download(hub, config, catalog, monkeypatch):
    """Downloads as the server does, and tells the catalog."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", "nowhere")
    targets = {kind: config.models_dir / belongs_into(kind) for kind in ("text-encoder", "tokenizer")}
    service = Downloads(targets, on_done=lambda _: catalog.refresh(), network=hub.network())

    def download(source, kind):
        started = service.start(source, kind)
        done = wait_until(lambda: (now := service.get(started.id)).ended and now)
        assert done.state == "done", done.error

    yield download
    service.close()


def curated(kind):
    return [one.source for one in read_curated() if one.kind == kind]


def test_sd3_draws_with_what_was_downloaded_one_after_another(config, settings, catalog, download):
    engine = LocalEngine(config, settings, catalog)
    params = GenerationParams(prompt="a cat", width=64, height=64, steps=2)

    def draw():
        recorder = Recorder()
        engine.draw(Order(params, catalog.find("sd3_medium"), 7), recorder)
        return recorder

    with pytest.raises(EngineError, match=r"CLIP-L and CLIP-G\. Put clip_l.safetensors and clip_g"):
        draw()
    assert f"{ENCODERS}:clip_l.safetensors" in curated("text-encoder")
    download(f"{ENCODERS}:clip_l.safetensors", "text-encoder")
    download("org/sd3:clip_g.safetensors", "text-encoder")
    without_t5 = draw()
    assert "without the T5 text encoder" in without_t5.notices[0]

    download(f"{ENCODERS}:t5xxl_fp8_e4m3fn.safetensors", "text-encoder")
    found = [file.name for file in catalog.files("text-encoder")]
    assert found == ["clip_g.safetensors", "clip_l.safetensors", "t5xxl_fp8_e4m3fn.safetensors"]
    with pytest.raises(EngineError) as refused:
        draw()
    assert str(refused.value) == (
        "The T5 text encoder needs its tokenizer, which isn't there yet. "
        'Download "T5 tokenizer" in the Models tab under "Get models", '
        "or put T5's tokenizer.json into models/tokenizers/t5."
    )

    [source] = curated("tokenizer")
    download(source, "tokenizer")
    drawn = draw()
    assert drawn.notices == []
    assert drawn.pictures[0].image.size == (64, 64)
    assert drawn.bytes != without_t5.bytes


def test_the_folder_of_the_settings_comes_before_the_downloaded_one(config, settings):
    forms = Forms(config, settings)
    downloaded = config.models_dir / "tokenizers" / "t5"
    downloaded.mkdir(parents=True)
    assert forms.t5_tokenizer is None
    (downloaded / "tokenizer.json").write_text("{}")
    assert forms.t5_tokenizer == downloaded
    settings.update({"t5_tokenizer": "/elsewhere"})
    assert str(forms.t5_tokenizer) == "/elsewhere"
