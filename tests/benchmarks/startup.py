"""Time to the page and to the first picture, and peak memory, against a bare diffusers script."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from tests.benchmarks.result import Result
from tests.serving import Server
from webui.config import BUILT_IN_CHECKPOINTS

# What a script does that wants one picture and nothing else. Prints its peak memory in kB.
PLAIN = """
import sys, torch
from pathlib import Path
from diffusers import StableDiffusionPipeline
pipe = StableDiffusionPipeline.from_pretrained(sys.argv[1], local_files_only=True, torch_dtype=torch.float32)
pipe("a 3d panda on a blue background", num_inference_steps=20, guidance_scale=4.0, width=128, height=128)
print([line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line][0])
"""


def run() -> Iterator[Result]:
    """Seconds to the page and to the first picture; peak memory."""
    plain_seconds, plain_memory = _plain()
    begun = time.perf_counter()
    with Server(Path(tempfile.mkdtemp()) / "data") as server:
        _wait(lambda: httpx.get(server.address + "/", headers={"Accept": "text/html"}).status_code == 200)
        page = time.perf_counter() - begun
        job = httpx.post(
            server.address + "/api/v1/jobs", json={"prompt": "a 3d panda on a blue background"}
        ).json()["id"]
        _wait(lambda: httpx.get(f"{server.address}/api/v1/jobs/{job}").json()["state"] == "done")
        picture = time.perf_counter() - begun
        memory = _peak_memory(server.process.pid)
    yield Result("start-up to page", page, "s", plain_seconds)
    yield Result("start-up to first picture", picture, "s", plain_seconds)
    yield Result("peak memory", memory, "MB", plain_memory)


def _plain() -> tuple[float, float]:
    begun = time.perf_counter()
    command = [sys.executable, "-c", PLAIN, str(BUILT_IN_CHECKPOINTS / "darkroom-demo")]
    # As many threads as the server is given.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    out = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    return time.perf_counter() - begun, int(out.split()[-1]) / 1024


def _wait(done: Callable[[], bool], limit: float = 300) -> None:
    until = time.monotonic() + limit
    while time.monotonic() < until:
        try:
            if done():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise TimeoutError


def _peak_memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert match
    return int(match[1]) / 1024


BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {"startup": run}
