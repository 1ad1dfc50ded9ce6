"""Uploads and folders of pictures, over HTTP."""

import asyncio
import base64
import io
import os

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from tests.jobs.conftest import mounted
from tests.jobs.test_worker import Painter, Room
from tests.serving import wait_until
from webui.api import native, uploads
from webui.config import Config
from webui.guard import Guard

FORMATS = [("PNG", {}), ("JPEG", {}), ("WEBP", {}), ("GIF", {}), ("BMP", {}), ("TIFF", {}), ("AVIF", {})]


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def picture(size=(16, 12), mode="RGB"):
    return Image.frombytes(mode, size, os.urandom(len(mode) * size[0] * size[1]))


class Client:
    """Asks an app in this process, as the API client of some name."""

    def __init__(self, room, folder):
        app = FastAPI()
        native.add_error_answers(app)
        app.include_router(native.build_router(room.jobs, room.outputs, room.worker, room.catalog))
        app.include_router(uploads.build_uploads_router(room.pictures))
        app.add_middleware(Guard, config=Config(data_dir=folder))
        self.room = room
        self._app = app

    def __call__(self, method, path, who="me", **options):
        async def ask():
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                headers = {"Darkroom-Client": who, **options.pop("headers", {})}
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(ask())


@pytest.fixture
def ask(tmp_path, catalog):
    room = Room(tmp_path, catalog, Painter)
    yield Client(room, tmp_path)
    room.store.close()


def brought(ask, data, who="me", **query):
    answer = ask("POST", "/api/v1/uploads", who, content=data, params=query)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize(("kind", "options"), FORMATS)
def test_pictures_of_any_format_are_taken(ask, kind, options):
    told = brought(ask, encoded(picture(), kind, **options))
    assert told == {"id": told["id"], "width": 16, "height": 12, "has_alpha": False}
    answer = ask("GET", f"/api/v1/uploads/{told['id']}")
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (16, 12)


def test_a_form_is_taken_too(ask):
    data = encoded(picture(mode="RGBA"))
    form = ask("POST", "/api/v1/uploads", files={"file": ("a.png", data, "image/png")})
    assert form.json() == brought(ask, data)
    assert form.json()["has_alpha"] is True
    assert ask("POST", "/api/v1/uploads", files={}, data={"a": "b"}).status_code == 422


def test_anothers_upload_is_404_with_a_sentence(ask):
    told = brought(ask, encoded(picture()))
    for path, who in ((told["id"], "you"), ("0" * 32, "me"), ("..%2f..%2fjobs.sqlite3", "me")):
        answer = ask("GET", f"/api/v1/uploads/{path}", who)
        assert answer.status_code == 404
    assert "You have no picture" in ask("GET", f"/api/v1/uploads/{told['id']}", "you").json()["detail"]


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", encoded(picture())[:60]],
    ids=["empty", "text", "svg", "cut"],
)
def test_what_is_no_picture_is_422_with_a_sentence(ask, data):
    answer = ask("POST", "/api/v1/uploads", content=data)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("This file is")


def test_too_large_a_file_is_413_with_a_sentence(ask):
    data = b"x" * (uploads.MAX_BODY + 1)

    async def pieces():
        for start in range(0, len(data), 2**22):
            yield data[start : start + 2**22]

    sentence = "The picture is larger than 64 MiB. Send a smaller one."
    for content in (data, pieces()):
        answer = ask("POST", "/api/v1/uploads", content=content)
        assert (answer.status_code, answer.json()) == (413, {"detail": sentence})


def test_a_full_disk_is_507_with_a_sentence(tmp_path, catalog):
    for disk in mounted(tmp_path, "2m"):
        room = Room(disk.folder, catalog, Painter)
        answer = Client(room, disk.folder)("POST", "/api/v1/uploads", content=encoded(picture()))
        assert answer.status_code == 507
        assert answer.json()["detail"].startswith("The disk is full: ")
        room.store.close()


def test_a_parent_is_kept_if_it_is_ones_own(ask):
    ask.room.worker.start()
    posted(ask)
    [job] = wait_until(lambda: ask.room.jobs.listed("client:me"))
    wait_until(lambda: ask.room.jobs.get(job.owner, job.id).ended)
    data = encoded(picture())
    for parent, known in ((f"{job.id}/0", True), (f"{job.id}/7", False), ("nonsense", False)):
        told = brought(ask, data, parent=parent)
        assert ask.room.inputs.look("client:me", told["id"]).parent == (parent if known else "")
    theirs = brought(ask, data, "you", parent=f"{job.id}/0")
    assert ask.room.inputs.look("client:you", theirs["id"]).parent == ""
    ask.room.worker.stop()


