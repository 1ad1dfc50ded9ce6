"""Downloads from a real server: whole, broken off, gone on with, refused, cancelled; then from the Hub."""

import json
import logging
import subprocess
import sys
import threading
import time

import pytest

from tests.catalog.file_server import COMMIT, FakeHub, sha256, weights
from tests.serving import wait_until
from webui.catalog.downloads.model import BusyError, DownloadError, NoRoomError, UnknownDownloadError
from webui.catalog.downloads.network import Network
from webui.catalog.downloads.partial import MARGIN, check_room
from webui.catalog.downloads.service import KEPT, STOPPED, Downloads
from webui.config import ROOT

BODY = weights(3 * 2**20)
ETAG = {"ETag": '"one"'}


@pytest.fixture
def server():
    server = FakeHub()
    yield server
    server.close()


@pytest.fixture
def folders(tmp_path):
    return {kind: tmp_path / kind for kind in ("checkpoint", "lora", "controlnet")}


@pytest.fixture
def make(server, folders, monkeypatch):
    """Makes a service; all are closed at the end."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", "nowhere")
    made = []

    def make(**options):
        network = server.network(**options.pop("network", {}))
        made.append(Downloads(folders, network=network, **options))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def downloads(make):
    return make()


def ended(downloads, download):
    return wait_until(lambda: (now := downloads.get(download.id)).ended and now, 20, 0.005)


def fetched(downloads, source, kind="checkpoint", **options):
    """The download once it is done."""
    done = ended(downloads, downloads.start(source, kind, **options))
    assert done.state == "done", done.error
    return done


def refused(downloads, source, kind="checkpoint", **options) -> str:
    """Why it failed."""
    failed = ended(downloads, downloads.start(source, kind, **options))
    assert failed.state == "failed"
    return failed.error


def running(downloads, download, least=1):
    return wait_until(lambda: downloads.get(download.id).done >= least, 20, 0.005)


def left(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# A file at an address


def test_a_file_gets_its_name_its_folder_and_its_hash(downloads, server, folders):
    url = server.serve("/x/foo.safetensors?download=true", BODY)
    done = fetched(downloads, url, "lora")
    assert done.path == folders["lora"] / "foo.safetensors"
    assert done.path.read_bytes() == BODY
    assert (done.name, done.done, done.total) == ("foo.safetensors", len(BODY), len(BODY))
    assert done.sha256 == sha256(BODY)
    assert left(folders["lora"]) == ["foo.safetensors"]


def test_the_servers_name_and_ones_own(downloads, server):
    headers = {"Content-Disposition": 'attachment; filename="../Über v1.safetensors"'}
    url = server.serve("/api/download/models/7", BODY, headers=headers)
    assert fetched(downloads, url).name == "Über v1.safetensors"
    assert fetched(downloads, url, name="mine").name == "mine.safetensors"
    assert fetched(downloads, url, name="other.safetensors").name == "other.safetensors"


def test_a_file_without_an_extension_is_known_by_its_content(downloads, server):
    assert fetched(downloads, server.serve("/download/7", BODY)).name == "7.safetensors"


def test_the_catalog_is_told_before_the_page(make, server):
    told, state = [], []

    def tell(download):
        told.append(download.path.read_bytes())
        state.append(service.get(download.id).state)

    service = make(on_done=tell)
    fetched(service, server.serve("/a.safetensors", BODY))
    assert (told, state) == ([BODY], ["running"])


def test_a_catalog_that_fails_does_not_fail_the_download(make, server, caplog):
    with caplog.at_level(logging.CRITICAL):
        fetched(make(on_done=lambda _: 1 / 0), server.serve("/a.safetensors", BODY))


# Going on


def test_what_broke_off_goes_on_where_it_was(downloads, server):
    url = server.serve("/a.safetensors", BODY, headers=ETAG, breaks=[1_000_000, 2_000_000])
    assert fetched(downloads, url).path.read_bytes() == BODY
    asked = [headers.get("range") for headers in server.asked("/a.safetensors")]
    assert asked[0] is None
    assert all(later.startswith("bytes=") and later != "bytes=0-" for later in asked[1:])
    assert [headers.get("if-range") for headers in server.asked("/a.safetensors")[1:]] == ['"one"'] * 2


def test_it_goes_on_after_a_restart(make, server, folders):
    url = server.serve("/a.safetensors", BODY, headers=ETAG, breaks=[2_000_000])
    first = make(network={"pauses": ()})
    assert "can't be reached" in refused(first, url)
    first.close()
    assert [name for name in left(folders["checkpoint"]) if not name.startswith(".darkroom-")] == []
    done = fetched(make(), url)
    assert done.path.read_bytes() == BODY
    assert done.sha256 == sha256(BODY)
    assert server.asked("/a.safetensors")[-1]["range"].startswith("bytes=1")
    assert left(folders["checkpoint"]) == ["a.safetensors"]


def test_another_file_at_the_same_address_is_begun_anew(make, server):
    url = server.serve("/a.safetensors", BODY, headers=ETAG, breaks=[2_000_000])
    refused(make(network={"pauses": ()}), url)
    changed = weights(2**20, seed=1)
    server.serve("/a.safetensors", changed, headers={"ETag": '"two"'})
    assert fetched(make(), url).path.read_bytes() == changed


@pytest.mark.parametrize(
    "options", [{"ranges": False, "headers": ETAG}, {"headers": {"ETag": 'W/"weak"'}}, {}]
)
def test_where_nothing_says_that_the_rest_fits_it_is_begun_anew(downloads, server, options):
    url = server.serve("/a.safetensors", BODY, breaks=[1_000_000], **options)
    assert fetched(downloads, url).path.read_bytes() == BODY


def test_a_known_hash_is_enough_to_go_on(downloads, server):
    url = server.serve("/a.safetensors", BODY, breaks=[1_000_000])
    fetched(downloads, url, sha256=sha256(BODY).upper())
    assert "range" in server.asked("/a.safetensors")[-1]


def test_a_file_that_is_all_there_is_not_asked_for_again(make, server, folders):
    url = server.serve("/a.safetensors", BODY, headers=ETAG, breaks=[2_000_000])
    refused(make(network={"pauses": ()}), url)
    [part] = folders["checkpoint"].glob(".darkroom-*.part")
    part.write_bytes(BODY)  # as after a power cut before the last step
    assert fetched(make(), url).path.read_bytes() == BODY


def test_a_server_that_is_busy_is_asked_again(downloads, server):
    url = server.serve("/a.safetensors", BODY, statuses=[503, 429])
    fetched(downloads, url)
    assert len(server.asked("/a.safetensors")) == 3


def test_a_server_that_stays_down_is_named(downloads, server):
    url = server.serve("/a.safetensors", BODY, statuses=[500] * 3)
    error = refused(downloads, url)
    assert error.startswith("127.0.0.1 can't be reached: it answers with HTTP 500")
    assert len(server.asked("/a.safetensors")) == 3


def test_a_server_that_is_not_there_is_named(downloads):
    assert refused(downloads, "https://127.0.0.1:9/a.safetensors").startswith("127.0.0.1 can't be reached: ")


def test_a_failed_download_can_be_tried_again(make, server):
    service = make(network={"pauses": ()})
    url = server.serve("/a.safetensors", BODY, headers=ETAG, breaks=[2_000_000])
    failed = ended(service, service.start(url, "checkpoint"))
    service.retry(failed.id)
    assert ended(service, failed).state == "done"
    assert ended(service, failed).error is None
    assert "range" in server.asked("/a.safetensors")[-1]
    with pytest.raises(BusyError, match="is done"):
        service.retry(failed.id)


# What is refused


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://127.0.0.1/a.safetensors", "127.0.0.1 is not on the public internet"),
        ("https://localhost/a.safetensors", "localhost is not on the public internet"),
        ("https://10.1.2.3/a.safetensors", "10.1.2.3 is not on the public internet"),
        ("https://[::1]/a.safetensors", "::1 is not on the public internet"),
        ("https://169.254.169.254/latest/", "169.254.169.254 is not on the public internet"),
        ("http://8.8.8.8/a.safetensors", "only https"),
    ],
)
def test_the_own_network_is_not_asked_unless_allowed(folders, url, reason):
    downloads = Downloads(folders, network=Network("https://huggingface.co"))
    try:
        assert reason in refused(downloads, url)
    finally:
        downloads.close()


def test_a_web_page_is_told_from_a_model_and_leaves_nothing(downloads, server, folders):
    url = server.serve("/login", b"<!DOCTYPE html><html>Log in</html>", headers={"Content-Type": "text/html"})
    assert "gave a web page, not a model file" in refused(downloads, url)
    url = server.serve("/a.safetensors", b'{"error": "Unauthorized"}')
    assert 'gave a message, not a model file: {"error": "Unauthorized"}' in refused(downloads, url)
    assert left(folders["checkpoint"]) == []


def test_a_damaged_file_is_thrown_away(downloads, server, folders):
    assert "arrived damaged" in refused(downloads, server.serve("/a.safetensors", BODY + b"more"))
    assert left(folders["checkpoint"]) == []


def test_another_file_than_expected_is_thrown_away(downloads, server, folders):
    url = server.serve("/a.safetensors", BODY)
    error = refused(downloads, url, sha256="ab" * 32)
    assert f"its sha256 begins with {sha256(BODY)[:10]}, not ababababab" in error
    assert left(folders["checkpoint"]) == []


def test_pickles_only_when_allowed(downloads, server):
    url = server.serve("/a.ckpt", b"PK\x03\x04 a pickle")
    assert "can hold code" in refused(downloads, url)
    assert fetched(downloads, url, allow_pickle=True).name == "a.ckpt"
    assert "is not a model file" in refused(downloads, server.serve("/a.exe", b"PK"), allow_pickle=True)


def test_no_file_is_overwritten(downloads, server, folders):
    folders["checkpoint"].mkdir()
    there = folders["checkpoint"] / "a.safetensors"
    there.write_text("mine")
    url = server.serve("/a.safetensors", BODY)
    assert refused(downloads, url).startswith(f"There is already a a.safetensors in {there.parent}: ")
    assert left(there.parent) == ["a.safetensors"]
    assert there.read_text() == "mine"


def test_a_name_that_is_taken_meanwhile_gets_a_number(downloads, server, folders):
    gate = threading.Event()
    started = downloads.start(server.serve("/a.safetensors", BODY, gate=gate), "checkpoint")
    running(downloads, started)
    (folders["checkpoint"] / "a.safetensors").write_text("mine")
    gate.set()
    assert ended(downloads, started).path.name == "a (2).safetensors"
    assert (folders["checkpoint"] / "a.safetensors").read_text() == "mine"


def test_what_is_larger_than_the_disk_is_refused_at_its_first_bytes(downloads, server, folders):
    url = server.serve("/a.safetensors", BODY, headers={"Content-Length": str(10**15)})
    error = refused(downloads, url)
    assert error.startswith(
        f"There is too little room in {folders['checkpoint']}: the download takes 1000000.0 GB"
    )
    assert left(folders["checkpoint"]) == []


def test_some_room_stays_free(tmp_path):
    import shutil

    free = shutil.disk_usage(tmp_path).free
    check_room(tmp_path / "not" / "made", 0)
    with pytest.raises(NoRoomError):
        check_room(tmp_path, free - MARGIN // 2)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(404, "no such file"), (401, "wants a login"), (403, "wants a login"), (418, "HTTP 418")],
)
def test_a_refusal_is_explained(downloads, server, status, reason):
    assert reason in refused(downloads, server.serve("/a.safetensors", status=status))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"source": "nonsense"}, "is neither a repository"),
        ({"kind": "hypernetwork"}, "There is no folder for models of the kind"),
        ({"name": "../evil"}, "can't be used as a file name"),
        ({"name": "CON"}, "can't be used as a file name"),
        ({"sha256": "abc"}, "64 hexadecimal digits"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(downloads, wrong, reason):
    with pytest.raises(DownloadError, match=reason):
        downloads.start(**{"source": "https://models.example/a", "kind": "checkpoint", **wrong})
    assert downloads.listed() == []


# Redirects and tokens


def test_a_token_goes_to_its_own_host_alone(downloads, server, make):
    other = FakeHub()
    try:
        target = other.serve("/a.safetensors", BODY)
        url = server.serve("/download", status=302, headers={"Location": target})
        fetched(downloads, url, token="secret")
        assert server.asked("/download")[0]["authorization"] == "Bearer secret"
        assert "authorization" not in other.asked("/a.safetensors")[0]
    finally:
        other.close()


def test_a_circle_of_redirects_ends(downloads, server):
    url = server.serve("/circle", status=302, headers={"Location": "/circle"})
    assert refused(downloads, url) == "127.0.0.1 leads round in a circle of addresses."


def test_secrets_are_neither_shown_nor_written(downloads, server, folders):
    gate = threading.Event()
    url = server.serve("/a.safetensors?token=secret", BODY, headers=ETAG, gate=gate)
    started = downloads.start(url, "checkpoint", token="hidden")
    running(downloads, started)
    kept = b"".join(path.read_bytes()[:1000] for path in folders["checkpoint"].glob(".*validator"))
    assert kept == b'"one"'
    told = repr(downloads.listed())
    assert "secret" not in told
    assert "hidden" not in told
    gate.set()
    assert ended(downloads, started).state == "done"


def test_civitai_tells_the_hash_of_the_file_that_is_asked_for(downloads, server):
    def file(query, body, primary):
        url = f"{server.address}/api/download/models/7{query}"
        return {
            "downloadUrl": url,
            "primary": primary,
            "hashes": {"SHA256": sha256(body).upper(), "CRC32": "0"},
        }

    pruned = weights(2**20, seed=2)
    version = {"files": [file("", BODY, True), file("?type=Pruned%20Model", pruned, False)]}
    server.serve("/api/v1/model-versions/7", json.dumps(version).encode())
    url = server.serve("/api/download/models/7?type=Pruned%20Model&token=secret", pruned)
    assert fetched(downloads, url).sha256 == sha256(pruned)
    url = server.serve("/api/download/models/7", pruned)
    assert "is not the file that was expected" in refused(downloads, url, name="other")


# The queue


def test_two_at_once_and_the_rest_wait(downloads, server):
    gates = [threading.Event() for _ in range(3)]
    urls = [server.serve(f"/{n}.safetensors", BODY, gate=gate) for n, gate in enumerate(gates)]
    first, second, third = (downloads.start(url, "lora") for url in urls)
    running(downloads, first)
    running(downloads, second)
    assert downloads.get(third.id).state == "queued"
    assert [one.id for one in downloads.listed()] == [third.id, second.id, first.id]
    gates[1].set()
    running(downloads, third)
    for gate in gates:
        gate.set()
    assert [ended(downloads, one).state for one in (first, second, third)] == ["done"] * 3


def test_progress_and_speed_are_told(downloads, server):
    gate = threading.Event()
    started = downloads.start(server.serve("/a.safetensors", BODY, gate=gate), "lora")
    running(downloads, started, len(BODY) // 4)
    now = downloads.get(started.id)
    assert 0 < now.done < now.total == len(BODY)
    assert now.name == "a.safetensors"
    assert now.speed > 0
    gate.set()
    assert ended(downloads, started).speed == 0


def test_the_same_is_not_downloaded_twice_at_once(downloads, server):
    gate = threading.Event()
    url = server.serve("/a.safetensors", BODY, gate=gate)
    started = downloads.start(url, "lora")
    with pytest.raises(BusyError, match="is being downloaded already"):
        downloads.start(url, "lora")
    with pytest.raises(BusyError):
        downloads.retry(started.id)
    gate.set()
    assert ended(downloads, started).state == "done"


def test_the_same_file_under_two_names_is_not_written_twice_at_once(downloads, server):
    gate = threading.Event()
    server.repository("org/one", {"a.safetensors": BODY})
    server.files[f"/cdn/{sha256(BODY)}"].gate = gate
    started = downloads.start("org/one", "lora")
    running(downloads, started)
    other = ended(downloads, downloads.start("org/one:a.safetensors", "lora"))
    assert (other.state, other.error) == ("failed", "org/one:a.safetensors is being downloaded already.")
    downloads.cancel(other.id)
    gate.set()
    assert ended(downloads, started).path.read_bytes() == BODY


def test_a_cancelled_download_leaves_nothing_and_can_be_tried_again(downloads, server, folders):
    gate = threading.Event()
    started = downloads.start(server.serve("/a.safetensors", BODY, headers=ETAG, gate=gate), "lora")
    running(downloads, started)
    before = time.monotonic()
    assert downloads.cancel(started.id).state == "cancelled"
    assert time.monotonic() - before < 2
    assert left(folders["lora"]) == []
    gate.set()
    downloads.retry(started.id)
    assert ended(downloads, started).state == "done"


def test_a_model_that_is_in_its_place_is_not_cancelled_any_more(make, server, folders):
    told, go_on = threading.Event(), threading.Event()

    def tell(_):
        told.set()
        go_on.wait(10)

    service = make(on_done=tell)
    started = service.start(server.serve("/a.safetensors", BODY), "lora")
    assert told.wait(10)
    assert service.cancel(started.id).state == "done"
    go_on.set()
    assert left(folders["lora"]) == ["a.safetensors"]


def test_one_that_waits_can_be_cancelled(make, server):
    downloads, gate = make(at_once=1), threading.Event()
    first = downloads.start(server.serve("/a.safetensors", BODY, gate=gate), "lora")
    second = downloads.start(server.serve("/b.safetensors", BODY), "lora")
    assert downloads.cancel(second.id).state == "cancelled"
    gate.set()
    assert ended(downloads, first).state == "done"
    assert server.asked("/b.safetensors") == []


def test_one_that_has_ended_leaves_the_list_but_a_model_stays(downloads, server):
    done = fetched(downloads, server.serve("/a.safetensors", BODY), "lora")
    assert downloads.cancel(done.id).state == "done"
    assert downloads.listed() == []
    assert done.path.is_file()
    with pytest.raises(UnknownDownloadError):
        downloads.get(done.id)


def test_the_list_does_not_grow_for_ever(downloads, server):
    url = server.serve("/a.exe", b"no")
    for _ in range(KEPT + 5):
        ended(downloads, downloads.start(url, "lora"))
    assert len(downloads.listed()) <= KEPT + 1


def test_a_stop_is_quick_and_keeps_what_has_come(make, server, folders):
    service, gate = make(), threading.Event()
    started = service.start(server.serve("/a.safetensors", BODY, headers=ETAG, gate=gate), "lora")
    running(service, started)
    before = time.monotonic()
    service.close()
    assert time.monotonic() - before < 2
    assert "downloads" not in [thread.name for thread in threading.enumerate()]
    assert (service.get(started.id).state, service.get(started.id).error) == ("failed", STOPPED)
    gate.set()
    assert fetched(make(), server.address + "/a.safetensors", "lora").path.read_bytes() == BODY
    assert "range" in server.asked("/a.safetensors")[-1]


# The Hub

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "image_encoder": [None, None],
}
UNET, HALF = weights(2**20, seed=3), weights(2**19, seed=4)


@pytest.fixture
def folder(server):
    """A repository in diffusers' format."""
    files = {
        "model_index.json": json.dumps(INDEX).encode(),
        "README.md": b"# A model",
        "unet/config.json": b"{}",
        "unet/diffusion_pytorch_model.safetensors": UNET,
        "unet/diffusion_pytorch_model.fp16.safetensors": HALF,
        "unet/diffusion_pytorch_model.bin": b"PK\x03\x04",
        "unet/evil.py": b"import os",
        "tokenizer/merges.txt": b"",
        "tokenizer/vocab.json": b"{}",
        "safety_checker/model.safetensors": weights(100),
        "original.safetensors": BODY,
    }
    server.repository("org/name", files)
    return files


