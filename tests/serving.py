"""A real server in a process of its own, for tests that speak to it from outside."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = re.compile(r"^Darkroom \S+ is at (http://\S+)", re.MULTILINE)
START_SECONDS = 60
READY_SECONDS = 120


class Server:
    """`python -m webui` on a free port, its log kept beside its data. A context manager kills it at the end.

    `flags` go on its command line. It computes on one CPU thread, so that the tests leave room for others.
    """

    def __init__(self, data_dir: Path, *flags: str, ready: bool = False) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.log_file = data_dir.with_name(f"{data_dir.name}-{time.time_ns()}.log")
        self.process = start(data_dir, *flags, log_file=self.log_file)
        try:
            self.address = self._wait_for_address()
            if ready:
                self.wait_ready()
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def log(self) -> str:
        """All it has printed so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def wait_ready(self) -> None:
        """Until the engine is ready; fails with the log if it can't be."""
        health = {}
        for _ in self._waiting(READY_SECONDS, "its engine is not ready"):
            health = httpx.get(f"{self.address}/healthz").json()
            if health["engine"] == "ready":
                return
            if health["engine"] == "failed":
                raise AssertionError(f"{health['detail']}\n{self.log}")

    def stop(self, number: int = signal.SIGTERM, timeout: float = 30) -> int:
        """End it with a signal; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def client(self, name: str | None = None, **options) -> httpx.Client:
        """An HTTP client for it, as the API client of that name if given."""
        headers = {"Darkroom-Client": name} if name else {}
        return httpx.Client(base_url=self.address, headers=headers, timeout=60, **options)

    def _wait_for_address(self) -> str:
        for _ in self._waiting(START_SECONDS, "it does not say where it is"):
            if found := ADDRESS.search(self.log):
                return found[1]
        raise AssertionError

    def _waiting(self, seconds: float, what: str) -> Iterator[None]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"The server ended with {self.process.returncode}:\n{self.log}")
            yield
            time.sleep(0.05)
        raise AssertionError(f"After {seconds} s {what}:\n{self.log}")


def start(data_dir: Path, *flags: str, log_file: Path) -> subprocess.Popen[bytes]:
    """The bare process, on a free port unless `flags` name one."""
    command = [sys.executable, "-m", "webui", "--port", "0", "--use-cpu", "--data-dir", str(data_dir), *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with log_file.open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)


def read_events(
    client: httpx.Client, job_id: str, after: int | None = None
) -> Iterator[tuple[int, str, dict]]:
    """(id, kind, data) of the job's events as they come; closing the iterator closes the connection."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    with client.stream("GET", f"/api/v1/jobs/{job_id}/events", headers=headers) as response:
        assert response.status_code == 200, response.read()
        fields: dict[str, str] = {}
        for line in response.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                yield int(fields["id"]), fields["event"], json.loads(fields["data"])
                fields = {}


def wait_until(condition, seconds: float = 30, step: float = 0.02):
    """The first true value of `condition()`; fails if there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(step)
    raise AssertionError(f"Not within {seconds} s")
