"""Styles, wildcards, completions, history and preview over HTTP, on real files."""

import pytest
import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient
from safetensors.torch import save_file

from webui.api import native
from webui.api.prompts import build_prompts_router, networks
from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.guard import owner_of
from webui.jobs.events import EventBus
from webui.jobs.service import Jobs
from webui.jobs.store import JobStore
from webui.params import GenerationParams
from webui.prompting.book import PromptBook
from webui.prompting.completions import Completions
from webui.prompting.styles_store import StyleStore
from webui.prompting.tags import Tags
from webui.prompting.wildcards import Wildcards

LORA = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"


@pytest.fixture
def book(tmp_path):
    clothes = tmp_path / "wildcards" / "clothes"
    clothes.mkdir(parents=True)
    (clothes / "hat.txt").write_text("cap\nfez\n# no\nbowler\n")
    theirs = tmp_path / "theirs.csv"
    theirs.write_text("name,prompt\nTheirs,t\n")
    styles = StyleStore([tmp_path / "data" / "styles.csv"], foreign=[theirs])
    return PromptBook(styles, Wildcards([tmp_path / "wildcards"]))


@pytest.fixture
def jobs(tmp_path, catalog, book):
    store = JobStore(tmp_path / "jobs.sqlite3")
    yield Jobs(store, EventBus(), catalog, book)
    store.close()


