"""The catalog: what it finds, what it says of what can't be used, and which checkpoint it begins with."""

import json
import logging
import os
from pathlib import Path

import pytest

from webui.catalog.checkpoints import Catalog, describe
from webui.config import BUILT_IN_CHECKPOINTS, Config
from webui.params import GenerationParams, InvalidParamsError

DEMO = "darkroom-demo"
WEIGHTS = "diffusion_pytorch_model.safetensors"


def make(path: Path, pipeline="StableDiffusionPipeline", sample_size=64, weights=b"weights") -> Path:
    """A folder that looks like a model. Nothing reads its weights here."""
    for part in ("unet", "vae", "text_encoder"):
        (path / part).mkdir(parents=True)
        (path / part / WEIGHTS).write_bytes(weights)
    write(path / "model_index.json", {"_class_name": pipeline})
    write(path / "unet" / "config.json", {"sample_size": sample_size})
    write(path / "vae" / "config.json", {"block_out_channels": [128, 256, 512, 512]})
    write(path / "text_encoder" / "config.json", {})
    return path


def write(file: Path, value):
    file.write_text(json.dumps(value), encoding="utf-8")


def names(catalog: Catalog):
    return [checkpoint.name for checkpoint in catalog.checkpoints()]


def refusal(catalog: Catalog, name: str) -> str:
    with pytest.raises(InvalidParamsError) as caught:
        catalog.find(name)
    assert caught.value.field == "checkpoint"
    return str(caught.value)


# Finding


def test_the_demo_model():
    demo = Catalog([BUILT_IN_CHECKPOINTS]).find(DEMO)
    assert demo.problem is None
    assert demo.path == BUILT_IN_CHECKPOINTS / DEMO
    params = GenerationParams().completed(demo.defaults)
    assert (params.width, params.height, params.steps, params.cfg_scale) == (128, 128, 20, 4.0)
    assert "a 3d panda on a blue background" in demo.examples


def test_folders_in_folders(tmp_path):
    make(tmp_path / "anime" / "v2" / "Moon")
    make(tmp_path / "Zebra")
    make(tmp_path / "apple")
    (tmp_path / "no model").mkdir()
    (tmp_path / "single.safetensors").write_bytes(b"")
    assert names(Catalog([tmp_path])) == ["anime/v2/Moon", "apple", "Zebra"]


def test_a_folder_that_is_itself_a_model(tmp_path):
    assert names(Catalog([make(tmp_path / "moon")])) == ["moon"]


def test_folders_that_are_not_there_or_empty(tmp_path):
    catalog = Catalog([tmp_path / "nowhere", tmp_path])
    assert catalog.checkpoints() == []
    assert catalog.default() is None
    assert refusal(catalog, "") == f"There is no usable checkpoint in {tmp_path / 'nowhere'}."


@pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege")
def test_links_are_followed_but_not_in_circles(tmp_path):
    make(tmp_path / "elsewhere" / "moon")
    models = tmp_path / "models"
    models.mkdir()
    (models / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(models)
    assert names(Catalog([models])) == ["linked/moon"]


def test_the_first_folder_wins(tmp_path):
    make(tmp_path / "a" / "moon")
    make(tmp_path / "b" / "moon")
    (checkpoint,) = Catalog([tmp_path / "a", tmp_path / "b"]).checkpoints()
    assert checkpoint.path == tmp_path / "a" / "moon"


def test_refresh_sees_what_came_and_went(tmp_path):
    moon = make(tmp_path / "moon")
    catalog = Catalog([tmp_path])
    make(tmp_path / "sun")
    (moon / "model_index.json").unlink()
    assert names(catalog) == ["moon"]
    catalog.refresh()
    assert names(catalog) == ["sun"]


@pytest.mark.parametrize("name", ["anime/Moon", "ANIME/MOON", "moon", "Moon"])
def test_found_by_its_path_or_name_in_any_case(tmp_path, name):
    make(tmp_path / "anime" / "Moon")
    assert Catalog([tmp_path]).find(name).name == "anime/Moon"


def test_an_unknown_name_says_what_there_is(tmp_path):
    make(tmp_path / "sun")
    make(tmp_path / "Moon")
    assert (
        refusal(Catalog([tmp_path]), "mars")
        == f'There is no checkpoint "mars" in {tmp_path}. Found: Moon, sun.'
    )


def test_an_unknown_name_among_many_says_ten(tmp_path):
    for number in range(12):
        make(tmp_path / f"model {number:02}")
    assert refusal(Catalog([tmp_path]), "mars").endswith("model 08, model 09.")


# The default


def test_ones_own_come_before_the_demo_model(tmp_path):
    catalog = Catalog([tmp_path, BUILT_IN_CHECKPOINTS / DEMO])
    assert names(catalog) == [DEMO]
    assert catalog.find("").name == DEMO
    make(tmp_path / "zebra")
    make(tmp_path / "sun", pipeline="FluxPipeline")
    catalog.refresh()
    assert (
        catalog.find("").name == "zebra"
    )  # neither the demo nor the unusable one, though they sort before it


def test_ones_own_come_first_in_another_models_folder(tmp_path):
    make(tmp_path / "models" / "Stable-diffusion" / "zebra")
    assert Catalog(Config(models_dir=tmp_path / "models").checkpoint_dirs).find("").name == "zebra"


def test_ones_own_come_first_in_another_checkpoint_folder(tmp_path):
    make(tmp_path / "zebra")
    assert Catalog(Config(ckpt_dir=tmp_path).checkpoint_dirs).find("").path != BUILT_IN_CHECKPOINTS / DEMO


# What can't be used


def problem(path: Path) -> str:
    sentence = describe(path, path.name).problem
    assert sentence
    assert sentence.endswith(".")
    return sentence


def test_another_kind_of_pipeline(tmp_path):
    moon = make(tmp_path / "moon", pipeline="FluxPipeline")
    assert problem(moon) == 'The checkpoint "moon" is a FluxPipeline, which Darkroom can\'t draw with yet.'
    assert refusal(Catalog([tmp_path]), "moon") == problem(moon)


def test_no_pipeline_named(tmp_path):
    moon = make(tmp_path / "moon")
    write(moon / "model_index.json", {})
    assert problem(moon).startswith('The checkpoint "moon" is a None')


@pytest.mark.parametrize(
    "part",
    ["unet/config.json", f"unet/{WEIGHTS}", "vae/config.json", f"vae/{WEIGHTS}", "text_encoder/config.json"],
)
def test_a_missing_part_is_named(tmp_path, part):
    moon = make(tmp_path / "moon")
    (moon / part).unlink()
    assert problem(moon) == f'The checkpoint "moon" is incomplete: {part} is missing in {moon}.'


@pytest.mark.parametrize("file", ["model_index.json", "unet/config.json", "vae/config.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"\xff\xfe", b"null"])
def test_a_broken_file_does_not_hide_the_others(tmp_path, file, content):
    moon = make(tmp_path / "moon")
    (moon / file).write_bytes(content)
    make(tmp_path / "sun")
    catalog = Catalog([tmp_path])
    assert names(catalog) == ["moon", "sun"]
    assert problem(moon).startswith('The checkpoint "moon" can\'t be read: ')
    assert refusal(catalog, "moon") == problem(moon)
    assert catalog.find("").name == "sun"


@pytest.mark.parametrize("sample_size", [None, "big", [64, 64]])
def test_a_size_that_is_none(tmp_path, sample_size):
    assert "can't be read" in problem(make(tmp_path / "moon", sample_size=sample_size))


# Its card


@pytest.mark.parametrize("sample_size", [64, 96])
def test_without_a_card_the_size_is_the_models_own(tmp_path, sample_size):
    moon = describe(make(tmp_path / "moon", sample_size=sample_size), "moon")
    assert moon.defaults == {"width": sample_size * 8, "height": sample_size * 8}
    assert moon.examples == ()


def test_a_card_sets_the_controls(tmp_path):
    path = make(tmp_path / "moon")
    card = {"defaults": {"steps": 8, "width": 640}, "examples": ["a moon"], "words": {"of": "later versions"}}
    write(path / "darkroom.json", card)
    moon = describe(path, "moon")
    assert moon.defaults == {"steps": 8, "width": 640, "height": 512}
    assert moon.examples == ("a moon",)


@pytest.mark.parametrize(
    "card",
    [
        "{",
        "[]",
        '{"defaults": {"steps": 0}}',
        '{"defaults": {"stepps": 20}}',
        '{"defaults": {"width": 100}}',
        '{"defaults": 3}',
        '{"examples": "a moon"}',
        "\N{LATIN SMALL LETTER E WITH ACUTE}".encode("latin-1"),
    ],
)
def test_a_bad_card_is_left_out_and_the_log_says_so(tmp_path, caplog, card):
    path = make(tmp_path / "moon")
    (path / "darkroom.json").write_bytes(card if isinstance(card, bytes) else card.encode())
    with caplog.at_level(logging.WARNING):
        moon = describe(path, "moon")
    assert (moon.problem, moon.examples) == (None, ())
    assert moon.defaults == {"width": 512, "height": 512}
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{path / 'darkroom.json'} can't be used: ")


# Its hash


def test_the_hash_is_the_files_sha256(tmp_path):
    make(tmp_path / "moon", weights=b"abc")  # the digest is the standard's own example
    catalog = Catalog([tmp_path])
    assert catalog.short_hash(catalog.find("moon")) == "ba7816bf8f"


def test_the_hash_follows_the_file(tmp_path):
    path = make(tmp_path / "moon")
    catalog = Catalog([tmp_path])
    moon, file = catalog.find("moon"), path / "unet" / WEIGHTS
    first = catalog.short_hash(moon)
    file.write_bytes(b"another file")
    second = catalog.short_hash(moon)
    file.write_bytes(b"another_file")  # of the same size
    os.utime(file, ns=(1, file.stat().st_mtime_ns + 1_000_000))
    assert len({first, second, catalog.short_hash(moon)}) == 3


def test_the_hash_of_an_unchanged_file_is_not_computed_again(tmp_path, monkeypatch):
    make(tmp_path / "moon")
    catalog = Catalog([tmp_path])
    first = catalog.short_hash(catalog.find("moon"))
    monkeypatch.setattr("hashlib.file_digest", None)
    assert catalog.short_hash(catalog.find("moon")) == first


def test_a_whole_name_comes_before_a_folders(tmp_path):
    make(tmp_path / "a" / "model")
    make(tmp_path / "model")
    (make(tmp_path / "0" / "only") / "model_index.json").write_text("{")
    make(tmp_path / "z" / "only")
    catalog = Catalog([tmp_path])
    assert catalog.find("model").name == "model"
    assert catalog.find("MODEL").name == "model"
    assert catalog.find("a/model").name == "a/model"
    assert catalog.find("only").name == "z/only"
