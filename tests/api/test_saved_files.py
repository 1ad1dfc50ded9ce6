"""Pictures' files that are moved while they are asked for."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from webui.api.saved_files import GONE, SavedFile, saved_picture

DATA = bytes(range(256)) * 600


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "1.png"
    file.write_bytes(DATA)
    return file


class MovedOnOpen(Path().__class__):
    """Is there to be looked at, and gone once it is opened."""

    def __fspath__(self):
        self.asked = getattr(self, "asked", 0) + 1
        if self.asked > 1:
            Path(str(self)).unlink(missing_ok=True)
        return str(self)


def client_of(make):
    app = FastAPI()
    app.get("/")(make)
    return TestClient(app)


def answer_of(path, **headers):
    def sent() -> SavedFile:
        return saved_picture(path)

    return client_of(sent).get("/", headers=headers)


def test_a_file_is_sent_whole_or_in_part(file):
    whole = answer_of(file)
    assert (whole.status_code, whole.content) == (200, DATA)
    assert whole.headers["content-type"] == "image/png"
    assert whole.headers["cache-control"] == "private, max-age=31536000"
    part = answer_of(file, Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, DATA[10:20])


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=10-19"}])
def test_a_file_that_goes_before_it_is_read_is_404(file, headers):
    moved = MovedOnOpen(file)
    for path in (None, moved, file):
        answer = answer_of(path, **headers)
        assert (answer.status_code, answer.json()) == (404, {"detail": GONE})
    assert moved.asked > 1
