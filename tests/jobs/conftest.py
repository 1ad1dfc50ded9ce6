"""A disk that is soon full."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Disk:
    """`folder` is a disk of its own."""

    folder: Path

    def fill(self):
        with (self.folder / "filler").open("wb", buffering=0) as stream:
            try:
                while True:
                    if stream.write(b"x" * 4096) < 4096:
                        return
            except OSError:
                return

    def empty(self):
        (self.folder / "filler").unlink()


def mounted(folder: Path, size: str):
    if not shutil.which("mount"):
        pytest.skip("needs mount")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True
    )
    if done.returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def tiny_disk(tmp_path):
    """1 MB, less than what is asked for before a job is drawn."""
    yield from mounted(tmp_path, "1m")


@pytest.fixture
def small_disk(tmp_path):
    """Large enough for a job to begin."""
    yield from mounted(tmp_path, "72m")