@pytest.fixture
def client(tmp_path, book, jobs):
    (tmp_path / "Lora" / "deep").mkdir(parents=True)
    save_file({LORA: torch.zeros(4, 768)}, tmp_path / "Lora" / "deep" / "film_grain.safetensors")
    (tmp_path / "Lora" / "broken.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    (tmp_path / "tags").mkdir()
    (tmp_path / "tags" / "t.csv").write_text("film_grain,5,900,\nsaber_(fate),4,7,\n")
    models = Catalog([ModelFolder(tmp_path / "Lora", ("lora",))], ModelIndex(), ModelSettingsStore())
    completions = Completions(lambda: networks(models), book, Tags([tmp_path / "tags"]))
    app = FastAPI()
    native.add_error_answers(app)
    app.include_router(build_prompts_router(book, completions, jobs))
    app.dependency_overrides[owner_of] = lambda: "me"
    return TestClient(app)


def problem(answer, status=422):
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    return detail if isinstance(detail, str) else detail[0]["msg"]


def test_styles_are_kept_changed_renamed_and_deleted(client, book):
    body = {"prompt": "photo of {prompt}", "negative_prompt": "painting"}
    kept = {"name": "Photo", **body, "editable": True}
    assert client.put("/api/v1/styles/Photo", json=body).json() == kept
    assert client.get("/api/v1/styles/Photo").json() == kept
    assert [style["name"] for style in client.get("/api/v1/styles").json()] == ["Photo", "Theirs"]
    renamed = client.put("/api/v1/styles/Photo", json={"prompt": "x", "name": "A/B 100% é?"})
    assert renamed.json()["name"] == "A/B 100% é?"
    assert client.get("/api/v1/styles/A/B%20100%25%20é%3F").json()["prompt"] == "x"
    assert client.delete("/api/v1/styles/A%2FB%20100%25%20é%3F").status_code == 204
    assert [style.name for style in book.styles.listed()] == ["Theirs"]


def test_what_cant_be_done_with_a_style_is_told(client):
    assert problem(client.get("/api/v1/styles/None"), 404) == 'There is no style "None".'
    assert problem(client.delete("/api/v1/styles/x"), 404) == 'There is no style "x".'
    assert "no style" in problem(client.put("/api/v1/styles/x", json={"name": "y"}), 404)
    assert "only reads" in problem(client.delete("/api/v1/styles/Theirs"), 409)
    client.put("/api/v1/styles/Mine", json={})
    assert "already" in problem(client.put("/api/v1/styles/Mine", json={"name": "Theirs"}), 409)
    assert "no line breaks" in problem(client.put(f"/api/v1/styles/{'x' * 201}", json={}))
    assert "no field" in problem(client.put("/api/v1/styles/a", json={"promt": ""}))
    assert "20000" in problem(client.put("/api/v1/styles/a", json={"prompt": "x" * 20_001}))


def test_a_full_disk_is_told(client, tmp_path):
    (tmp_path / "data" / "styles.csv.part").mkdir(parents=True)
    assert "can't be kept" in problem(client.put("/api/v1/styles/a", json={}), 507)


def test_wildcards_tell_their_first_texts(client):
    assert client.get("/api/v1/wildcards").json() == [{"name": "clothes/hat", "count": 3}]
    first = client.get("/api/v1/wildcards/clothes/hat", params={"limit": 2}).json()
    assert first == {"name": "clothes/hat", "count": 3, "lines": ["cap", "fez"]}
    assert "no wildcard" in problem(client.get("/api/v1/wildcards/hat"), 404)
    for outside in ("..%2Ftheirs.csv", "%2Fetc%2Fpasswd", "clothes%2F..%2F..%2Ftheirs"):
        assert client.get(f"/api/v1/wildcards/{outside}").status_code == 404
    assert client.get("/api/v1/wildcards/clothes/hat", params={"limit": 0}).status_code == 422


def test_completions_come_from_everywhere(client):
    client.put("/api/v1/styles/Film", json={"prompt": "noir"})
    assert client.get("/api/v1/completions", params={"q": "film", "limit": 9}).json() == [
        {"kind": "style", "name": "Film", "insert": "noir", "detail": "noir", "count": None},
        {
            "kind": "lora",
            "name": "film_grain",
            "insert": "<lora:film_grain:1>",
            "detail": "SD 1.x",
            "count": None,
        },
        {"kind": "tag", "name": "film grain", "insert": "film grain", "detail": "meta", "count": 900},
    ]
    assert [one["name"] for one in client.get("/api/v1/completions?q=__hat").json()] == ["clothes/hat"]
    assert [one["name"] for one in client.get("/api/v1/completions?q=<").json()] == ["film_grain"]
    assert client.get("/api/v1/completions?q=").json() == []
    assert len(client.get("/api/v1/completions?q=film&limit=1").json()) == 1
    assert client.get("/api/v1/completions?q=film&limit=1000").status_code == 422
    assert client.get("/api/v1/completions", params={"q": "x" * 201}).status_code == 422


def test_the_history_is_ones_own(client, jobs):
    for owner, prompt in (("me", "a cat"), ("other", "a secret cat"), ("me", "a dog"), ("me", "a cat")):
        jobs.submit(owner, GenerationParams(prompt=prompt, negative_prompt="ugly"))
    told = client.get("/api/v1/prompt-history").json()
    assert [(past["prompt"], past["negative_prompt"]) for past in told] == [
        ("a cat", "ugly"),
        ("a dog", "ugly"),
    ]
    assert told[0]["created"] > 1.6e9
    assert [past["prompt"] for past in client.get("/api/v1/prompt-history?q=DOG").json()] == ["a dog"]
    assert len(client.get("/api/v1/prompt-history?limit=1").json()) == 1


def test_a_preview_tells_what_prompts_become(client, book):
    book.styles.save("Photo", "photo of {prompt}", "__none__")
    asked = {"prompt": "a {cat|dog}", "negative_prompt": "ugly", "styles": ["Photo"], "seed": 5, "count": 9}
    told = client.post("/api/v1/prompts/preview", json=asked).json()
    assert [one["seed"] for one in told["prompts"]] == list(range(5, 14))
    assert {one["prompt"] for one in told["prompts"]} == {"photo of a cat", "photo of a dog"}
    assert {one["negative_prompt"] for one in told["prompts"]} == {"ugly, __none__"}
    assert told["notices"] == ["There is no wildcard __none__, so it stays in the prompt as it is."]
    params = GenerationParams(prompt="a {cat|dog}", negative_prompt="ugly", styles=("Photo",))
    drawn = book.prepare(params, range(5, 14)).prompts
    assert [one["prompt"] for one in told["prompts"]] == [one.prompt for one in drawn]
    plain = client.post("/api/v1/prompts/preview", json={"prompt": "a cat"}).json()
    assert plain == {"prompts": [{"seed": 0, "prompt": "a cat", "negative_prompt": ""}], "notices": []}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"prompt": "{a|b"}, "never closed"),
        ({"styles": ["x"]}, 'no style "x"'),
        ({"prompt": "x" * 20_001}, "at most 20000 characters"),
        ({"count": 51}, "less than or equal to 50"),
        ({"seed": -1}, "greater than or equal to 0"),
    ],
)
def test_a_preview_of_what_cant_be_drawn_says_why(client, body, sentence):
    assert sentence in problem(client.post("/api/v1/prompts/preview", json=body))