NEEDED = [
    "model_index.json",
    "tokenizer/merges.txt",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
]


def test_a_repository_becomes_a_folder_with_what_is_needed(downloads, server, folder, folders):
    done = fetched(downloads, "org/name")
    assert done.path == folders["checkpoint"] / "name"
    assert left(done.path) == NEEDED
    assert {name: (done.path / name).read_bytes() for name in NEEDED} == {
        name: folder[name] for name in NEEDED
    }
    assert done.done == done.total == sum(len(folder[name]) for name in NEEDED)
    assert left(folders["checkpoint"]) == [f"name/{name}" for name in NEEDED]


def test_a_variant_when_asked(downloads, server, folder):
    done = fetched(downloads, "org/name", variant="fp16", name="half")
    assert done.name == "half"
    assert (done.path / "unet" / "diffusion_pytorch_model.safetensors").read_bytes() == HALF


def test_a_folder_goes_on_where_it_was_and_is_no_model_before(make, server, folder, folders):
    cdn = f"/cdn/{sha256(UNET)}"
    server.files[cdn].breaks = [700_000]
    assert "can't be reached" in refused(make(network={"pauses": ()}), "org/name")
    assert all(name.endswith((".part", ".validator")) for name in left(folders["checkpoint"]))
    asked = len(server.asked(f"/org/name/resolve/{COMMIT}/unet/config.json"))
    done = fetched(make(), "org/name")
    assert (done.path / "unet" / "diffusion_pytorch_model.safetensors").read_bytes() == UNET
    assert server.asked(cdn)[-1]["range"].startswith("bytes=")
    assert len(server.asked(f"/org/name/resolve/{COMMIT}/unet/config.json")) == asked
    assert left(done.path) == NEEDED


