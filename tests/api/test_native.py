"""The native API of a real server with the demo model, and of a small one whose pace the test sets."""

import asyncio
import base64
import contextlib
import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image

from tests.jobs.conftest import mounted
from tests.jobs.test_worker import Painter, Room
from tests.serving import Server, read_events, wait_until
from webui.api import native
from webui.config import Config
from webui.guard import Guard
from webui.settings import Settings

PROMPT = "a 3d panda on a blue background"
SMALL = {"prompt": PROMPT, "steps": 2}
LONG = {"prompt": PROMPT, "steps": 20, "n_iter": 1000}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("api") / "data", ready=True) as server:
        yield server


@pytest.fixture
def client(server, request):
    """An API client of this test's own."""
    with server.client(request.node.name) as client:
        yield client
        for job in client.get("/api/v1/jobs").json():
            client.delete(f"/api/v1/jobs/{job['id']}")


def submit(client, **params):
    answer = client.post("/api/v1/jobs", json=params)
    assert answer.status_code == 201, answer.text
    assert list(answer.json()) == ["id"]
    return answer.json()["id"]


def get(client, job_id):
    answer = client.get(f"/api/v1/jobs/{job_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def in_state(client, job_id, *states):
    def reached():
        job = get(client, job_id)
        return job if job["state"] in states else None

    return wait_until(reached, 60)


def ended(client, job_id):
    return in_state(client, job_id, "done", "failed", "interrupted")


def picture(client, job, number=0):
    answer = client.get(job["images"][number]["url"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    return Image.open(io.BytesIO(answer.content))


# What is refused


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"hires": True}, "hires"),
        ({"steps": "many"}, "steps"),
        ({"steps": 0}, "steps"),
        ({"width": 100_000}, "width"),
        ({"width": 100}, "width"),
        ({"height": None}, "height"),
        ({"seed": -2}, "seed"),
        ({"seed": 2**53}, "seed"),
        ({"cfg_scale": 1e9}, "cfg_scale"),
        ({"prompt": "x" * 20_001}, "prompt"),
        ({"sampler_name": "Nonsense"}, "sampler_name"),
        ({"scheduler": "Nonsense"}, "scheduler"),
        ({"checkpoint": "../../etc/passwd"}, "checkpoint"),
    ],
)
def test_a_wrong_value_names_its_field(client, params, field):
    answer = client.post("/api/v1/jobs", json=params)
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"] == ["body", field]
    assert problem["msg"]
    assert client.get("/api/v1/jobs").json() == []


