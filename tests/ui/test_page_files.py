"""The page's files: kept by browsers for good as long as they are the same, and sent compressed."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.responses import HTMLResponse, StreamingResponse

from webui.compressing import CompressedPage
from webui.ui import page_files
from webui.ui.page_files import PageFiles, edition


@pytest.fixture
def client():
    app = FastAPI()
    app.mount("/darkroom", PageFiles("now"))
    app.add_middleware(CompressedPage)

    @app.get("/")
    def page():
        return HTMLResponse("the same again " * 1000)

    @app.get("/api/v1/events")
    def events():
        return StreamingResponse(iter(["data: 1\n\n"] * 1000), media_type="text/event-stream")

    return TestClient(app)


def test_files_of_the_edition_are_kept_for_good_and_others_asked_for_anew(client):
    kept = client.get("/darkroom/now/main.js")
    assert (kept.status_code, "immutable" in kept.headers["cache-control"]) == (200, True)
    plain = client.get("/darkroom/main.js")
    assert (plain.text, plain.headers["cache-control"]) == (kept.text, "no-cache")
    again = client.get("/darkroom/main.js", headers={"If-None-Match": plain.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["then/main.js", "now/../../app.py", "now/%2e%2e/%2e%2e/app.py", "now", "now/gone.js"]
)
def test_nothing_else_is_served(client, path):
    answer = client.get(f"/darkroom/{path}")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("cache-control", "")


def test_the_edition_is_another_with_any_change(tmp_path, monkeypatch):
    monkeypatch.setattr(page_files, "STATIC", tmp_path)
    (tmp_path / "icons").mkdir()
    (tmp_path / "main.js").write_text("one")
    first = edition()
    assert re.fullmatch("[0-9a-f]{16}", first)
    assert edition() == first
    (tmp_path / "icons" / "a.svg").write_text("two")
    assert edition() != first


def test_the_page_is_compressed_and_streams_are_not(client):
    page = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"
    assert int(page.headers["content-length"]) < len(page.text) / 10
    assert "content-encoding" not in client.get("/", headers={"Accept-Encoding": "identity"}).headers
    events = client.get("/api/v1/events", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in events.headers
