"""Infotexts over HTTP, with a real catalog: the demo model's."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.infotext.test_picture import TEXT, png
from webui.api.infotext import MAX_BODY, build_infotext_router
from webui.catalog.catalog import Catalog
from webui.config import BUILT_IN_CHECKPOINTS
from webui.infotext import ModelIdentity, write
from webui.params import GenerationParams

DEMO = "darkroom-demo"


@pytest.fixture(scope="module")
def client():
    app = FastAPI()
    app.include_router(build_infotext_router(Catalog.over([BUILT_IN_CHECKPOINTS])))
    return TestClient(app)


def read(client, text):
    answer = client.post("/api/v1/infotext", json={"text": text})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_fields_of_our_own_text_make_the_same_job(client):
    params = GenerationParams(
        prompt="a fox", steps=12, seed=5, cfg_scale=4.5, clip_skip=2, sampler_name="Euler a"
    )
    told = read(client, write(params, ModelIdentity(DEMO, None)))
    assert GenerationParams(**told["fields"]) == params.changed(checkpoint=DEMO, vae="Automatic")
    assert (told["source"], told["checkpoint"], told["notices"]) == ("Darkroom", DEMO, [])


def test_what_cannot_be_used_is_told(client):
    line = (
        "Steps: 999, Sampler: Euler a, CFG scale: 7, Model: gone, Hires upscale: 2, ADetailer model: a.pt, "
        "Version: v1.10.1"
    )
    told = read(client, f"a fox\n{line}")
    assert told["fields"]["sampler_name"] == "Euler a"
    assert not told["fields"].keys() & {"steps", "checkpoint"}
    assert told["fields"]["hr_scale"] == 2.0
    assert told["unused"] == {"ADetailer model": "a.pt"}
    assert [word in " ".join(told["notices"]) for word in ("999", '"gone" is not here')] == [True, True]
    assert (told["checkpoint"], told["version"], told["source"]) == ("gone", "v1.10.1", "AUTOMATIC1111")


def test_a_sampler_that_only_a_newer_darkroom_knows_is_told(client):
    line = (
        "Steps: 9, Sampler: Warp, Schedule type: Bent, CFG scale: 7, Hires upscale: 2, Hires sampler: Weft, "
        "Hires schedule type: Use same scheduler, Version: Darkroom 99.0"
    )
    told = read(client, f"a fox\n{line}")
    assert not told["fields"].keys() & {"sampler_name", "scheduler", "hr_sampler_name"}
    words = ('"Warp"', '"Bent"', '"Weft"')
    assert [word in " ".join(told["notices"]) for word in words] == [True, True, True]
    assert "Use same" not in " ".join(told["notices"])


def test_too_long_a_text_is_refused(client):
    assert client.post("/api/v1/infotext", json={"text": "a" * 1_000_001}).status_code == 422


@pytest.mark.parametrize("name", ["file", "image"])
def test_a_picture_as_a_form_and_as_the_body(client, name):
    data = png(size=(64, 96), parameters=TEXT, other="x")
    answers = [
        client.post("/api/v1/png-info", files={name: ("a.png", data, "image/png")}),
        client.post("/api/v1/png-info", content=data),
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    told = answers[0].json()
    assert told == answers[1].json()
    assert (told["width"], told["height"], told["format"]) == (64, 96, "PNG")
    assert told["items"] == {"parameters": TEXT, "other": "x"}
    assert told["infotext"]["text"] == TEXT
    assert told["infotext"]["fields"]["prompt"] == "a cat"


def test_a_picture_that_tells_nothing(client):
    told = client.post("/api/v1/png-info", content=png()).json()
    assert (told["infotext"], told["items"]) == (None, {})


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        ({"content": b"no picture"}, "not a picture"),
        ({"content": b""}, "not a picture"),
        ({"files": {"x": (None, "text")}}, "no file"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(client, sent, word):
    answer = client.post("/api/v1/png-info", **sent)
    assert answer.status_code == 422
    assert word in answer.json()["detail"]


def test_too_large_a_file_is_refused(client):
    assert client.post("/api/v1/png-info", content=b"x" * (MAX_BODY + 1)).status_code == 413


def test_halves_of_signs_in_json_do_not_break_the_answer(client):
    told = read(client, 'a\nSteps: 9, Sampler: Euler, Seed: 1, Note: "\\ud800, x"')
    assert told["unused"] == {"Note": "?, x"}
