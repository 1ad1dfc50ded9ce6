"""The guard, before the real page and API and before a little app that tells what it has settled."""

import asyncio
import base64
import json
import os
import socket
import stat
from urllib.parse import urlsplit

import httpx
import pytest

from tests.serving import Server
from webui import guard
from webui.config import Config
from webui.guard import COOKIE, Guard, read_secret

HTML = {"Accept": "text/html,application/xhtml+xml"}


class Site:
    """Asks a server, or an ASGI app, and keeps no cookies."""

    def __init__(self, base_url, app=None):
        self.base_url, self.app = base_url, app

    @property
    def host(self):
        return urlsplit(self.base_url).netloc

    def ask(self, method, path, headers=None, **options):
        async def send():
            transport = httpx.ASGITransport(self.app) if self.app else None
            async with httpx.AsyncClient(transport=transport, base_url=self.base_url) as client:
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(send())

    def get(self, path, headers=None):
        return self.ask("GET", path, headers)

    def post(self, path, headers=None, **options):
        return self.ask("POST", path, headers, **options)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The real page and API, open to this machine only."""
    with Server(tmp_path_factory.mktemp("open") / "data") as server:
        yield Site(server.address)


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """The real page and API behind passwords."""
    folder = tmp_path_factory.mktemp("locked")
    with Server(folder / "data", "--gradio-auth", "ann:a:b:c,bob:pässwörd") as server:
        yield Site(server.address)


async def tell_owner(scope, receive, send):
    """A little app that answers with what the guard has settled."""
    body = json.dumps(scope[guard.OWNER]).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
    )
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def guarded(tmp_path):
    """A guard with those settings before the little app."""

    def guarded(base_url="http://127.0.0.1:7860", **settings):
        return Site(base_url, Guard(tell_owner, Config(data_dir=tmp_path, **settings)))

    return guarded


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def cookie_of(answer):
    """The Set-Cookie header's "name=value" and attributes."""
    [header] = answer.headers.get_list("set-cookie")
    pair, *attributes = header.split("; ")
    assert pair.startswith(COOKIE)
    return pair, attributes