def test_too_many_pixels_are_refused_with_the_way_out(client):
    answer = client.post("/api/v1/jobs", json={"width": 8192, "height": 8192, "batch_size": 2})
    assert answer.status_code == 422
    assert "Lower the width, the height or the batch size" in answer.json()["detail"][0]["msg"]


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"cfg_scale": NaN}', b'{"prompt": "\xff"}'])
def test_what_is_no_job_is_refused(client, body):
    answer = client.post("/api/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]


def test_too_large_a_body_is_refused(client):
    body = b'{"prompt": "' + b"x" * native.MAX_JOB + b'"}'
    sentence = {"detail": "The job is larger than 96 MiB. Send a smaller one."}
    pieces = (body[start : start + 2**20] for start in range(0, len(body), 2**20))
    for content in (body, pieces):  # of the second the size isn't told before
        answer = client.post("/api/v1/jobs", content=content)
        assert (answer.status_code, answer.json()) == (413, sentence)


def test_unknown_jobs_and_pictures_are_404(client):
    for path in ("", "/events", "/images/0"):
        answer = client.get(f"/api/v1/jobs/nonsense{path}")
        assert answer.status_code == 404
        assert answer.json()["detail"] == "You have no job nonsense."
    for path in ("skip", "run-again"):
        assert client.post(f"/api/v1/jobs/nonsense/{path}").status_code == 404
    assert client.delete("/api/v1/jobs/nonsense").status_code == 404
    job_id = submit(client, **SMALL)
    ended(client, job_id)
    assert client.get(f"/api/v1/jobs/{job_id}/images/1").status_code == 404
    assert client.get(f"/api/v1/jobs/{job_id}/images/../../../x").status_code == 404
    assert client.get(f"/api/v1/jobs/{job_id}/images/{10**30}").status_code == 422


# A job's life


def test_a_job_through_its_life(client):
    long, waiting, last = (submit(client, **LONG), submit(client, **SMALL, n_iter=2), submit(client, **SMALL))
    running = in_state(client, long, "running")
    assert running["steps"] == 20
    assert running["n_iter"] == 1000
    assert [(get(client, job)["state"], get(client, job)["position"]) for job in (waiting, last)] == [
        ("queued", 1),
        ("queued", 2),
    ]
    stepped = wait_until(lambda: (job := get(client, long))["step"] > 2 and job)
    assert stepped["phase"] == "sampling"
    assert stepped["eta"] > 0

    assert client.delete(f"/api/v1/jobs/{last}").json()["state"] == "interrupted"  # out of the queue
    client.delete(f"/api/v1/jobs/{long}")
    interrupted = ended(client, long)
    assert interrupted["state"] == "interrupted"
    assert interrupted["error"] is None
    assert all(client.get(image["url"]).status_code == 200 for image in interrupted["images"])

    done = ended(client, waiting)
    assert (done["state"], done["error"], done["position"], done["step"]) == ("done", None, 0, 2)
    assert [image["seed"] for image in done["images"]] == [done["seed"], done["seed"] + 1]
    assert done["params"]["prompt"] == PROMPT
    assert done["params"]["width"] == 128
    assert [job["id"] for job in client.get("/api/v1/jobs").json()] == [last, waiting, long]
    assert [job["id"] for job in client.get("/api/v1/jobs?limit=1").json()] == [last]
    assert client.delete(f"/api/v1/jobs/{waiting}").json() == done  # it is over already


def test_a_picture_carries_its_parameters(client):
    prompt, negative = "a 3d panda: «大熊猫», on a blue background", "blur, noise"
    job = ended(
        client,
        submit(client, prompt=prompt, negative_prompt=negative, steps=4, seed=11, sampler_name="euler a"),
    )
    [image] = job["images"]
    with picture(client, job) as png:
        assert png.size == (128, 128)
        assert png.info["parameters"] == image["infotext"]
    form = (
        re.escape(f"{prompt}\nNegative prompt: {negative}\n")
        + "Steps: 4, Sampler: Euler a, Schedule type: Automatic, CFG scale: 4, Seed: 11, Size: 128x128, "
        + "Model hash: [0-9a-f]{10}, Model: darkroom-demo, RNG: CPU, Version: Darkroom .+"
    )
    assert re.fullmatch(form, image["infotext"])


def test_the_same_seed_gives_the_same_pixels(client):
    first, second, other = (ended(client, submit(client, **SMALL, seed=seed)) for seed in (5, 5, 6))
    again = ended(client, client.post(f"/api/v1/jobs/{first['id']}/run-again").json()["id"])
    pixels = [picture(client, job).tobytes() for job in (first, second, again, other)]
    assert pixels[0] == pixels[1] == pixels[2] != pixels[3]


def test_run_again_of_a_random_seed_draws_the_same(client):
    first = ended(client, submit(client, **SMALL))
    answer = client.post(f"/api/v1/jobs/{first['id']}/run-again")
    assert answer.status_code == 201
    again = ended(client, answer.json()["id"])
    assert again["seed"] == first["seed"]
    assert picture(client, again).tobytes() == picture(client, first).tobytes()


def test_skipping_leaves_one_batch_out(client):
    job_id = submit(client, prompt=PROMPT, steps=30, n_iter=2, seed=20)
    wait_until(lambda: get(client, job_id)["step"] > 1)
    assert client.post(f"/api/v1/jobs/{job_id}/skip").status_code == 200
    job = ended(client, job_id)
    assert job["state"] == "done"
    assert [image["seed"] for image in job["images"]] == [21]


def test_a_picture_whose_file_is_gone_is_404(client, server):
    job = ended(client, submit(client, **SMALL, seed=987))
    [file] = (server.data_dir / "outputs").rglob("*-987.png")
    file.unlink()
    answer = client.get(job["images"][0]["url"])
    assert answer.status_code == 404
    assert "moved or deleted" in answer.json()["detail"]


# Events


def test_events_come_in_order_with_previews(client):
    job_id = submit(client, prompt=PROMPT, steps=12, n_iter=2)
    events = list(read_events(client, job_id))
    ids = [number for number, _, _ in events]
    assert ids == sorted(set(ids))
    progress = [data for _, kind, data in events if kind == "progress"]
    done = [(data["iteration"], data["step"]) for data in progress if data["state"] == "running"]
    assert done == sorted(done)
    assert {"sampling", "decoding"} <= {data["phase"] for data in progress}
    job = get(client, job_id)
    images = [data for _, kind, data in events if kind == "image"]
    assert [(image["number"], image["url"]) for image in images] == [
        (number, image["url"]) for number, image in enumerate(job["images"])
    ]
    assert events[-1][1:] == ("end", {"state": "done", "error": None})
    previews = [data["images"] for _, kind, data in events if kind == "preview"]
    assert previews
    for [preview] in previews:
        start, _, data = preview.partition(",")
        assert start == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert (image.format, image.size) == ("JPEG", (128, 128))


def test_a_stream_that_broke_off_goes_on(client):
    job_id = submit(client, **SMALL, n_iter=4)
    first = []
    with contextlib.closing(read_events(client, job_id)) as stream:
        for event in stream:
            first.append(event)
            if event[1] == "image":
                break
    second = list(read_events(client, job_id, after=first[-1][0]))
    assert second[0][0] > first[-1][0]
    numbers = [data["number"] for _, kind, data in first + second if kind == "image"]
    assert numbers == [0, 1, 2, 3]
    assert second[-1][1] == "end"
    assert list(read_events(client, job_id, after=second[-1][0])) == []


def test_an_ended_jobs_events_are_told_at_once(client):
    job_id = submit(client, **SMALL)
    ended(client, job_id)
    events = [kind for _, kind, _ in read_events(client, job_id)]
    assert events[-2:] == ["image", "end"]


def test_a_waiting_job_hears_its_turn_come(client):
    first, second, waiting = submit(client, **LONG), submit(client, **LONG), submit(client, **SMALL)
    in_state(client, first, "running")
    ahead, positions = [first, second], []
    for _, kind, data in read_events(client, waiting):
        if kind == "progress" and data["state"] == "queued":
            positions.append(data["position"])
            if ahead:
                client.delete(f"/api/v1/jobs/{ahead.pop()}")
    assert positions[:2] == [2, 1]  # that it is next may be overtaken by its first step


def test_many_may_watch_one_job(client, server):
    job_id = submit(client, **SMALL, n_iter=3)

    def watch(_):
        with server.client(client.headers["Darkroom-Client"]) as another:
            return [data["number"] for _, kind, data in read_events(another, job_id) if kind == "image"]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(watch, range(8))) == [[0, 1, 2]] * 8


