"""The models over HTTP: a real catalog over real files, with an engine that only counts what it is told."""

from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from tests.jobs.test_worker import Painter, Room
from tests.serving import wait_until
from tests.tiny.files import write_sd1, write_sdxl, write_vae
from webui.api import native
from webui.api.models import build_models_router
from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.engine.protocol import EngineError, MemoryReport, Resident

EMPTY = MemoryReport("CPU", "fp32", (), ram_total=100, ram_free=60, ram_budget=50)


class Shelf(Painter):
    """An engine that puts the names of models on a shelf."""

    def __init__(self):
        super().__init__()
        self.orders = []
        self.residents = []
        self.refuses = False

    def load(self, order):
        if self.refuses:
            raise EngineError("The checkpoint can't be loaded: its file is damaged.")
        self.orders.append(order)
        self.residents.append(Resident(order.checkpoint.name, "unet", 7, "RAM", in_use=False))

    def unload(self, model=None):
        self.residents = [resident for resident in self.residents if model not in (None, resident.model)]

    def memory(self):
        return replace(EMPTY, residents=tuple(self.residents))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with two checkpoints, one of them with a picture, a VAE, a broken and a misplaced file."""
    folder = tmp_path_factory.mktemp("models")
    write_sd1(folder / "Stable-diffusion" / "anime" / "one.safetensors")
    write_sdxl(folder / "Stable-diffusion" / "two.safetensors")
    Image.new("RGB", (8, 8), "green").save(folder / "Stable-diffusion" / "anime" / "one.png")
    Image.new("RGB", (8, 8), "red").save(folder / "Stable-diffusion" / "secret.png")
    write_vae(folder / "VAE" / "mse.safetensors")
    write_vae(folder / "Stable-diffusion" / "lost.safetensors")
    (folder / "Stable-diffusion" / "broken.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    return folder


@pytest.fixture
def catalog(models, tmp_path):
    folders = [
        ModelFolder(models / "Stable-diffusion", ("checkpoint",)),
        ModelFolder(models / "VAE", ("vae",)),
    ]
    return Catalog(folders, ModelIndex(), ModelSettingsStore(tmp_path / "models.json"))


@pytest.fixture
def room(catalog, tmp_path):
    room = Room(tmp_path, catalog, Shelf)
    yield room
    room.worker.stop()
    room.store.close()


@pytest.fixture
def client(room, catalog):
    app = FastAPI()
    native.add_error_answers(app)
    app.include_router(build_models_router(catalog, room.worker))
    return TestClient(app)


@pytest.fixture
def started(room):
    room.worker.start()
    wait_until(lambda: room.worker.status.state == "ready")
    return room.engine


def put(client, name, **body):
    return client.put("/api/v1/models/settings", params={"name": name}, json=body)


def test_models_are_listed_with_what_is_known_of_them(client):
    found = {model["name"]: model for model in client.get("/api/v1/models").json()}
    assert set(found) == {
        "anime/one.safetensors",
        "two.safetensors",
        "mse.safetensors",
        "lost.safetensors",
        "broken.safetensors",
    }
    one = found["anime/one.safetensors"]
    assert (one["kind"], one["family"], one["dtype"], one["problem"]) == ("checkpoint", "sd1", "fp32", None)
    assert one["size"] > 0
    assert one["defaults"]["width"] == 512
    assert found["two.safetensors"]["family"] == "sdxl"
    assert [name for name, model in found.items() if model["default"]] == ["anime/one.safetensors"]
    assert "VAE" in found["lost.safetensors"]["problem"]
    assert found["broken.safetensors"]["problem"]


def test_models_can_be_listed_by_kind(client):
    assert [model["name"] for model in client.get("/api/v1/models?kind=vae").json()] == ["mse.safetensors"]
    assert client.get("/api/v1/models?kind=nonsense").status_code == 422


def test_no_answer_tells_where_the_models_lie(client, models):
    for path in ("/api/v1/models", "/api/v1/models/settings?name=two.safetensors"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert str(models) not in answer.text


def test_a_new_file_is_found_by_a_refresh(client, models):
    new = models / "VAE" / "new.safetensors"
    write_vae(new)
    try:
        assert "new.safetensors" not in client.get("/api/v1/models").text
        assert "new.safetensors" in client.post("/api/v1/models/refresh").text
    finally:
        new.unlink()


def test_a_thumbnail_is_the_picture_beside_the_model_and_may_be_kept(client, models):
    one, two = (
        model
        for model in client.get("/api/v1/models").json()
        if model["name"] in ("anime/one.safetensors", "two.safetensors")
    )
    answer = client.get(one["thumbnail"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert "max-age" in answer.headers["cache-control"]
    assert answer.content == (models / "Stable-diffusion" / "anime" / "one.png").read_bytes()
    assert two["thumbnail"] is None


@pytest.mark.parametrize(
    "name", ["two.safetensors", "secret.png", "secret", "../Stable-diffusion/secret.png", "/etc/passwd", ""]
)
def test_no_other_file_is_served_as_a_thumbnail(client, name):
    answer = client.get("/api/v1/models/thumbnail", params={"name": name, "kind": "checkpoint"})
    assert answer.status_code == 404


def test_settings_begin_empty_and_offer_what_can_be_chosen(client):
    form = client.get("/api/v1/models/settings?name=two.safetensors").json()
    fields = {field["name"]: field for field in form["fields"]}
    assert set(form["values"]) == set(fields)
    assert set(form["values"].values()) == {None, ""}
    assert fields["vae"]["choices"] == ["None", "mse.safetensors"]
    assert "DPM++ 2M" in fields["sampler_name"]["choices"]
    assert (fields["width"]["minimum"], fields["width"]["step"], fields["width"]["optional"]) == (64, 8, True)
    assert fields["notes"]["kind"] == "lines"


def test_what_is_set_for_a_model_is_followed_and_survives_a_restart(client, catalog, tmp_path):
    defaults = {"steps": 9, "sampler_name": "euler A", "vae": "MSE", "width": None}
    answer = put(
        client, "two.safetensors", defaults=defaults, prediction="v_prediction", notes="Good\nfor cats"
    )
    assert answer.status_code == 200, answer.text
    model = answer.json()
    assert model["defaults"]["steps"] == 9
    assert model["defaults"]["sampler_name"] == "Euler a"
    assert (model["prediction"], model["notes"]) == ("v_prediction", "Good\nfor cats")
    values = client.get("/api/v1/models/settings?name=two.safetensors").json()["values"]
    assert (values["steps"], values["vae"], values["width"]) == (9, "mse.safetensors", None)
    assert ModelSettingsStore(tmp_path / "models.json").get("two.safetensors").defaults["steps"] == 9

    assert put(client, "two.safetensors").json()["defaults"].get("steps") != 9
    assert catalog.find("two").settings.notes == ""


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"defaults": {"steps": 0}}, "steps", "Sampling steps should be greater than or equal to 1."),
        ({"defaults": {"width": 100}}, "width", "Width should be a multiple of 8."),
        ({"defaults": {"steps": "many"}}, "steps", "Sampling steps should be a valid integer"),
        ({"defaults": {"sampler_name": "Eular"}}, "sampler_name", 'There is no sampler "Eular".'),
        ({"defaults": {"vae": "lost"}}, "vae", 'There is no VAE "lost"'),
        ({"defaults": {"seed": 1}}, "seed", 'There is no field "seed".'),
        ({"prediction": "flow"}, "prediction", "Input should be 'epsilon' or 'v_prediction'"),
        ({"colour": "red"}, "colour", 'There is no field "colour".'),
    ],
)
def test_a_bad_value_is_told_at_its_field_and_nothing_is_kept(client, catalog, body, field, message):
    answer = put(client, "two.safetensors", notes="never kept", **body)
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"][-1] == field
    assert problem["msg"].startswith(message)
    assert catalog.find("two").settings.notes == ""


def test_an_unknown_model_is_404_with_a_sentence(client):
    for answer in (put(client, "three"), client.get("/api/v1/models/settings?name=three")):
        assert answer.status_code == 404
        assert answer.json()["detail"] == (
            'There is no checkpoint "three". Press refresh to read the folders again.'
        )


def test_until_the_engine_has_started_there_is_no_memory_to_tell_of(client):
    answer = client.get("/api/v1/memory")
    assert (answer.status_code, answer.json()) == (200, None)
    for path, body in (("load", {"name": "two.safetensors"}), ("unload", {})):
        answer = client.post(f"/api/v1/models/{path}", json=body)
        assert answer.status_code == 503
        assert answer.json()["detail"] == "The engine isn't there yet: starting the engine."


def test_a_model_is_loaded_with_its_vae_and_let_go_again(client, started):
    put(client, "two.safetensors", defaults={"vae": "mse.safetensors"})
    assert client.post("/api/v1/models/load", json={"name": "two"}).status_code == 200
    [order] = started.orders
    assert (order.checkpoint.name, order.vae.name) == ("two.safetensors", "mse.safetensors")
    client.post("/api/v1/models/load", json={"name": "one"})
    report = client.get("/api/v1/memory").json()
    assert [resident["model"] for resident in report["residents"]] == [
        "two.safetensors",
        "anime/one.safetensors",
    ]
    assert (report["ram_total"], report["ram_budget"], report["device"]) == (100, 50, "CPU")

    left = client.post("/api/v1/models/unload", json={"name": "two.safetensors"}).json()["residents"]
    assert [resident["model"] for resident in left] == ["anime/one.safetensors"]
    assert client.post("/api/v1/models/unload", json={}).json()["residents"] == []


def test_a_model_that_can_not_be_loaded_says_why(client, started):
    started.refuses = True
    answer = client.post("/api/v1/models/load", json={"name": "two"})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "The checkpoint can't be loaded: its file is damaged."


def test_an_unusable_model_is_not_loaded(client, started):
    answer = client.post("/api/v1/models/load", json={"name": "broken.safetensors"})
    assert answer.status_code == 422
    assert started.orders == []


def test_models_go_by_short_names_here_too(client, started):
    assert client.get("/api/v1/models/settings", params={"name": "two"}).status_code == 200
    client.post("/api/v1/models/load", json={"name": "two"})
    assert client.post("/api/v1/models/unload", json={"name": "two"}).json()["residents"] == []
    answer = client.post("/api/v1/models/unload", json={"name": "three"})
    assert (answer.status_code, "three" in answer.json()["detail"]) == (404, True)
