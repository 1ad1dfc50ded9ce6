"""The server as a process: it starts, crashes, starts again and stops. The tests follow one server's life."""

import os
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from tests.serving import ROOT, Server, read_events, start, wait_until
from webui.jobs.store import CUT_OFF, JobStore

SMALL = {"prompt": "a 3d panda on a blue background", "steps": 3}
LONG = {**SMALL, "steps": 20, "n_iter": 1000}


def submit(client, params):
    return client.post("/api/v1/jobs", json=params).json()["id"]


def get(client, job_id):
    return client.get(f"/api/v1/jobs/{job_id}").json()


def in_state(client, job_id, state):
    return wait_until(lambda: (job := get(client, job_id))["state"] == state and job, 60)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("app") / "data") as server:
        server.first_look = [
            httpx.get(server.address, headers={"Accept": "text/html"}),
            httpx.get(f"{server.address}/healthz").json(),
        ]
        yield server


@pytest.fixture(scope="module")
def crashed(server):
    """Ids of the jobs of a server that was killed while drawing the first of them."""
    server.wait_ready()
    with server.client("me") as client:
        running, waiting, last = (submit(client, params) for params in (LONG, SMALL, SMALL))
        wait_until(lambda: len(get(client, running)["images"]) > 0, 60)
    server.kill()
    return running, waiting, last


@pytest.fixture(scope="module")
def restarted(server, crashed):
    """The next server on the same data."""
    with Server(server.data_dir, ready=True) as restarted:
        yield restarted


def test_the_page_is_served_before_the_engine_is_ready(server):
    page, health = server.first_look
    assert page.status_code == 200
    assert "darkroom.css" in page.text
    assert health["engine"] == "starting"


def test_torch_is_not_imported_for_the_page(tmp_path):
    script = f"""
import sys
from pathlib import Path
from webui.app import build_app, build_services
from webui.config import Config
build_app(build_services(Config(data_dir=Path({str(tmp_path)!r}))))
print([name for name in ("torch", "diffusers", "transformers") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_what_can_not_be_had_is_told_in_one_sentence(server, tmp_path):
    """All at once, since each takes a while."""
    port = server.address.rpartition(":")[2]
    no_folder = tmp_path / "file"
    no_folder.touch()
    port_log, data_log, folder_log = (tmp_path / name for name in ("port.log", "data.log", "folder.log"))
    processes = (
        start(tmp_path / "data", "--port", port, log_file=port_log),
        start(server.data_dir, log_file=data_log),
        start(no_folder, log_file=folder_log),
    )
    assert [process.wait(60) for process in processes] == [1, 1, 1]
    assert port_log.read_text() == (
        f"Darkroom can't start: port {port} on 127.0.0.1 can't be used (Address already in use). "
        "Choose another with --port.\n"
    )
    assert data_log.read_text() == (
        f"Darkroom can't start: another Darkroom is using {server.data_dir / 'darkroom.sqlite3'}. "
        "Stop it, or start this one with another --data-dir.\n"
    )
    assert folder_log.read_text() == f"Darkroom can't start: [Errno 17] File exists: '{no_folder}'\n"
    assert httpx.get(f"{server.address}/healthz").status_code == 200


def test_a_crash_interrupts_what_ran_and_the_rest_is_drawn(crashed, restarted):
    running, waiting, last = crashed
    with restarted.client("me") as client:
        interrupted = get(client, running)
        assert (interrupted["state"], interrupted["error"]) == ("interrupted", CUT_OFF)
        assert interrupted["images"]
        assert all(client.get(image["url"]).status_code == 200 for image in interrupted["images"])
        for job_id in (waiting, last):
            assert len(in_state(client, job_id, "done")["images"]) == 1
        assert [job["id"] for job in client.get("/api/v1/jobs").json()] == [last, waiting, running]
        kinds = [kind for _, kind, _ in read_events(client, running, after=3)]
        assert kinds == ["image"] * len(interrupted["images"]) + ["end"]


def test_what_a_crash_cut_off_can_be_run_again(crashed, restarted):
    with restarted.client("me") as client:
        again = client.post(f"/api/v1/jobs/{crashed[0]}/run-again").json()["id"]
        drawn = wait_until(lambda: get(client, again)["images"], 60)
        assert drawn[0]["infotext"] == get(client, crashed[0])["images"][0]["infotext"]
        client.delete(f"/api/v1/jobs/{again}")
        in_state(client, again, "interrupted")


def test_a_stop_ends_streams_and_keeps_the_queue(restarted):
    """The last one: it stops the server."""
    with restarted.client("me") as client:
        running, waiting = submit(client, LONG), submit(client, SMALL)
        in_state(client, running, "running")
        streaming = threading.Event()

        def stream():
            try:
                for _ in read_events(client, running):
                    streaming.set()
            except httpx.HTTPError:
                pass  # cut off

        watcher = threading.Thread(target=stream)
        watcher.start()
        assert streaming.wait(10)
        begun = time.monotonic()
        restarted.stop()
        assert time.monotonic() - begun < 10
        watcher.join(10)
        assert not watcher.is_alive()
    assert len(restarted.log.splitlines()) == 1, restarted.log
    store = JobStore(restarted.data_dir / "darkroom.sqlite3")
    assert {job.id: (job.state, job.error) for job in store.of_owner("client:me", limit=2)} == {
        running: ("interrupted", CUT_OFF),
        waiting: ("queued", None),
    }
    store.close()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_control_c_while_the_engine_starts_ends_at_once_and_quietly(tmp_path):
    with Server(tmp_path / "data") as server:
        wait_until(lambda: httpx.get(f"{server.address}/healthz").json()["detail"] == "loading torch")
        begun = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - begun < 5
        assert server.log == f"Darkroom {server.log.split()[1]} is at {server.address}  (Ctrl+C stops it)\n"