# Owners


def test_each_sees_only_their_own(client, server):
    with server.client("another") as another, server.client() as nameless, server.client() as browser:
        page = browser.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 200
        job_ids = {who: submit(who, **SMALL) for who in (client, another, nameless, browser)}
        for who, job_id in job_ids.items():
            assert [job["id"] for job in who.get("/api/v1/jobs").json()] == [job_id]
            assert ended(who, job_id)["state"] == "done"
            path = f"/api/v1/jobs/{job_id}"
            for other in job_ids.keys() - {who}:
                assert [other.get(path + rest).status_code for rest in ("", "/events", "/images/0")] == [
                    404
                ] * 3
                assert other.delete(path).status_code == 404
                assert other.post(f"{path}/skip").status_code == 404
                assert other.post(f"{path}/run-again").status_code == 404


# The server itself


def test_health(client):
    health = client.get("/healthz").json()
    assert (health["status"], health["engine"], health["detail"]) == ("ok", "ready", "ready")
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", health["version"])


def test_the_routes_are_described(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert {
        path: set(methods) for path, methods in paths.items() if "jobs" in path or path == "/healthz"
    } == {
        "/healthz": {"get"},
        "/api/v1/jobs": {"get", "post"},
        "/api/v1/jobs/{job_id}": {"get", "delete"},
        "/api/v1/jobs/{job_id}/skip": {"post"},
        "/api/v1/jobs/{job_id}/run-again": {"post"},
        "/api/v1/jobs/{job_id}/events": {"get"},
        "/api/v1/jobs/{job_id}/images/{number}": {"get"},
    }


@pytest.fixture
def tiny_disk(tmp_path):
    yield from mounted(tmp_path, "1m")


def test_a_full_disk_is_507_with_a_sentence(tiny_disk, catalog):
    room = Room(tiny_disk.folder, catalog, Painter)  # its worker is never started: all jobs wait
    transport = httpx.ASGITransport(app_over(room, tiny_disk.folder))

    async def fill_and_ask():
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            assert (await client.post("/api/v1/jobs", json=SMALL)).status_code == 201
            tiny_disk.fill()
            for _ in range(20):
                refused = await client.post("/api/v1/jobs", json={"prompt": "x" * 20_000})
                if refused.status_code != 201:
                    break
            return refused, await client.get("/api/v1/jobs")

    refused, listed = asyncio.run(fill_and_ask())
    assert refused.status_code == 507
    assert refused.json()["detail"].startswith("The disk is full: ")
    assert listed.json()[-1]["params"]["prompt"] == PROMPT
    room.store.close()


def app_over(room, folder):
    app = FastAPI()
    native.add_error_answers(app)
    app.include_router(native.build_router(room.jobs, room.outputs, room.worker, room.catalog))
    app.add_middleware(Guard, config=Config(data_dir=folder))
    return app


@pytest.fixture
def room(tmp_path, catalog):
    """A queue with an engine whose pace the test sets."""
    room = Room(tmp_path, catalog, Painter)
    room.worker.start()
    yield room
    room.worker.stop()
    room.store.close()


@pytest.fixture
def local(room, tmp_path):
    """A client of a server in this process, over the room."""
    app = app_over(room, tmp_path)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    [port] = [socket.getsockname()[1] for one in server.servers for socket in one.sockets]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Darkroom-Client": "me"}) as client:
        yield client
    server.should_exit = True
    thread.join()


def test_who_leaves_no_longer_watches(room, local):
    job_id = submit(local, prompt="slow")
    channel = room.bus.get(job_id)
    with contextlib.closing(read_events(local, job_id)) as stream:
        next(stream)
        assert channel.watched
    wait_until(lambda: not channel.watched, 5)


def test_a_full_queue_is_429_with_a_sentence(room, local, monkeypatch):
    monkeypatch.setattr("webui.jobs.service.MAX_QUEUED", 2)
    submit(local, prompt="slow")
    room.in_step()
    submit(local)
    submit(local)
    answer = local.post("/api/v1/jobs", json={})
    assert answer.status_code == 429
    assert "2 jobs waiting" in answer.json()["detail"]


def test_a_failed_job_tells_why(room, local):
    job_id = submit(local, prompt="refuse")
    assert list(read_events(local, job_id))[-1][1:] == (
        "end",
        {"state": "failed", "error": "There isn't enough memory. Lower the width."},
    )
    job = get(local, job_id)
    assert (job["state"], job["error"]) == ("failed", "There isn't enough memory. Lower the width.")


# Scripts


def test_a_plot_is_told_with_its_grid_first(room, local):
    script = {"name": "X/Y/Z plot", "x_axis": "Steps", "x_values": "1-3"}
    job_id = submit(local, prompt="paint", script=script)
    told = [data for _, kind, data in read_events(local, job_id) if kind == "image"]
    assert [data["kind"] for data in told] == ["picture"] * 3 + ["grid"]
    job = get(local, job_id)
    assert [image["kind"] for image in job["images"]] == ["grid"] + ["picture"] * 3
    assert (job["image_count"], job["n_iter"]) == (3, 3)
    assert picture(local, job).width == 3 * 8
    [listed] = local.get("/api/v1/jobs").json()
    assert [image["kind"] for image in listed["images"]] == ["grid"]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ({"name": "X/Y/Z plot", "x_axis": "Steps", "x_values": "1,x"}, 'X axis, Steps: "x" is no number'),
        ({"name": "Custom code"}, "X/Y/Z plot"),
        ({"name": "Prompt matrix", "margin_size": 501}, "less than or equal to 500"),
    ],
)
def test_a_script_that_can_not_be_run_is_refused(local, script, sentence):
    answer = local.post("/api/v1/jobs", json={"prompt": "a cat", "script": script})
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"][:2] == ["body", "script"]
    assert sentence in problem["msg"]


@pytest.mark.parametrize(
    ("name", "media_type"), [("jpg", "image/jpeg"), ("webp", "image/webp"), ("avif", "image/avif")]
)
def test_pictures_are_served_as_what_they_are(room, local, name, media_type):
    room.outputs._settings = lambda: Settings(samples_format=name)
    job = ended(local, submit(local))
    answer = local.get(job["images"][0]["url"])
    assert answer.headers["content-type"] == media_type
    assert Image.open(io.BytesIO(answer.content)).size == (8, 8)


def test_checkpoints_are_listed_with_their_settings(client):
    (demo,) = client.get("/api/v1/checkpoints").json()
    assert demo["name"] == "darkroom-demo"
    assert demo["problem"] is None
    assert demo["defaults"]["width"] == 128
    assert demo["examples"][0] == "a 3d panda on a blue background"


def test_an_unknown_field_is_named_in_a_sentence(client):
    answer = client.post("/api/v1/jobs", json={"prompt": "a flat star", "sampler_index": "Euler"})
    assert answer.status_code == 422
    assert answer.json()["detail"] == [
        {
            "type": "extra_forbidden",
            "loc": ["body", "sampler_index"],
            "msg": 'There is no field "sampler_index".',
        }
    ]
