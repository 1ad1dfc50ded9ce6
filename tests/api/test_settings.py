"""The settings over HTTP, on a real file."""

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from webui.api import native
from webui.api.settings import GROUPS, build_settings_router
from webui.settings import Settings, SettingsStore


@pytest.fixture
def file(tmp_path):
    return tmp_path / "settings.json"


@pytest.fixture
def client(file):
    app = FastAPI()
    native.add_error_answers(app)
    app.include_router(build_settings_router(SettingsStore(file)))
    return TestClient(app)


def field(form, name):
    [found] = [field for field in form["fields"] if field["name"] == name]
    return found


def test_every_setting_is_described_and_stands_under_a_heading(client):
    form = client.get("/api/v1/settings").json()
    assert {field["name"] for field in form["fields"]} == set(Settings.model_fields)
    assert form["values"] == form["defaults"] == Settings().model_dump()
    for known in form["fields"]:
        assert known["title"], known
        assert known["description"], known
        assert known["group"] in GROUPS, known


def test_a_field_tells_its_choices_and_limits(client):
    form = client.get("/api/v1/settings").json()
    precision = field(form, "precision")
    assert (precision["kind"], precision["choices"]) == ("choice", ["Automatic", "fp16", "bf16", "fp32"])
    budget = field(form, "ram_budget")
    assert (budget["kind"], budget["minimum"], budget["optional"]) == ("number", 0, True)
    assert field(form, "idle_unload")["kind"] == "integer"
    assert field(form, "preload")["kind"] == "switch"
    assert field(form, "t5_tokenizer")["kind"] == "text"


def test_what_is_changed_is_kept_in_the_file_and_the_rest_stays(client, file):
    client.put("/api/v1/settings", json={"idle_unload": 5})
    answer = client.put("/api/v1/settings", json={"ram_budget": 7.5, "vae_tiling": "On"})
    assert answer.status_code == 200
    changed = {"idle_unload": 5, "ram_budget": 7.5, "vae_tiling": "On"}
    assert answer.json()["values"] == {**Settings().model_dump(), **changed}
    assert json.loads(file.read_text()) == answer.json()["values"]
    assert SettingsStore(file).get() == Settings(**changed)


def test_a_budget_can_be_emptied_again(client):
    client.put("/api/v1/settings", json={"ram_budget": 7.5})
    assert client.put("/api/v1/settings", json={"ram_budget": None}).json()["values"]["ram_budget"] is None


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"ram_budget": -1}, "ram_budget", "RAM for models, GiB should be greater than or equal to 0."),
        ({"idle_unload": None}, "idle_unload", "Unload after idle minutes should be a valid integer."),
        ({"precision": "fp64"}, "precision", "Precision should be 'Automatic', 'fp16', 'bf16' or 'fp32'."),
        ({"colour": "red"}, "colour", 'There is no field "colour".'),
    ],
)
def test_a_bad_value_is_told_at_its_field_and_nothing_is_changed(client, file, changes, name, message):
    answer = client.put("/api/v1/settings", json={"preload": False, **changes})
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert (problem["loc"], problem["msg"]) == (["body", name], message)
    assert client.get("/api/v1/settings").json()["values"]["preload"] is True
    assert not file.exists()


def test_a_file_that_can_not_be_written_is_told(client, file):
    file.with_suffix(".part").mkdir()
    answer = client.put("/api/v1/settings", json={"preload": False})
    assert answer.status_code == 507
    assert str(file.with_suffix(".part")) in answer.json()["detail"]
    assert client.get("/api/v1/settings").json()["values"]["preload"] is True
