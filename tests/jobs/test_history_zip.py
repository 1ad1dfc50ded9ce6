"""Zip files of the history, read back with the standard library."""

import io
import os
import tracemalloc
import zipfile

import pytest

from tests.jobs.histories import Room
from webui.jobs.history_zip import CHUNK, zipped
from webui.settings import Settings


def unzipped(pieces):
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path, Settings())
    yield room
    room.store.close()


def test_pictures_are_zipped_as_they_are(room):
    names = [room.picture(seed=seed) for seed in range(3)]
    room.history.trash("me", [names[1]])
    files = [room.file(name) for name in names]
    zipped_files = unzipped(room.history.zip("me", names))
    assert list(zipped_files) == ["00000-0.png", "00001-1.png", "00002-2.png"]
    assert list(zipped_files.values()) == [file.read_bytes() for file in files]


def test_names_that_come_again_get_a_number(tmp_path):
    files = []
    for number, name in enumerate(["a.png", "A.png", "a.png", "a (2).png", "missing.txt"]):
        file = tmp_path / str(number) / name
        file.parent.mkdir()
        file.write_bytes(bytes([number]))
        files.append((name, file))
    assert unzipped(zipped(files)) == {
        "a.png": b"\0",
        "A (2).png": b"\1",
        "a (3).png": b"\2",
        "a (2) (2).png": b"\3",
        "missing (2).txt": b"\4",
    }


def test_what_is_gone_is_listed_inside(room):
    here, gone = room.picture(seed=1), room.picture(seed=2)
    room.file(gone).unlink()
    files = unzipped(room.history.zip("me", [gone, here, "f" * 32 + "/0"]))
    assert list(files) == ["00000-1.png", "missing.txt"]
    assert files["missing.txt"].decode().splitlines()[1:] == ["00001-2.png"]


def test_a_file_that_goes_while_it_is_zipped_is_listed_too(tmp_path):
    files = [(name, tmp_path / name) for name in ("a.png", "b.png")]
    for _, file in files:
        file.write_bytes(b"x" * 3 * CHUNK)
    pieces = zipped(files)
    begun = [next(pieces)]
    files[1][1].unlink()
    found = unzipped([*begun, *pieces])
    assert len(found["a.png"]) == 3 * CHUNK
    assert "b.png" in found["missing.txt"].decode()


def test_it_is_never_held_in_memory(tmp_path):
    file = tmp_path / "large.png"
    file.write_bytes(bytes(range(256)) * 4096 * 40)
    tracemalloc.start()
    length = sum(len(piece) for piece in zipped([("a.png", file)] * 3))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length > 3 * 40 * 2**20
    assert peak < 8 * CHUNK


def test_dates_that_zip_files_do_not_know_are_no_trouble(tmp_path):
    file = tmp_path / "old.png"
    file.write_bytes(b"old")
    os.utime(file, (0, 0))
    assert unzipped(zipped([("old.png", file)])) == {"old.png": b"old"}
