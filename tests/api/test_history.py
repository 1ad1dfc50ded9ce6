"""The history over HTTP, on real files."""

import io
import json
import zipfile

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from tests.jobs.histories import Room
from tests.serving import Server, wait_until
from webui.api import native
from webui.api.history import build_history_router
from webui.guard import owner_of
from webui.settings import Settings

JSON = {"Content-Type": "application/json"}
UNKNOWN = "f" * 32 + "/0"


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path, Settings())
    yield room
    room.store.close()


def client_of(room, owner):
    app = FastAPI()
    native.add_error_answers(app)
    app.include_router(build_history_router(room.history, room.thumbnails))
    app.dependency_overrides[owner_of] = lambda: owner
    return TestClient(app)


@pytest.fixture
def client(room):
    return client_of(room, "me")


@pytest.fixture
def stranger(room):
    return client_of(room, "you")


def get(client, path="", **query):
    answer = client.get(f"/api/v1/history{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(client, path, **body):
    answer = client.post(f"/api/v1/history/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["count"]


def problem(answer, status):
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    return detail if isinstance(detail, str) else detail[0]["msg"]


def ids(client, **query):
    page = get(client, **query)
    assert page["total"] == len(page["pictures"])
    return [picture["id"] for picture in page["pictures"]]


def test_a_page_tells_of_each_picture(room, client):
    parent = room.picture(created=1)
    name = room.picture(
        prompt="a dog", negative_prompt="blur", seed=9, created=2, parents=(parent,), width=40, height=24
    )
    page = get(client, limit=1)
    assert page == {
        "total": 2,
        "pictures": [
            {
                "id": name,
                "url": f"/api/v1/jobs/{name.replace('/', '/images/')}",
                "thumbnail": f"/api/v1/history/{name}/thumbnail",
                "width": 40,
                "height": 24,
                "seed": 9,
                "prompt": "a dog",
                "checkpoint": "demo",
                "created": 2.0,
                "kind": "picture",
                "favourite": False,
                "trashed": None,
                "gone": False,
                "parents": [parent],
            }
        ],
    }
    assert [picture["id"] for picture in get(client, offset=1)["pictures"]] == [parent]


def test_pictures_are_chosen_by_the_query(room, client):
    one = room.picture(prompt="Ein Hügel", created=1_893_500_000, checkpoint="one")
    two = room.picture(prompt="a dog", created=1_900_000_000, kind="grid")
    post(client, "favourite", ids=[two], favourite=True)
    for query, expected in [
        ({}, [two, one]),
        ({"q": "hÜGEL"}, [one]),
        ({"checkpoint": "one"}, [one]),
        ({"since": "2030-02-01"}, [two]),
        ({"until": "2030-02-01"}, [one]),
        ({"favourite": "true"}, [two]),
        ({"favourite": "false"}, [one]),
        ({"kind": "grid"}, [two]),
        ({"trash": "true"}, []),
    ]:
        assert ids(client, **query) == expected, query


def test_facets_tell_what_there_is(room, client):
    name = room.picture(created=1_893_500_000)
    thrown = room.picture()
    post(client, "favourite", ids=[name])
    post(client, "trash", ids=[thrown])
    facets = get(client, "/facets")
    assert facets["checkpoints"] == [{"name": "demo", "count": 1}]
    assert [day["count"] for day in facets["days"]] == [1]
    assert (facets["total"], facets["favourites"], facets["trash"]) == (1, 1, 1)


def test_one_picture_is_told_in_full(room, client):
    parent = room.picture(created=1)
    long = "a cat, " * 500
    name = room.picture(
        created=2, prompt=long, negative_prompt="blur", parents=(parent,), init_images=(parent,)
    )
    told = get(client, f"/{name}")
    assert told["prompt"] == long
    assert told["negative_prompt"] == "blur"
    assert told["infotext"].startswith("a cat, a cat")
    assert [node["id"] for node in told["lineage"]["nodes"]] == [parent, name]
    assert told["lineage"]["nodes"][0]["picture"]["thumbnail"] == f"/api/v1/history/{parent}/thumbnail"
    assert told["lineage"]["edges"] == [{"parent": parent, "child": name, "way": "img2img"}]
    assert told["lineage"]["more"] is False
    (listed,) = get(client, limit=1)["pictures"]
    assert len(listed["prompt"]) == 1000
    post(client, "trash", ids=[parent])
    post(client, "empty", ids=None)
    assert get(client, f"/{name}")["lineage"]["nodes"][0] == {"id": parent, "picture": None}


def test_pictures_go_to_the_trash_and_come_back(room, client):
    one, two = room.picture(created=1), room.picture(created=2)
    assert post(client, "trash", ids=[one, one, UNKNOWN]) == 1
    assert ids(client) == [two]
    (thrown,) = get(client, trash=True)["pictures"]
    assert thrown["trashed"]
    assert thrown["url"] == f"/api/v1/history/{one}/image"
    answer = client.get(thrown["url"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(answer.content)).info["parameters"].startswith("a cat")
    assert client.get(thrown["thumbnail"]).status_code == 200
    assert post(client, "restore", ids=[one]) == 1
    assert ids(client) == [two, one]
    post(client, "trash", ids=[one, two])
    assert post(client, "empty", ids=[one]) == 1
    assert post(client, "empty", ids=None) == 1
    assert get(client)["total"] == get(client, trash=True)["total"] == 0
    assert room.kept() == []


def test_a_picture_whose_file_is_gone_is_listed_as_gone(room, client):
    name = room.picture()
    room.file(name).unlink()
    (picture,) = get(client)["pictures"]
    assert picture["gone"]
    assert "its file is gone" in problem(client.get(picture["thumbnail"]), 404)
    assert "no longer there" in problem(client.get(f"/api/v1/history/{name}/image"), 404)


def test_files_that_cannot_be_moved_are_told_in_a_sentence(room, client):
    name = room.picture()
    (room.outputs.folder / ".trash").write_text("in the way")
    sentence = problem(client.post("/api/v1/history/trash", json={"ids": [name]}), 507)
    assert sentence.startswith("The pictures can't be put into the trash in ")
    assert ids(client) == [name]


# Thumbnails


def test_thumbnails_are_small_and_kept_by_browsers(room, client):
    name = room.picture()
    answer = client.get(f"/api/v1/history/{name}/thumbnail")
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"] == "private, max-age=604800"
    assert Image.open(io.BytesIO(answer.content)).size == (40, 24)
    tag = answer.headers["etag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}'):
        again = client.get(f"/api/v1/history/{name}/thumbnail", headers={"If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    file = room.file(name)
    Image.new("RGB", (24, 40)).save(file)
    changed = client.get(f"/api/v1/history/{name}/thumbnail", headers={"If-None-Match": tag})
    assert Image.open(io.BytesIO(changed.content)).size == (24, 40)
    file.write_bytes(b"damaged")
    assert "no thumbnail" in problem(client.get(f"/api/v1/history/{name}/thumbnail"), 404)


# Zip files


@pytest.mark.parametrize("method", ["get", "post"])
def test_pictures_are_taken_along_as_a_zip_file(room, client, method):
    names = [room.picture(seed=seed) for seed in range(3)]
    sent = {"ids": [",".join(names[:2]), names[2]]}
    answer = client.request(method, "/api/v1/history/zip", **{"params" if method == "get" else "data": sent})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="darkroom-')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert [archive.read(name) for name in archive.namelist()] == [
            room.file(name).read_bytes() for name in names
        ]


def test_a_zip_file_has_a_thousand_pictures_at_most(room, client):
    name = room.picture()
    job = name.split("/")[0]
    many = ",".join([name, *(f"{job}/{number}" for number in range(1, 1000))])
    assert client.post("/api/v1/history/zip", data={"ids": many}).status_code == 200
    sentence = problem(client.post("/api/v1/history/zip", data={"ids": f"{many},{job}/1000"}), 422)
    assert sentence == "These are 1,001 pictures. Take 1,000 at most at a time."


@pytest.mark.parametrize(
    ("named", "status", "sentence"),
    [
        ("", 422, "No pictures are named. Choose some first."),
        (",,", 422, "No pictures are named. Choose some first."),
        (
            "../../etc/passwd",
            422,
            '"../../etc/passwd" names no finished picture. Their names are <job>/<number>.',
        ),
        (UNKNOWN, 404, f"You have no picture {UNKNOWN}."),
    ],
)
def test_a_zip_file_of_nothing_is_refused(client, named, status, sentence):
    assert problem(client.get("/api/v1/history/zip", params={"ids": named}), status) == sentence


# What is refused


@pytest.mark.parametrize("path", ["", "/image", "/thumbnail"])
@pytest.mark.parametrize("name", [UNKNOWN, "nonsense/1", "..%5csecret/0", "%00/0", "%ff/0"])
def test_an_unknown_picture_is_not_found(client, name, path):
    assert "You have no picture" in problem(client.get(f"/api/v1/history/{name}{path}"), 404)


def test_anothers_pictures_are_unknown(room, client, stranger):
    name = room.picture()
    assert get(stranger)["total"] == get(stranger, "/facets")["total"] == 0
    for path in ("", "/image", "/thumbnail"):
        assert problem(stranger.get(f"/api/v1/history/{name}{path}"), 404) == f"You have no picture {name}."
    assert problem(stranger.get("/api/v1/history/zip", params={"ids": name}), 404)
    for act in ("favourite", "trash", "restore", "empty"):
        assert post(stranger, act, ids=[name]) == 0
    assert ids(client) == [name]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 501},
        {"offset": -1},
        {"offset": 10**30},
        {"q": "x" * 201},
        {"since": "yesterday"},
        {"until": "2030-13-01"},
        {"kind": "sculpture"},
        {"favourite": "perhaps"},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(client, query):
    answer = client.get("/api/v1/history", params=query)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", next(iter(query))]


@pytest.mark.parametrize("query", [{"since": "0001-01-01"}, {"until": "9999-12-31"}, {"q": "\0 \ud7ff *[?"}])
def test_a_query_at_the_edge_is_answered(client, query):
    assert get(client, **query) == {"total": 0, "pictures": []}


@pytest.mark.parametrize("act", ["favourite", "trash", "restore", "empty"])
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"ids": ["../x"]}, '"../x" names no finished picture'),
        ({"ids": ["\ud800/0"]}, ""),
        ({"ids": [UNKNOWN] * 1001}, "at most 1000 items"),
        ({"ids": "x"}, "valid list"),
        ({}, "required"),
        ({"ids": [], "else": 1}, 'There is no field "else".'),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(client, act, body, sentence):
    # As JSON can hold halves of surrogate pairs.
    answer = client.post(f"/api/v1/history/{act}", content=json.dumps(body), headers=JSON)
    assert sentence in problem(answer, 422)


def test_a_number_beyond_all_pictures_is_refused(client):
    assert client.get(f"/api/v1/history/{UNKNOWN[:-1]}{10**30}").status_code == 422


# The whole server


def test_what_a_server_draws_is_in_its_history(tmp_path):
    with Server(tmp_path / "data", ready=True) as server, server.client("me") as client:
        job = client.post("/api/v1/jobs", json={"prompt": "a 3d panda", "steps": 1, "n_iter": 2}).json()["id"]
        wait_until(lambda: client.get(f"/api/v1/jobs/{job}").json()["state"] == "done", 120)
        assert ids(client, q="PANDA") == [f"{job}/1", f"{job}/0"]
        (newest,) = get(client, limit=1)["pictures"]
        assert (newest["checkpoint"], newest["width"], newest["height"]) == ("darkroom-demo", 128, 128)
        assert client.get(newest["url"]).status_code == 200
        assert client.get(newest["thumbnail"]).headers["content-type"] == "image/webp"
        with server.client("you") as stranger:
            assert get(stranger)["total"] == 0
        assert post(client, "trash", ids=[newest["id"]]) == 1
        assert client.get(newest["url"]).status_code == 404
        assert client.get(f"/api/v1/jobs/{job}").json()["image_count"] == 1
        assert post(client, "empty", ids=None) == 1
        assert len(list((tmp_path / "data" / "outputs").rglob("*.png"))) == 1
        thumbnails = tmp_path / "data" / "cache" / "thumbnails"
        wait_until(lambda: len(list(thumbnails.rglob("*.webp"))) == 1)