def test_one_file_of_a_repository(downloads, server, folder):
    done = fetched(downloads, "org/name:original.safetensors")
    assert done.path.read_bytes() == BODY
    done = fetched(
        downloads, f"{server.hub}/org/name/blob/main/unet/diffusion_pytorch_model.fp16.safetensors"
    )
    assert done.name == "name.fp16.safetensors"
    assert done.path.read_bytes() == HALF


def test_the_hubs_hash_is_checked(downloads, server, folder, folders):
    server.files[f"/cdn/{sha256(BODY)}"].body = weights(3 * 2**20, seed=9)
    assert "is not the file that was expected" in refused(downloads, "org/name:original.safetensors")
    assert left(folders["checkpoint"]) == []


def test_a_token_goes_to_the_hub(downloads, server, folder):
    fetched(downloads, "org/name:original.safetensors", token="hf_secret")
    assert server.requests[0][1]["authorization"] == "Bearer hf_secret"


def test_this_machines_token_goes_to_the_hub(downloads, server, folder, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    fetched(downloads, "org/name:original.safetensors")
    assert {headers.get("authorization") for path, headers in server.requests if "/cdn/" not in path} == {
        "Bearer hf_mine"
    }
    server.requests.clear()
    fetched(downloads, server.serve("/a.safetensors", BODY))
    assert "authorization" not in server.requests[0][1]


def test_what_a_repository_offers(downloads, server, folder):
    small = sum(len(folder[name]) for name in NEEDED) - len(UNET) + len(HALF)
    assert [(c.source, c.folder, c.variant, c.size) for c in downloads.files("org/name")] == [
        ("org/name", True, "", small - len(HALF) + len(UNET)),
        ("org/name", True, "fp16", small),
        ("org/name:original.safetensors", False, "", len(BODY)),
        (
            "org/name:safety_checker/model.safetensors",
            False,
            "",
            len(folder["safety_checker/model.safetensors"]),
        ),
    ]


def test_what_an_address_offers(downloads, server):
    url = server.serve("/a.safetensors", BODY)
    [offer] = downloads.files(url)
    assert (offer.source, offer.file, offer.size) == (url, "a.safetensors", len(BODY))
    with pytest.raises(DownloadError, match="no such file"):
        downloads.files(server.address + "/nothing")


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (403, "GatedRepo", "org/secret is only for those who accepted its terms"),
        (401, "RepoNotFound", "There is no repository org/secret"),
        (404, "RevisionNotFound", 'org/secret has no revision "v9"'),
        (401, "", "There is no repository org/secret"),
    ],
)
def test_the_hubs_refusals_are_explained(downloads, server, status, code, reason):
    headers = {"X-Error-Code": code} if code else {}
    server.serve("/api/models/org/secret/revision/v9?blobs=true", status=status, headers=headers)
    assert refused(downloads, "org/secret@v9").startswith(reason)