# Names


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860"])
def test_a_local_server_answers_to_its_local_names(site, host):
    assert site.get("/healthz", {"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7860",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.1.5",
        "",
        "[",
        "@",
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/jobs", "/healthz", "/config"])
def test_a_name_that_was_pointed_here_gets_nothing(site, host, path):
    answer = site.get(path, {"Host": host})
    assert answer.status_code == 403
    assert "by its address" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("settings", "allowed", "refused"),
    [
        (
            {"server_name": "0.0.0.0"},
            [
                "192.168.1.5:7860",
                "gpubox",
                "gpubox.local",
                "box.lan",
                "[fe80::1]",
                "localhost",
                "0.0.0.0",
                "OWN",
            ],
            ["evil.example", "gpubox.evil.example", "x.gradio.live", "", "192.168.1.5.evil.example"],
        ),
        ({"server_name": "Box.Example.org"}, ["box.example.org:7860"], ["evil.example"]),
        ({"share": True}, ["abc.gradio.live", "localhost"], ["gradio.live.evil.example"]),
        ({"users": {"ann": "x"}}, ["anything.example"], []),
    ],
)
def test_names_for_the_network(guarded, settings, allowed, refused, monkeypatch):
    monkeypatch.setattr(socket, "getfqdn", lambda: "OWN")
    guard._own_name.cache_clear()
    site = guarded(**settings)
    headers = basic("ann", "x")
    assert {host: site.get("/", {"Host": host, **headers}).status_code for host in allowed} == dict.fromkeys(
        allowed, 200
    )
    assert {host: site.get("/", {"Host": host}).status_code for host in refused} == dict.fromkeys(
        refused, 403
    )
    guard._own_name.cache_clear()


def test_an_address_is_known_without_asking_a_name_server(guarded, monkeypatch):
    monkeypatch.setattr(socket, "getfqdn", lambda: pytest.fail("this may take seconds"))
    guard._own_name.cache_clear()
    assert guarded(server_name="0.0.0.0").get("/", {"Host": "192.168.1.5:7860"}).status_code == 200


# Other sites' pages


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "http://127.0.0.1:1",
        "http://127.0.0.1",
        "http://HOST.evil.example",
        "[",
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/jobs", "/gradio_api/queue/join", "/gradio_api/upload"])
def test_another_sites_page_may_not_post(site, origin, path):
    answer = site.post(path, {"Origin": origin.replace("HOST", site.host)}, json={})
    assert answer.status_code == 403
    assert answer.json()["detail"] == "This request comes from another site's page."


def test_another_sites_page_may_not_delete(site):
    assert site.ask("DELETE", "/api/v1/jobs/x", {"Origin": "https://evil.example"}).status_code == 403


def test_a_foreign_origin_is_refused_with_passwords_too(locked):
    headers = {**basic("ann", "a:b:c"), "Origin": "https://evil.example"}
    assert locked.post("/api/v1/jobs", headers, json={}).status_code == 403


def test_an_empty_host_is_no_ones_origin(guarded):
    assert guarded(server_name="0.0.0.0").post("/", {"Host": "", "Origin": "null"}).status_code == 403


def test_ones_own_page_and_programs_may_post(site):
    for headers in (
        {},
        {"Origin": f"http://{site.host}"},
        {"Origin": "http://LOCALHOST:1", "Host": "localhost:1"},
    ):
        assert site.post("/api/v1/jobs", headers, json={}).status_code == 201


def test_no_foreign_page_may_read(site):
    for path in ("/", "/api/v1/jobs", "/config"):
        answer = site.get(path, {"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in answer.headers


# Passwords


PATHS = [
    "/",
    "/config",
    "/docs",
    "/openapi.json",
    "/api/v1/jobs",
    "/api/v1/jobs/x/events",
    "/darkroom/darkroom.css",
    "/assets/index.js",
    "/gradio_api/info",
    "/gradio_api/heartbeat/x",
    "/gradio_api/file=/etc/passwd",
    "/healthz/",
    "/healthz/../api/v1/jobs",
    "//healthz",
    "/nonsense",
]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_open_without_a_password(locked, path):
    answer = locked.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.json() == {"detail": "Incorrect username or password"}
    assert locked.post(path, json={}).status_code == 401


def test_health_is_open(locked):
    assert locked.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/", "/darkroom/darkroom.css", "/config", "/api/v1/jobs"])
def test_a_password_opens_everything(locked, path):
    for name, password in (("ann", "a:b:c"), ("bob", "pässwörd")):
        assert locked.get(path, basic(name, password)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        basic("ann", "a"),
        basic("ann", "A:B:C"),
        basic("ann", ""),
        basic("", ""),
        basic("bob", "a:b:c"),
        basic("nobody", "a:b:c"),
        {"Authorization": "Bearer a:b:c"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic é".encode()},
        {"Authorization": "Basic ann:a:b:c"},
        {"Authorization": "Basic //////8="},
        {"Authorization": "Basic " + base64.b64encode(b"ann").decode()},
        {"Cookie": f"{COOKIE}=ann"},
        {"Darkroom-Client": "ann"},
    ],
)
def test_a_wrong_password_opens_nothing(locked, headers):
    assert locked.get("/api/v1/jobs", headers).status_code == 401


def test_the_scheme_is_known_in_any_case(locked):
    headers = {"Authorization": basic("ann", "a:b:c")["Authorization"].replace("Basic", "bAsIc")}
    assert locked.get("/api/v1/jobs", headers).status_code == 200


# Owners


def test_a_browser_is_known_by_its_cookie(guarded):
    site = guarded()
    first = site.get("/", HTML)
    value, attributes = cookie_of(first)
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert "Secure" not in attributes
    assert first.json().startswith("browser:")
    again = site.get("/", {**HTML, "Cookie": f"other=1; {value}"})
    assert again.json() == first.json()
    assert "set-cookie" not in again.headers
    assert site.get("/", HTML).json() != first.json()


def test_over_https_the_cookie_stays_there(guarded):
    assert "Secure" in cookie_of(guarded("https://127.0.0.1:7860").get("/", HTML))[1]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/event-stream", "image/png"])
def test_only_a_page_sets_a_cookie(guarded, accept):
    answer = guarded().get("/", {"Accept": accept})
    assert answer.json() == "client:api"
    assert "set-cookie" not in answer.headers


def test_the_real_page_sets_it(site):
    assert cookie_of(site.get("/", HTML))
    assert "set-cookie" not in site.get("/api/v1/jobs").headers


def test_a_forged_cookie_is_no_ones(guarded, tmp_path):
    site = guarded()
    pair, _ = cookie_of(site.get("/", HTML))
    name, _, value = pair.partition("=")
    owner, _, signature = value.rpartition(".")
    other_secret = Site("http://127.0.0.1", Guard(tell_owner, Config(data_dir=tmp_path / "other")))
    foreign, _ = cookie_of(other_secret.get("/", HTML))
    for forged in (
        owner,
        f"{owner}.",
        f"x{owner}.{signature}",
        f"{owner}.{signature}x",
        "",
        ".",
        foreign.partition("=")[2],
        "é",
        "a;b",
    ):
        answer = site.get("/", {"Cookie": f"{name}={forged}".encode()})
        assert answer.json() == "client:api"


def test_cookies_survive_a_restart(guarded):
    value, _ = cookie_of(first := guarded().get("/", HTML))
    assert guarded().get("/", {"Cookie": value}).json() == first.json()


def test_two_servers_on_a_host_keep_apart(guarded, tmp_path):
    one = guarded()
    other = Site("http://127.0.0.1:7861", Guard(tell_owner, Config(data_dir=tmp_path / "other")))
    cookies = [cookie_of(site.get("/", HTML))[0] for site in (one, other)]
    both = {**HTML, "Cookie": "; ".join(cookies)}
    assert "set-cookie" not in one.get("/", both).headers
    assert "set-cookie" not in other.get("/", both).headers


def test_which_name_counts(guarded):
    site, locked = guarded(), guarded(users={"ann": "x"})
    value, _ = cookie_of(site.get("/", HTML))
    everything = {**HTML, "Cookie": value, "Darkroom-Client": " bot ", **basic("ann", "x")}
    assert locked.get("/", everything).json() == "user:ann"
    assert site.get("/", everything).json() == "client:bot"  # without passwords nobody is a user
    assert "set-cookie" not in site.get("/", everything).headers
    assert site.get("/", {"Darkroom-Client": "user:ann"}).json() == "client:user:ann"
    assert site.get("/", {"Darkroom-Client": "x" * 500}).json() == "client:" + "x" * 100


# The secret


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_the_secret_is_for_this_user_alone(tmp_path):
    file = tmp_path / "new" / "secret"
    secret = read_secret(file)
    assert len(secret) == 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_secret(file) == secret
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


def test_an_empty_secret_is_made_anew(tmp_path):
    file = tmp_path / "secret"
    file.touch()
    assert len(read_secret(file)) == 64
    assert file.read_bytes() == read_secret(file)


def test_other_protocols_are_not_passed_on(guarded):
    async def call():
        await guarded().app({"type": "websocket", "headers": []}, None, None)

    asyncio.run(call())
