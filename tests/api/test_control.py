"""Preprocessors, control types and maps over HTTP."""

import base64
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from tests.catalog.samples import write
from tests.serving import Server

HINT = {"control_model.input_hint_block.0.weight": (16, 3, 3, 3)}
XL = {**HINT, "control_model.label_emb.0.0.weight": (8, 8)}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    data = tmp_path_factory.mktemp("control") / "data"
    for name, shapes in (("a_canny_xl", XL), ("b_canny", HINT), ("my_tile", HINT)):
        write(data / "models" / "ControlNet" / f"{name}.safetensors", shapes)
    with Server(data) as server:
        yield server


@pytest.fixture
def client(server, request):
    with server.client(request.node.name) as client:
        yield client


def png(size=(64, 48)):
    image = Image.new("RGB", size, "white")
    image.paste("black", (16, 12, size[0] - 16, size[1] - 12))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def brought(client, data):
    return client.post("/api/v1/uploads", content=data).json()["id"]


def preview(client, image, **fields):
    return client.post("/api/v1/control/preview", json={"image": image, **fields})


def seen(client, view):
    answer = client.get(view["url"])
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))


def test_preprocessors_tell_their_sliders(client):
    found = {one["name"]: one for one in client.get("/api/v1/control/preprocessors").json()}
    assert found["canny"]["threshold_a"] == {
        "title": "Low Threshold",
        "default": 100,
        "least": 1,
        "most": 255,
        "step": 1,
    }
    assert found["canny"]["missing"] is found["none"]["threshold_a"] is None
    assert found["reference_only"]["steers"] is True
    assert found["inpaint_only"]["needs_mask"] is True


def test_types_sort_models_and_put_those_that_go_with_the_checkpoint_first(client):
    types = client.get("/api/v1/control/types", params={"checkpoint": "darkroom-demo"}).json()
    assert next(iter(types)) == "All"
    canny = types["Canny"]
    own = [model["name"] for model in canny["models"] if model["name"].startswith(("a_", "b_"))]
    assert own == ["b_canny.safetensors", "a_canny_xl.safetensors"]
    unfit = canny["models"][-1]
    assert (unfit["family"], unfit["kind"]) == ("sdxl", "controlnet")
    assert "is for SDXL" in unfit["problem"]
    assert canny["default_module"] == "canny"
    assert canny["default_model"] in [m["name"] for m in canny["models"] if m["problem"] is None]
    assert {"none", "invert", "canny"} <= set(canny["modules"])
    assert types["Tile/Blur"]["default_model"] == "my_tile.safetensors"
    assert types["Reference"]["models"] == []
    everywhere = client.get("/api/v1/control/types").json()["Canny"]["models"]
    assert {model["problem"] for model in everywhere if model["name"].startswith(("a_", "b_"))} == {None}


def test_a_map_is_made_and_kept_as_an_upload(client):
    answer = preview(client, brought(client, png()), module="canny", processor_res=96)
    assert answer.status_code == 201, answer.text
    view = answer.json()
    assert (view["width"], view["height"]) == (128, 96)
    pixels = seen(client, view)
    assert set(np.unique(pixels)) == {0, 255}
    again = preview(client, view["id"], module="none").json()
    assert np.array_equal(seen(client, again), pixels)


def test_pictures_may_be_enclosed_and_masked(client):
    enclosed = base64.b64encode(png()).decode()
    view = preview(client, enclosed, mask=f"data:image/png;base64,{enclosed}", module="inpaint_only").json()
    pixels = seen(client, view)
    assert pixels.max() == 0  # white paper is masked, the rest is black
    perfect = preview(client, enclosed, module="canny", pixel_perfect=True, width=256, height=256).json()
    assert (perfect["width"], perfect["height"]) == (341, 256)


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"module": "cany"}, "module", 'There is no preprocessor "cany" here.'),
        ({"image": "0" * 32}, "image", "You have no picture"),
        ({"image": "!"}, "image", "neither the id of an uploaded picture"),
        ({"image": ""}, "image", "at least 1 character"),
        ({"mask": "0" * 32}, "mask", "You have no picture"),
        ({"processor_res": 1_000_000}, "processor_res", "less than or equal to 4096"),
        ({"threshold_a": "nan"}, "threshold_a", "finite number"),
    ],
)
def test_what_can_not_be_mapped_is_refused_in_a_sentence(client, fields, field, sentence):
    image = base64.b64encode(png()).decode()
    answer = client.post("/api/v1/control/preview", json={"image": image, "module": "canny", **fields})
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["body", field]
    assert sentence in problem["msg"]


def test_anothers_picture_can_not_be_mapped(server, client):
    theirs = brought(client, png())
    with server.client("somebody-else") as other:
        assert preview(other, theirs).status_code == 422


def test_many_at_once_are_made_one_by_one_and_the_server_answers_meanwhile(server, client):
    image = base64.b64encode(png((400, 300))).decode()

    def asked(number):
        with server.client(f"one of many {number}") as other:
            return preview(other, image, module="canny").status_code

    with ThreadPoolExecutor(12) as pool:
        codes = [pool.submit(asked, number) for number in range(12)]
        assert client.get("/healthz", timeout=10).status_code == 200
        assert {code.result() for code in codes} == {201}


def test_nobody_fills_the_queue(client):
    name = brought(client, png((400, 300)))
    with ThreadPoolExecutor(30) as pool:
        answers = [pool.submit(preview, client, name, module="canny", processor_res=2048) for _ in range(30)]
        codes = [answer.result().status_code for answer in answers]
    assert set(codes) == {201, 409}
