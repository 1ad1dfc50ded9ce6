"""Datasets and training runs over HTTP."""

import io

import pytest
from fastapi import FastAPI
from PIL import Image

from tests.api.test_uploads import Client as Uploader
from tests.jobs.test_training import School, school  # noqa: F401
from webui.api import native
from webui.api.datasets import build_datasets_router
from webui.api.training import build_training_router
from webui.config import Config
from webui.guard import Guard
from webui.jobs.thumbnails import Thumbnails


def png(size=(8, 6)):
    stream = io.BytesIO()
    Image.new("RGB", size, "red").save(stream, "PNG")
    return stream.getvalue()


class Client(Uploader):
    """Asks an app in this process."""

    def __init__(self, school: School):  # noqa: F811
        app = FastAPI()
        native.add_error_answers(app)
        app.include_router(build_datasets_router(school.datasets, Thumbnails(school.folder / "thumbnails")))
        app.include_router(build_training_router(school.jobs, school.trainings, school.catalog))
        app.add_middleware(Guard, config=Config(data_dir=school.folder))
        self._app = app


@pytest.fixture
def ask(school):  # noqa: F811
    return Client(school)


def test_datasets_are_made_listed_and_removed(ask, school):  # noqa: F811
    made = ask("POST", "/api/v1/datasets", json={"name": "my dogs"})
    assert (made.status_code, made.json()) == (201, {"name": "my dogs", "pictures": 0, "captions": 0})
    assert {"name": "cats", "pictures": 1, "captions": 1} in ask("GET", "/api/v1/datasets").json()
    content = ask("GET", "/api/v1/datasets/my%20dogs").json()
    assert (content["pictures"], content["folder"]) == ([], str(school.folder / "datasets" / "my dogs"))
    assert ask("DELETE", "/api/v1/datasets/my%20dogs").status_code == 204
    assert [one["name"] for one in ask("GET", "/api/v1/datasets").json()] == ["cats"]


def test_pictures_come_with_their_captions(ask):
    files = [
        ("file", ("a b.png", png(), "image/png")),
        ("file", ("a b.txt", b"a dog, brown", "text/plain")),
        ("file", ("c.png", b"nonsense", "image/png")),
    ]
    sent = ask("POST", "/api/v1/datasets/cats/pictures", files=files)
    assert sent.status_code == 201
    assert [(one["file"], one["caption"]) for one in sent.json()["pictures"]] == [
        ("a b.png", "a dog, brown"),
        ("tom.png", "a cat"),
    ]
    assert len(sent.json()["refused"]) == 1
    assert "c.png" in sent.json()["refused"][0]
    url = sent.json()["pictures"][0]["url"]
    assert Image.open(io.BytesIO(ask("GET", url).content)).size == (8, 6)
    small = ask("GET", f"{url}?thumbnail=true")
    assert small.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(small.content)).size == (8, 6)


def test_a_caption_may_come_after_its_picture_but_not_without(ask):
    texts = [("file", (f"{name}.txt", b"a red square", "text/plain")) for name in ("tom", "two")]
    told = ask("POST", "/api/v1/datasets/cats/pictures", files=texts).json()
    assert [(one["file"], one["caption"]) for one in told["pictures"]] == [("tom.png", "a red square")]
    assert told["refused"] == ['"two.txt" is the caption of no picture here. Bring the picture, too.']


def test_a_form_without_files_is_refused(ask):
    files = [("files", ("one.png", png(), "image/png"))]
    answer = ask("POST", "/api/v1/datasets/cats/pictures", files=files)
    assert (answer.status_code, '"file"' in answer.json()["detail"]) == (422, True)


def test_captions_are_changed_and_pictures_taken_out(ask):
    url = "/api/v1/datasets/cats/pictures/tom.png"
    changed = ask("PUT", url, json={"caption": "a tabby"})
    assert (changed.status_code, changed.json()["caption"], changed.json()["width"]) == (200, "a tabby", 8)
    assert ask("DELETE", url).status_code == 204
    gone = ask("PUT", url, json={"caption": "x"})
    assert (gone.status_code, "no picture" in gone.json()["detail"]) == (404, True)


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("POST", "", {"json": {"name": "cats"}}, 409),
        ("POST", "", {"json": {"name": "../cats"}}, 409),
        ("POST", "", {"json": {"name": ""}}, 422),
        ("GET", "/dogs", {}, 404),
        ("DELETE", "/dogs", {}, 404),
        ("POST", "/dogs/pictures", {"files": [("file", ("a.png", png()))]}, 404),
        ("POST", "/cats/pictures", {"content": b"x"}, 422),
        ("GET", "/cats/pictures/gone.png", {}, 404),
        ("GET", "/cats/pictures/tom.txt", {}, 404),
        ("GET", "/cats/pictures/..%2F..%2Fjobs.sqlite3", {}, 404),
        ("PUT", "/cats/pictures/tom.png", {"json": {"caption": "x" * 20_000}}, 422),
    ],
)
def test_what_cant_be_done_with_datasets(ask, method, path, options, status):
    answer = ask(method, f"/api/v1/datasets{path}", **options)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


