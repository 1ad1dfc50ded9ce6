"""Jobs that start from pictures, over HTTP, with the demo model."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.serving import Server, read_events, wait_until

SMALL = {"prompt": "a flat green star", "steps": 4, "seed": 5}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("img2img") / "data", ready=True) as server:
        yield server


@pytest.fixture
def client(server, request):
    with server.client(request.node.name) as client:
        yield client


def encoded(image):
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def gradient(width=128, height=128):
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack((x, y, 255 - x), axis=2).astype(np.uint8))


def half_mask(width=128, height=128):
    mask = Image.new("L", (width, height))
    mask.paste(255, (0, 0, width // 2, height))
    return mask


def brought(client, image):
    answer = client.post("/api/v1/uploads", content=encoded(image))
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def drawn(client, live="", **params):
    answer = client.post("/api/v1/jobs", json={**SMALL, **params}, params={"live": live} if live else {})
    assert answer.status_code == 201, answer.text
    return finished(client, answer.json()["id"])


def finished(client, job_id):
    *_, end = read_events(client, job_id)
    assert end[2] == {"state": "done", "error": None}
    job = client.get(f"/api/v1/jobs/{job_id}").json()
    return job, [opened(client, image) for image in job["images"]]


def opened(client, image):
    answer = client.get(image["url"])
    assert answer.status_code == 200
    with Image.open(io.BytesIO(answer.content)) as picture:
        picture.load()
        return picture


def test_a_picture_is_drawn_from(client):
    name = brought(client, gradient(100, 60))
    job, [picture] = drawn(client, init_images=[name], scale_by=1, denoising_strength=0.5)
    assert picture.size == (100, 60)
    assert "Denoising strength: 0.5" in picture.info["parameters"]
    again, [same] = drawn(
        client,
        init_images=[base64.b64encode(encoded(gradient(100, 60))).decode()],
        scale_by=1,
        denoising_strength=0.5,
    )
    assert same.tobytes() == picture.tobytes()
    assert again["params"]["init_images"] == job["params"]["init_images"] == [name]


def test_what_is_not_masked_stays_to_the_bit(client):
    start = gradient()
    fields = {"init_images": [brought(client, start)], "mask": brought(client, half_mask()), "mask_blur": 0}
    job, [picture] = drawn(client, **fields, denoising_strength=1.0)
    before, after = np.asarray(start), np.asarray(picture)
    assert job["kind"] == "inpaint"
    assert (before[:, 64:] == after[:, 64:]).all()
    assert (before[:, :64] != after[:, :64]).mean() > 0.5


def test_hires_fix_and_the_upscaling_of_a_finished_picture(client):
    hires = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "Lanczos", "denoising_strength": 0.3}
    first, [small] = drawn(client)
    _, [large] = drawn(client, **hires)
    assert (small.size, large.size) == ((128, 128), (192, 192))
    name = first["images"][0]["url"].removeprefix("/api/v1/jobs/").replace("/images", "")
    _, [upscaled] = drawn(client, **hires, firstpass_image=name)
    assert upscaled.size == (192, 192)


def test_extras_enlarge(client):
    name = brought(client, gradient(30, 20))
    job, [picture] = drawn(client, init_images=[name], extras={"upscaling_resize": 3})
    assert picture.size == (90, 60)
    assert (job["kind"], job["steps"], job["share"]) == ("extras", 1, 1.0)
    assert "Postprocess upscale by: 3" in picture.info["parameters"]


def test_a_folder_on_the_server_is_drawn_from(client, server):
    folder = server.data_dir / "batch" / "two"
    folder.mkdir(parents=True)
    for number in (1, 2):
        gradient(64 * number, 64).save(folder / f"{number}.png")
    assert client.get("/api/v1/batch-folders").json() == [{"name": "two", "pictures": 2}]
    _, pictures = drawn(client, init_folder="two", scale_by=1, steps=2)
    assert [picture.size for picture in pictures] == [(64, 64), (128, 64)]


def test_live_painting_draws_the_newest(client, server):
    ids = []
    for shade in range(20):
        image = Image.new("RGB", (128, 128), (shade * 10, 0, 0))
        params = {**SMALL, "init_images": [brought(client, image)], "denoising_strength": 0.5}
        ids.append(client.post("/api/v1/jobs?live=canvas", json=params).json()["id"])
    job, [picture] = finished(client, ids[-1])
    assert picture.size == (128, 128)
    wait_until(lambda: [client.get(f"/api/v1/jobs/{one}").status_code for one in ids] == [404] * 19 + [200])
    assert client.get("/api/v1/jobs").json() == []
    assert client.get("/api/v1/history").json()["total"] == 0
    assert len(list((server.data_dir / "cache" / "live").glob("*.png"))) == 1
    assert job["live"] == "canvas"
