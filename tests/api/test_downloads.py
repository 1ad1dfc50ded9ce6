"""The API for downloads, on a real server behind the guard."""

import threading

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from tests.catalog.file_server import FakeHub, sha256, weights
from tests.catalog.tokenizer_files import t5_tokenizer
from tests.jobs.conftest import mounted
from tests.serving import wait_until
from webui.api import downloads as api
from webui.catalog.downloads.service import Downloads
from webui.config import Config
from webui.guard import Guard

BODY = weights()


@pytest.fixture
def hub():
    hub = FakeHub()
    hub.repository(
        "org/loras", {"a.safetensors": BODY, "b.safetensors": weights(100), "c.ckpt": b"PK\x03\x04"}
    )
    hub.repository("google-t5/t5-small", {"tokenizer.json": t5_tokenizer(), "model.safetensors": BODY})
    yield hub
    hub.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "lora"


@pytest.fixture
def client(hub, folder, tmp_path):
    """A client of a server in this process."""
    downloads = Downloads({"lora": folder, "tokenizer": tmp_path / "t5"}, network=hub.network())
    app = FastAPI()
    api.add_error_answers(app)
    app.include_router(api.build_router(downloads))
    app.add_middleware(Guard, config=Config(data_dir=tmp_path))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    [port] = [socket.getsockname()[1] for one in server.servers for socket in one.sockets]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    server.should_exit = True
    thread.join()
    downloads.close()


def start(client, source, **wish):
    answer = client.post("/api/v1/downloads", json={"source": source, "kind": "lora", **wish})
    assert answer.status_code == 201, answer.text
    return answer.json()


def listed(client, download_id):
    [one] = [one for one in client.get("/api/v1/downloads").json() if one["id"] == download_id]
    return one


def ended(client, download_id):
    def over():
        one = listed(client, download_id)
        return one if one["state"] in ("done", "failed", "cancelled") else None

    return wait_until(over)


def test_a_download_through_its_life(client, hub, folder):
    gate = threading.Event()
    url = hub.serve("/x.safetensors?token=secret", BODY, gate=gate)
    started = start(client, url, token="hidden")
    assert started["state"] == "queued"
    running = wait_until(lambda: (one := listed(client, started["id"])) and one["done"] and one)
    assert running["state"] == "running"
    assert 0 < running["done"] < running["total"] == len(BODY)
    gate.set()
    done = ended(client, started["id"])
    assert (done["state"], done["name"], done["sha256"]) == ("done", "x.safetensors", sha256(BODY))
    assert (folder / "x.safetensors").read_bytes() == BODY
    assert "secret" not in str(done)
    assert "hidden" not in str(done)
    assert client.delete(f"/api/v1/downloads/{started['id']}").json()["state"] == "done"
    assert client.get("/api/v1/downloads").json() == []


def test_candidates_can_be_asked_for(client, folder):
    offered = client.get("/api/v1/downloads/candidates", params={"source": "org/loras"}).json()
    assert [(one["file"], one["size"]) for one in offered] == [
        ("a.safetensors", len(BODY)),
        ("b.safetensors", len(weights(100))),
    ]
    assert ended(client, start(client, offered[0]["source"])["id"])["state"] == "done"
    assert (folder / "a.safetensors").read_bytes() == BODY
    pickles = client.get("/api/v1/downloads/candidates", params={"source": "org/loras", "allow_pickle": True})
    assert "c.ckpt" in [one["file"] for one in pickles.json()]


def test_a_cancelled_one_can_be_tried_again(client, hub):
    gate = threading.Event()
    started = start(client, hub.serve("/x.safetensors", BODY, gate=gate))
    assert client.delete(f"/api/v1/downloads/{started['id']}").json()["state"] == "cancelled"
    gate.set()
    assert client.post(f"/api/v1/downloads/{started['id']}/retry").status_code == 200
    assert ended(client, started["id"])["state"] == "done"


