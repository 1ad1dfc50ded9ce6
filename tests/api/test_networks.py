"""How networks are used and shown, over HTTP: a real catalog over real files."""

import json

import pytest
import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from safetensors.torch import save_file

from webui.api import native
from webui.api.models import build_models_router
from webui.api.networks import build_networks_router
from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.guard import owner_of
from webui.inputs.batches import BatchFolders
from webui.inputs.store import InputStore
from webui.jobs.outputs import Outputs
from webui.jobs.pictures import Pictures
from webui.jobs.store import JobStore

DOWN = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"
FILM = {"kind": "lora", "name": "film/grain.safetensors"}


@pytest.fixture
def loras(tmp_path):
    """A folder with a LoRA in a folder of its own, and two that are called alike."""
    folder = tmp_path / "Lora"
    for name in ("film/grain", "a/paper", "b/paper"):
        file = folder / f"{name}.safetensors"
        file.parent.mkdir(parents=True)
        tags = json.dumps({"5_film": {"grain": 9, "dark": 2}})
        save_file({DOWN: torch.zeros(4, 768)}, file, {"ss_network_alpha": "2.0", "ss_tag_frequency": tags})
    return folder


@pytest.fixture
def pictures(tmp_path):
    store = JobStore(tmp_path / "jobs.sqlite3")
    inputs, outputs = InputStore(tmp_path / "inputs"), Outputs(tmp_path / "outputs")
    yield Pictures(store, outputs, inputs, BatchFolders(tmp_path / "batch"))
    store.close()


@pytest.fixture
def client(loras, pictures):
    catalog = Catalog([ModelFolder(loras, ("lora",))], ModelIndex(), ModelSettingsStore())
    app = FastAPI()
    native.add_error_answers(app)
    app.include_router(build_models_router(catalog, None))
    app.include_router(build_networks_router(catalog, pictures))
    app.dependency_overrides[owner_of] = lambda: "me"
    return TestClient(app)


def listed(client):
    return {model["name"]: model for model in client.get("/api/v1/models?kind=lora").json()}


def upload(pictures, tmp_path, colour, owner="me"):
    file = tmp_path / "one.png"
    Image.new("RGB", (1600, 800), colour).save(file)
    return pictures.upload(owner, file.read_bytes()).id


def test_a_network_tells_how_it_was_trained(client):
    told = client.get("/api/v1/networks", params=FILM).json()
    assert told["facts"] == [{"title": "Rank", "value": "4"}, {"title": "Alpha", "value": "2.0"}]
    assert told["tags"] == [{"tag": "grain", "count": 9}, {"tag": "dark", "count": 2}]
    assert told["trained_words"] == []
    assert told["form"]["values"]["preferred_weight"] is None
    fields = {field["name"]: field for field in told["form"]["fields"]}
    assert fields["sd_version"]["choices"][:4] == ["Unknown", "SD1", "SD2", "SDXL"]
    assert fields["notes"]["kind"] == "lines"


def test_what_is_written_stands_in_a1111s_file_and_in_the_list(client, loras):
    (loras / "film" / "grain.json").write_text('{"id": 7}')
    body = {"activation_text": "grainy", "preferred_weight": 0.6, "negative_text": "flat", "notes": "n"}
    changed = client.put("/api/v1/networks", params=FILM, json=body).json()
    told = [changed[name] for name in ("activation_text", "preferred_weight", "negative_text", "notes")]
    assert told == ["grainy", 0.6, "flat", "n"]
    assert listed(client)[FILM["name"]] == changed
    kept = json.loads((loras / "film" / "grain.json").read_text())
    assert (kept["id"], kept["activation text"], kept["preferred weight"]) == (7, "grainy", 0.6)
    again = client.get("/api/v1/networks", params=FILM).json()["form"]["values"]
    assert again == {**again, **body}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"preferred_weight": 11}, "preferred_weight"),
        ({"preferred_weight": "x"}, "preferred_weight"),
        ({"activation_text": "x" * 1001}, "activation_text"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_can_not_be_meant_is_refused_at_its_field(client, loras, body, field):
    answer = client.put("/api/v1/networks", params=FILM, json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-1] == field
    assert not (loras / "film" / "grain.json").exists()


def test_a_file_that_is_not_a1111s_stays(client, loras):
    (loras / "film" / "grain.json").write_text("[1]")
    answer = client.put("/api/v1/networks", params=FILM, json={"notes": "n"})
    assert answer.status_code == 507
    assert answer.json()["detail"].startswith("grain.json beside the model isn't a file of A1111's metadata")
    assert (loras / "film" / "grain.json").read_text() == "[1]"


def test_a_picture_of_ones_own_becomes_the_preview_and_can_be_replaced(client, loras, pictures, tmp_path):
    Image.new("RGB", (8, 8), "blue").save(loras / "film" / "grain.png")
    first = listed(client)[FILM["name"]]["thumbnail"]
    shown = set()
    for colour in ("red", "green"):
        body = {"picture": upload(pictures, tmp_path, colour)}
        model = client.post("/api/v1/networks/preview", params=FILM, json=body).json()
        shown.add(model["thumbnail"])
        assert client.get(model["thumbnail"]).content == (loras / "film" / "grain.preview.png").read_bytes()
        with Image.open(loras / "film" / "grain.preview.png") as preview:
            assert preview.size == (768, 384)
            assert preview.convert("RGB").getpixel((5, 5)) == Image.new("RGB", (1, 1), colour).getpixel(
                (0, 0)
            )
    assert len(shown | {first}) == 3


def test_anothers_picture_is_none(client, loras, pictures, tmp_path):
    theirs = upload(pictures, tmp_path, "red", owner="someone else")
    for name in (theirs, "0" * 32 + "/1", "../../etc/passwd"):
        answer = client.post("/api/v1/networks/preview", params=FILM, json={"picture": name})
        assert answer.status_code == 422
    assert [path.name for path in (loras / "film").iterdir()] == ["grain.safetensors"]


def test_what_there_is_not_is_told(client):
    for name in ("nothing", "../Lora/film/grain.safetensors"):
        answer = client.get("/api/v1/networks", params={"kind": "lora", "name": name})
        assert answer.status_code == 404
        assert f'There is no lora "{name}".' in answer.json()["detail"]
    assert client.get("/api/v1/networks", params={"kind": "vae", "name": "x"}).status_code == 422


def test_prompts_call_a_file_by_its_stem_unless_two_have_it(client):
    assert {name: model["called"] for name, model in listed(client).items()} == {
        "a/paper.safetensors": "a/paper",
        "b/paper.safetensors": "b/paper",
        "film/grain.safetensors": "grain",
    }
