"""T5's tokenizer, downloaded from a server like the Hub to the place where the engine looks for it."""

import json

import pytest

from tests.catalog.file_server import COMMIT, FakeHub, weights
from tests.catalog.tokenizer_files import clip_tokenizer, t5_tokenizer, xlm_tokenizer
from tests.serving import wait_until
from webui.catalog.catalog import Catalog
from webui.catalog.curated import read_curated
from webui.catalog.downloads.model import DamagedError
from webui.catalog.downloads.service import Downloads
from webui.catalog.downloads.tokenizer import MAX_BYTES, TokenizerArrival
from webui.catalog.folders import belongs_into, model_folders
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import Config

T5 = t5_tokenizer()


@pytest.fixture
def hub():
    hub = FakeHub()
    files = {
        "tokenizer.json": T5,
        "config.json": b"{}",
        "spiece.model": b"\n",
        "model.safetensors": weights(9),
    }
    hub.repository("google-t5/t5-small", files)
    yield hub
    hub.close()


@pytest.fixture
def models(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def downloads(hub, models, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", "nowhere")
    targets = {kind: models / belongs_into(kind) for kind in ("tokenizer", "text-encoder", "checkpoint")}
    service = Downloads(targets, network=hub.network())
    yield service
    service.close()


def ended(downloads, source, kind="tokenizer", **wish):
    started = downloads.start(source, kind, **wish)
    return wait_until(lambda: (now := downloads.get(started.id)).ended and now, 20, 0.005)


def fetched(downloads, source, kind="tokenizer", **wish):
    done = ended(downloads, source, kind, **wish)
    assert done.state == "done", done.error
    return done


def left(models):
    return sorted(path.relative_to(models).as_posix() for path in models.rglob("*") if path.is_file())


def test_the_curated_one_comes_alone_to_its_place(downloads, hub, models):
    [one] = [one for one in read_curated() if one.kind == "tokenizer"]
    done = fetched(downloads, one.source, one.kind, name=one.save_as, variant=one.variant)
    assert done.path == models / "tokenizers" / "t5" / "tokenizer.json"
    assert done.path.read_bytes() == T5
    assert (done.name, done.done) == ("tokenizer.json", len(T5))
    assert left(models) == ["tokenizers/t5/tokenizer.json"]
    assert [path for path, _ in hub.requests if "/resolve/" in path] == [
        f"/google-t5/t5-small/resolve/{COMMIT}/tokenizer.json"
    ]


def test_it_is_no_model_to_the_catalog(downloads, models, tmp_path):
    fetched(downloads, "google-t5/t5-small:tokenizer.json")
    config = Config(data_dir=tmp_path, models_dir=models)
    catalog = Catalog(model_folders(config), ModelIndex(), ModelSettingsStore())
    assert [model.path for model in catalog.files() if models in model.path.parents] == []
    assert catalog.files("tokenizer") == []


def test_a_repository_is_enough_even_one_of_a_whole_pipeline(downloads, hub, models):
    assert fetched(downloads, "google-t5/t5-small").path.read_bytes() == T5
    (models / "tokenizers" / "t5" / "tokenizer.json").unlink()
    index = {"_class_name": "FluxPipeline", "tokenizer_2": ["transformers", "T5TokenizerFast"]}
    files = {"model_index.json": json.dumps(index).encode(), "tokenizer_2/tokenizer.json": T5}
    hub.repository("org/flux", files)
    assert [c.source for c in downloads.files("org/flux", "tokenizer")] == [
        "org/flux:tokenizer_2/tokenizer.json"
    ]
    fetched(downloads, "org/flux")
    assert left(models) == ["tokenizers/t5/tokenizer.json"]


def test_whatever_it_is_called_it_gets_the_name_that_is_looked_for(downloads, hub, models):
    fetched(downloads, hub.serve("/files/t5-v1_1-xxl.json?download=true", T5), name="mine")
    assert left(models) == ["tokenizers/t5/tokenizer.json"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<!DOCTYPE html><html>Log in</html>", "gave a web page, not a tokenizer"),
        (weights(100), "is not a tokenizer.json: it doesn't begin as one"),
        (b'{"error": "Unauthorized"}', "came as tokenizer.json is no tokenizer ("),
        (T5[:-40], "came as tokenizer.json is no tokenizer (EOF"),
        (clip_tokenizer(), "is another model's tokenizer, not T5's"),
        (xlm_tokenizer(), "is another model's tokenizer, not T5's"),
    ],
    ids=["page", "weights", "message", "cut off", "pairs of letters", "other pieces"],
)
def test_what_is_none_is_refused_and_leaves_nothing(downloads, hub, models, body, reason):
    failed = ended(downloads, hub.serve("/tokenizer.json", body))
    assert failed.state == "failed"
    assert reason in failed.error
    assert left(models) == []


def test_what_is_too_large_is_refused_at_its_first_bytes(downloads, hub, models):
    body = T5 + b" " * 2**21
    failed = ended(downloads, hub.serve("/a.json", body, headers={"Content-Length": str(10**9)}))
    assert failed.error.startswith("That is no tokenizer.json of T5: it has 1.0 GB or more")
    assert left(models) == []


def test_what_grows_too_large_is_refused_where_no_size_was_told(tmp_path):
    class Deaf:
        def progressed(self, done, total):
            pass

    arrival = TokenizerArrival(Deaf(), tmp_path)
    arrival.progressed(MAX_BYTES, None)
    with pytest.raises(DamagedError, match="or more"):
        arrival.progressed(MAX_BYTES + 1, None)


def test_one_that_is_there_stays(downloads, models):
    there = models / "tokenizers" / "t5" / "tokenizer.json"
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    failed = ended(downloads, "google-t5/t5-small:tokenizer.json")
    assert failed.error == (
        f"There is already a tokenizer.json in {there.parent}: delete it first to get another."
    )
    assert left(models) == ["tokenizers/t5/tokenizer.json"]
    assert there.read_text() == "mine"


def test_weights_are_no_tokenizer_and_a_tokenizer_is_no_model(downloads, models):
    wrong = ended(downloads, "google-t5/t5-small:model.safetensors")
    assert wrong.error.startswith('google-t5/t5-small holds no file "model.safetensors". Choose one of them')
    assert "tokenizer.json" in wrong.error
    wrong = ended(downloads, "google-t5/t5-small:tokenizer.json", "checkpoint")
    assert wrong.error.startswith('google-t5/t5-small holds no file "tokenizer.json"')
    assert left(models) == []


def test_a_repository_without_one_is_told(downloads, hub):
    hub.repository("org/name", {"model.safetensors": weights(9), "config.json": b"{}"})
    assert ended(downloads, "org/name").error == "org/name holds no tokenizer.json to download."


def test_each_kind_is_offered_what_is_of_it(downloads):
    assert [c.file for c in downloads.files("google-t5/t5-small", "tokenizer")] == ["tokenizer.json"]
    assert [c.file for c in downloads.files("google-t5/t5-small")] == ["model.safetensors"]