def test_several_files_are_told(downloads, server):
    server.repository("org/loras", {"a.safetensors": weights(10), "b.safetensors": weights(10)})
    assert "org/loras holds several files. Choose one of them, as in org/loras:a.safetensors" in refused(
        downloads, "org/loras", "lora"
    )


def test_something_else_than_the_hub_is_told(downloads, server):
    server.serve("/api/models/org/name/revision/main?blobs=true", b"<html>a proxy's page</html>")
    assert refused(downloads, "org/name") == "localhost doesn't answer as the Hugging Face Hub does."


def test_the_process_stays_offline_and_light(tmp_path):
    """With the app's own switches set; what is heavy is imported by no more than what needs it."""
    code = """
import os, sys
os.environ["HF_HUB_OFFLINE"] = "1"
from webui.api import downloads
from webui.catalog.downloads.service import Downloads
heavy = {"torch", "diffusers", "transformers", "huggingface_hub", "safetensors"} & set(sys.modules)
assert not heavy, heavy
from pathlib import Path
from tests.catalog.file_server import FakeHub, weights
hub = FakeHub()
hub.repository("org/name", {"a.safetensors": weights(100)})
service = Downloads({"lora": Path(sys.argv[1])}, network=hub.network())
started = service.start("org/name", "lora")
while not service.get(started.id).ended:
    pass
assert service.get(started.id).state == "done", service.get(started.id)
assert not {"torch", "diffusers", "transformers"} & set(sys.modules)
import huggingface_hub.constants
assert huggingface_hub.constants.HF_HUB_OFFLINE
service.close()
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=ROOT, timeout=60)