def test_a_run_is_begun_listed_and_followed(ask, school):  # noqa: F811
    body = {"train": {"name": "dots", "dataset": "cats", "steps": 3}, "prompt": "a cat"}
    begun = ask("POST", "/api/v1/training", json=body)
    assert begun.status_code == 201, begun.text
    job = school.store.get(begun.json()["id"])
    queued = ask("GET", "/api/v1/training").json()[0]
    assert (queued["state"], queued["step"], queued["steps"], queued["job"]) == ("queued", 0, 3, job.id)
    assert ask("GET", "/api/v1/training/dots/losses").status_code == 404
    school.worker.start()
    school.ended(job)
    run = ask("GET", "/api/v1/training").json()[0]
    assert (run["name"], run["kind"], run["state"], run["file"]) == (
        "dots",
        "LoRA",
        "done",
        "dots.safetensors",
    )
    assert ask("GET", "/api/v1/training", who="you").json()[0]["job"] is None
    assert ask("GET", "/api/v1/training/dots/losses").json() == [[1, 1.0], [2, 0.5], [3, 0.333333]]
    assert ask("GET", "/api/v1/training/dots/losses?points=1").json() == [
        [3, pytest.approx(0.6111, abs=1e-3)]
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": "x"}, ["body", "train"]),
        ({"train": {"name": "a", "dataset": "dogs"}}, ["body", "train", "dataset"]),
        ({"train": {"name": "../a", "dataset": "cats"}}, ["body", "train", "name"]),
        ({"train": {"name": "a", "dataset": "cats", "rank": 0}}, ["body", "train", "rank"]),
        ({"train": {"name": "a", "dataset": "cats"}, "checkpoint": "gone"}, ["body", "checkpoint"]),
    ],
)
def test_what_cant_be_trained_names_the_field(ask, body, field):
    answer = ask("POST", "/api/v1/training", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == field
    assert answer.json()["detail"][0]["msg"]


@pytest.mark.parametrize(
    ("train", "sentence"),
    [
        ({"name": ""}, "Name can't be empty."),
        (
            {"name": "bad/name"},
            'Name may hold letters, digits, spaces, ".", "-" and "_", and begins with a letter or digit.',
        ),
        ({"name": "a" * 101}, "Name should have at most 100 characters."),
        ({"learning_rate": 0}, "Learning rate should be greater than 0."),
        ({"steps": 1.5}, "Training steps should be a valid integer"),
        ({"kind": "Hypernetwork"}, "Train should be 'LoRA' or 'Textual inversion'."),
        ({"colour": 1}, 'There is no field "colour".'),
    ],
)
def test_what_is_wrong_with_a_field_is_a_sentence_that_begins_with_its_title(ask, train, sentence):
    answer = ask("POST", "/api/v1/training", json={"train": {"name": "a", "dataset": "cats", **train}})
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"] == ["body", "train", next(iter(train))]
    assert problem["msg"].startswith(sentence)


def test_what_is_missing_is_told_by_its_title(ask):
    answer = ask("POST", "/api/v1/training", json={"train": {"name": "a"}, "cfg_scale": 0})
    told = {problem["loc"][-1]: problem["msg"] for problem in answer.json()["detail"]}
    assert told == {
        "dataset": "Dataset can't be empty.",
        "cfg_scale": "CFG scale should be greater than or equal to 1.",
    }
    [unnamed] = ask("POST", "/api/v1/datasets", json={"name": ""}).json()["detail"]
    assert unnamed["msg"] == "Name can't be empty."
    [long] = ask("PUT", "/api/v1/datasets/cats/pictures/tom.png", json={"caption": "x" * 20_000}).json()[
        "detail"
    ]
    assert long["msg"] == "Caption should have at most 10000 characters."
    [points] = ask("GET", "/api/v1/training/dots/losses?points=0").json()["detail"]
    assert points["loc"] == ["query", "points"]


def test_every_field_says_what_to_choose(ask):
    for field in ask("GET", "/api/v1/training/defaults").json()["fields"]:
        assert len(field["description"].split()) > 3, field["name"]


def test_what_suits_a_checkpoint(ask):
    told = ask("GET", "/api/v1/training/defaults").json()
    assert (told["checkpoint"], told["usable"], told["problem"]) == ("darkroom-demo", True, None)
    assert (told["train"]["resolution"], told["train"]["kind"]) == (128, "LoRA")
    assert not {"name", "dataset"} & told["train"].keys()
    assert told["sample"]["width"] == 128
    word = ask("GET", "/api/v1/training/defaults?kind=Textual inversion").json()
    assert word["train"]["kind"] == "Textual inversion"
    assert word["train"]["learning_rate"] > told["train"]["learning_rate"]
    assert ask("GET", "/api/v1/training/defaults?checkpoint=gone").status_code == 422
    assert ask("GET", "/api/v1/training/defaults?kind=Hypernetwork").status_code == 422
