"""What the files beside a model tell."""

import json
import logging

import pytest

from tests.catalog.samples import SD1, folder, write, write_json
from webui.catalog.catalog import Catalog
from webui.config import BUILT_IN_CHECKPOINTS, DEMO


@pytest.fixture
def beside(tmp_path):
    """Puts files beside a checkpoint and returns it as the catalog has it."""

    def put(shapes=SD1, **contents):
        write(tmp_path / "moon.safetensors", shapes)
        for name, content in contents.items():
            text = content if isinstance(content, (str, bytes)) else json.dumps(content)
            data = text if isinstance(text, bytes) else text.encode()
            (tmp_path / name.replace("__", ".")).write_bytes(data)
        return Catalog.over([tmp_path]).get("moon.safetensors")

    return put


@pytest.mark.parametrize(
    "name", ["moon.png", "moon.jpg", "moon.jpeg", "moon.webp", "moon.preview.png", "moon.preview.webp"]
)
def test_a_picture_of_it(tmp_path, beside, name):
    (tmp_path / name).write_bytes(b"picture")
    (tmp_path / "moonlight.png").write_bytes(b"another's")
    assert beside().thumbnail == tmp_path / name


def test_the_demo_models_card_names_its_picture():
    demo = Catalog.over([BUILT_IN_CHECKPOINTS]).find(DEMO)
    assert demo.thumbnail == BUILT_IN_CHECKPOINTS / DEMO / "sheet.jpg"
    assert demo.description.startswith("A small demonstration model")


def test_a_card_can_name_no_picture_elsewhere(tmp_path, beside):
    (tmp_path.parent / "secret.png").write_bytes(b"x")
    assert beside(moon__darkroom__json={"thumbnail": "../secret.png"}).thumbnail is None


def test_pictures_in_a_folder(tmp_path):
    moon = folder(tmp_path / "moon")
    (moon / "preview.jpg").write_bytes(b"picture")
    assert Catalog.over([tmp_path]).find("moon").thumbnail == moon / "preview.jpg"


def test_a1111s_metadata(beside):
    moon = beside(
        moon__json={"description": "A moon", "notes": "use 30 steps", "sd version": "SD1", "vae": "nice.pt"}
    )
    assert (moon.description, moon.settings.notes) == ("A moon", "use 30 steps")
    assert moon.defaults == {"width": 512, "height": 512, "vae": "nice.pt"}


def test_civitais_information(beside):
    told = {
        "baseModel": "SDXL 1.0",
        "trainedWords": ["moon", "night sky"],
        "description": "<p>A&nbsp;moon.</p><p>With <b>stars</b>.</p>",
    }
    moon = beside(moon__civitai__info=told)
    assert moon.description.replace("\xa0", " ") == "A moon.\nWith stars.\nTrained words: moon, night sky"
    assert moon.identity.family == "sd1"  # the weights know better


@pytest.mark.parametrize(
    ("base", "family"),
    [
        ("SD 1.5", "sd1"),
        ("SD 2.1 768", "sd2"),
        ("SDXL 1.0", "sdxl"),
        ("Pony", "sdxl"),
        ("Flux.1 D", "flux"),
        ("Other", ""),
    ],
)
def test_a_loras_family_from_civitai(tmp_path, base, family):
    write(tmp_path / "a.safetensors", {"lora_unet_x.lora_down.weight": (4, 8)})
    write_json(tmp_path / "a.civitai.info", {"baseModel": base})
    (lora,) = Catalog.over([tmp_path], "lora").files()
    assert lora.identity.family == family


@pytest.mark.parametrize(
    ("text", "prediction", "zero_snr"),
    [
        ('model:\n  params:\n    parameterization: "v"\n', "v_prediction", None),
        ("model:\n  params:\n    parameterization: eps\n    use_ema: false\n", "epsilon", None),
        ("model:\n  params:\n    parameterization: v\n    ztsnr: true\n", "v_prediction", True),
        ("model:\n  target: ldm.models.diffusion.ddpm.LatentDiffusion\n", None, None),
        ("", None, None),
    ],
)
def test_ldms_configuration(beside, caplog, text, prediction, zero_snr):
    moon = beside(moon__yaml=text)
    assert (moon.prediction, moon.zero_snr) == (prediction, zero_snr)


def test_a_configuration_can_not_make_objects(tmp_path, beside, caplog):
    mark = tmp_path / "mark"
    moon = beside(moon__yaml=f"model: !!python/object/apply:os.mkdir ['{mark}']")
    assert moon.problem is None
    assert not mark.exists()
    assert "moon.yaml can't be used" in caplog.text


def test_a_card_has_the_last_word(beside):
    moon = beside(
        moon__yaml="model: {params: {parameterization: v}}",
        moon__json={"description": "A1111's", "vae": "theirs"},
        moon__darkroom__json={
            "summary": "ours",
            "prediction": "epsilon",
            "zero_snr": False,
            "defaults": {"vae": "ours", "steps": 8, "width": 640},
            "examples": ["a moon"],
            "words": {"of": "later versions"},
        },
    )
    assert (moon.description, moon.prediction, moon.zero_snr) == ("ours", "epsilon", False)
    assert moon.defaults == {"vae": "ours", "steps": 8, "width": 640, "height": 512}
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
        '{"prediction": "x0"}',
        "\N{LATIN SMALL LETTER E WITH ACUTE}".encode("latin-1"),
    ],
)
def test_a_bad_card_is_left_out_and_the_log_says_so(tmp_path, beside, caplog, card):
    with caplog.at_level(logging.WARNING):
        moon = beside(moon__darkroom__json=card)
    assert (moon.problem, moon.examples) == (None, ())
    assert moon.defaults == {"width": 512, "height": 512}
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{tmp_path / 'moon.darkroom.json'} can't be used: ")


@pytest.mark.parametrize("name", ["moon.json", "moon.civitai.info", "moon.yaml"])
@pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff\xfe\x00", b'"text"', b"[" * 50_000, b"3" * 2**21])
def test_bad_side_files_break_nothing(tmp_path, beside, name, content, caplog):
    (tmp_path / name).write_bytes(content)
    moon = beside()
    assert (moon.problem, moon.description) == (None, "")
    assert name in caplog.text


def test_numbers_that_are_too_large_break_nothing(beside):
    moon = beside(moon__json='{"description": "A moon", "preferred weight": 1' + "0" * 400 + "}")
    assert (moon.problem, moon.description, moon.usage.weight) == (None, "A moon", None)


def test_what_utf8_can_not_hold_is_replaced(beside):
    odd = "a \ud800"
    moon = beside(
        moon__civitai__info={"description": odd, "trainedWords": [odd]},
        moon__json={"activation text": odd, "notes": odd, "vae": odd},
    )
    assert moon.description == "a ?\nTrained words: a ?"
    assert moon.usage.trained == (moon.usage.activation,) == ("a ?",)
    assert (moon.settings.notes, moon.defaults["vae"]) == ("a ?", "a ?")