def test_batch_folders_are_listed(ask, tmp_path):
    assert ask("GET", "/api/v1/batch-folders").json() == []
    folder = tmp_path / "batch" / "holiday"
    folder.mkdir(parents=True)
    (folder / "1.png").write_bytes(encoded(picture()))
    assert ask("GET", "/api/v1/batch-folders").json() == [{"name": "holiday", "pictures": 1}]


# Jobs


def posted(ask, live="", **params):
    return ask("POST", "/api/v1/jobs", json=params, params={"live": live} if live else {})


def job_of(ask, answer):
    assert answer.status_code == 201, answer.text
    return ask("GET", f"/api/v1/jobs/{answer.json()['id']}").json()


def test_pictures_in_base64_become_uploads(ask):
    data = encoded(picture((700, 700)))  # more than other bodies may have
    text = base64.b64encode(data).decode()
    assert len(text) > native.MAX_BODY
    told = brought(ask, data)
    job = job_of(ask, posted(ask, init_images=[text, f"data:image/png;base64,{text}"], mask=text))
    assert job["params"]["init_images"] == [told["id"]] * 2
    assert job["params"]["mask"] == told["id"]
    assert job["kind"] == "inpaint"
    assert (job["n_iter"], job["live"]) == (2, "")


@pytest.mark.parametrize(
    ("params", "field", "sentence"),
    [
        ({"init_images": ["*"]}, "init_images", "neither the id of an uploaded picture"),
        ({"init_images": ["0" * 32]}, "init_images", "You have no picture"),
        ({"mask": "AAAA"}, "mask", "is not a picture"),
        ({"init_folder": "../.."}, "init_folder", "no folder"),
        ({"extras": {}}, "init_images", "need a picture"),
        ({"script": {"name": "Loopback"}}, "init_images", "starts from a picture"),
        ({"enable_hr": True, "hr_upscaler": "Nonsense"}, "hr_upscaler", "no upscaler"),
        ({"enable_hr": True, "hr_sampler_name": "Nonsense"}, "hr_sampler_name", "no sampler"),
        ({"enable_hr": True, "hr_scheduler": "Nonsense"}, "hr_scheduler", "no schedule type"),
        ({"enable_hr": True, "hr_checkpoint_name": "Nonsense"}, "hr_checkpoint_name", "no checkpoint"),
        ({"detailer": "Nonsense"}, "detailer", "no detector"),
        ({"detailer": "Mask"}, "detailer_mask", "a mask"),
    ],
)
def test_what_can_not_be_used_names_its_field(ask, params, field, sentence):
    answer = posted(ask, **params)
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"] == ["body", field]
    assert sentence in problem["msg"]


def test_names_of_hires_fix_become_proper(ask):
    job = job_of(
        ask,
        posted(
            ask,
            **{"enable_hr": True, "hr_upscaler": "latent (nearest)", "hr_sampler_name": "dpm++ 2m karras"},
            hr_checkpoint_name="Use same checkpoint",
        ),
    )
    told = [job["params"][name] for name in ("hr_upscaler", "hr_sampler_name", "hr_scheduler")]
    assert told == ["Latent (nearest)", "DPM++ 2M", "Karras"]
    assert job["params"]["hr_checkpoint_name"] == ""


@pytest.mark.parametrize(
    "body",
    [b"[" * 2**21, b'{"init_images": [' + b"[]," * 2**20 + b"[]]}", b'{"prompt": "' + b"[" * 2**21 + b'"}'],
)
def test_json_of_millions_of_parts_is_refused(ask, body):
    answer = ask("POST", "/api/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The job has too many parts. Send less."


def test_of_listed_jobs_only_the_first_init_image_is_told(ask):
    names = [brought(ask, encoded(picture()))["id"] for _ in range(3)]
    job = job_of(ask, posted(ask, init_images=names))
    assert job["params"]["init_images"] == names
    [listed] = ask("GET", "/api/v1/jobs").json()
    assert listed["params"]["init_images"] == names[:1]


def test_a_live_job_takes_the_place_of_the_one_before(ask):
    first, second = (posted(ask, "canvas").json()["id"] for _ in range(2))
    assert ask("GET", f"/api/v1/jobs/{first}").status_code == 404
    assert ask("GET", f"/api/v1/jobs/{second}").json()["live"] == "canvas"
    assert [job["id"] for job in ask("GET", "/api/v1/jobs").json()] == [second]
    assert posted(ask, "x" * 101).status_code == 422