def test_a_failure_is_a_sentence(client):
    failed = ended(client, start(client, "org/nothing")["id"])
    assert failed["state"] == "failed"
    assert failed["error"].startswith("There is no repository org/nothing at localhost")


def test_what_makes_no_sense_is_422(client):
    for wish in ({"source": "nonsense"}, {"source": "org/loras", "kind": "vae"}):
        answer = client.post("/api/v1/downloads", json={"kind": "lora", **wish})
        assert answer.status_code == 422
        assert answer.json()["detail"].endswith(".")
    for body in ({}, {"source": ""}, {"source": "org/a", "kind": "thing"}, {"source": "org/a", "more": 1}):
        assert client.post("/api/v1/downloads", json=body).status_code == 422
    answer = client.get("/api/v1/downloads/candidates", params={"source": "https://10.0.0.1/a.safetensors"})
    assert answer.status_code == 422
    assert "10.0.0.1 is not on the public internet" in answer.json()["detail"]


def test_what_is_there_already_is_409(client, hub):
    gate = threading.Event()
    url = hub.serve("/x.safetensors", BODY, gate=gate)
    started = start(client, url)
    wait_until(lambda: listed(client, started["id"])["state"] == "running")
    again = client.post("/api/v1/downloads", json={"source": url, "kind": "lora"})
    assert (again.status_code, again.json()) == (409, {"detail": f"{url} is being downloaded already."})
    retried = client.post(f"/api/v1/downloads/{started['id']}/retry")
    assert retried.status_code == 409
    assert retried.json() == {"detail": f"{url} is running: there is nothing to try again."}
    gate.set()


def test_unknown_ones_are_404(client):
    for answer in (
        client.delete("/api/v1/downloads/nothing"),
        client.post("/api/v1/downloads/nothing/retry"),
    ):
        assert answer.status_code == 404
        assert answer.json()["detail"] == "There is no download nothing."


@pytest.fixture
def tiny_disk(folder):
    folder.mkdir()
    yield from mounted(folder, "1m")


def test_a_full_disk_is_507(tiny_disk, client):
    answer = client.post("/api/v1/downloads", json={"source": "org/loras:a.safetensors", "kind": "lora"})
    assert answer.status_code == 507
    assert answer.json()["detail"].startswith(f"There is too little room in {tiny_disk.folder}")


def test_other_sites_may_not_start_downloads(client):
    answer = client.post(
        "/api/v1/downloads", json={"source": "org/loras"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert client.get("/api/v1/downloads").json() == []


def test_the_curated_list_can_be_asked_for_and_from(client):
    first = client.get("/api/v1/curated").json()[0]
    assert first["name"] == "Stable Diffusion 1.5"
    assert first["source"] == f"{first['repo']}:v1-5-pruned-emaonly.safetensors"
    assert first["licence_url"].startswith("https://")


def test_the_curated_tokenizer_comes_as_the_page_asks_for_it(client, tmp_path):
    [one] = [one for one in client.get("/api/v1/curated").json() if one["kind"] == "tokenizer"]
    assert (one["name"], one["licence"], one["family"]) == ("T5 tokenizer", "Apache-2.0", "")
    asked = {"source": one["source"], "kind": one["kind"], "variant": one["variant"], "name": one["save_as"]}
    done = ended(client, start(client, **asked)["id"])
    assert (done["state"], done["kind"], done["name"]) == ("done", "tokenizer", "tokenizer.json")
    assert (tmp_path / "t5" / "tokenizer.json").read_bytes() == t5_tokenizer()


def test_candidates_are_those_of_the_kind(client):
    for kind, file in (("tokenizer", "tokenizer.json"), ("lora", "model.safetensors")):
        asked = {"source": "google-t5/t5-small", "kind": kind}
        [one] = client.get("/api/v1/downloads/candidates", params=asked).json()
        assert (one["source"], one["file"]) == (f"google-t5/t5-small:{file}", file)
