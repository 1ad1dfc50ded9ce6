"""Which addresses downloads may ask: none in one's own network, whatever leads there."""

import asyncio
import http.server
import shutil
import ssl
import subprocess
import threading

import httpx
import pytest

from tests.catalog.file_server import FileServer
from webui.catalog.downloads import addresses
from webui.catalog.downloads.addresses import CheckedTransport, ForbiddenAddressError, is_public
from webui.catalog.downloads.fetch import client


def ask(url: str, **options) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with client(CheckedTransport(**options)) as asker:
            return await asker.get(url)

    return asyncio.run(ask())


def answers(*found: str):
    """A name server that gives these answers, one after the other, the last one ever after."""
    asked = []

    async def resolve(host, port):
        asked.append((host, port))
        return [found[min(len(asked), len(found)) - 1]]

    resolve.asked = asked
    return resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.10",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",  # carriers' NAT
        "169.254.169.254",  # clouds' metadata
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::10.0.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "2001:db8::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",  # 6to4 of 127.0.0.1
        "64:ff9b::10.0.0.1",  # NAT64
        "no address",
        "",
    ],
)
def test_special_addresses_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "104.16.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::"],
)
def test_addresses_of_the_open_internet_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://127.1/x",
        "https://2130706433/x",
        "https://10.0.0.1/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost:7860/x",
    ],
)
def test_addresses_in_the_own_network_are_refused_as_the_system_resolves_them(url):
    with pytest.raises(ForbiddenAddressError, match="not on the public internet"):
        ask(url)


def test_a_name_that_stands_for_a_private_address_is_refused():
    with pytest.raises(ForbiddenAddressError, match=r"models\.example is not on the public internet"):
        ask("https://models.example/x", resolve=answers("192.168.0.7"))


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    async def resolve(*_):
        return ["8.8.8.8", "10.0.0.1"]

    with pytest.raises(ForbiddenAddressError):
        ask("https://models.example/x", resolve=resolve)


@pytest.mark.parametrize("url", ["http://models.example/x", "ftp://models.example/x", "file:///etc/passwd"])
def test_only_https_is_asked(url):
    with pytest.raises(ForbiddenAddressError, match="only https"):
        ask(url, resolve=answers("8.8.8.8"))


def test_an_unknown_name_can_not_be_reached():
    async def resolve(*_):
        raise OSError("unknown")

    with pytest.raises(httpx.ConnectError, match="no name server knows it"):
        ask("https://models.example/x", resolve=resolve)


@pytest.mark.parametrize("target", ["https://10.0.0.1/x", "https://[::1]/x", "http://127.0.0.1:1/x"])
def test_a_redirect_into_the_own_network_is_refused(target):
    server = FileServer()
    try:
        url = server.serve("/moved", status=302, headers={"Location": target})
        with pytest.raises(ForbiddenAddressError):
            ask(url, allow=lambda asked: f"{asked.scheme}://{asked.netloc.decode()}" == server.address)
    finally:
        server.close()


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """A TLS server whose certificate is for models.example; (its port, the certificate's file)."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test"
    names = ["-addext", "subjectAltName=DNS:models.example", "-keyout", key, "-out", certificate]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            host = self.headers["Host"].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(host)))
            self.end_headers()
            self.wfile.write(host)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port, certificate
    server.shutdown()
    server.server_close()


@pytest.fixture
def loopback_is_public(monkeypatch, certified):
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certified[1]))
    return certified[0]


def test_the_address_that_was_checked_is_the_one_that_is_asked(loopback_is_public):
    resolve = answers("127.0.0.1", "10.0.0.1")  # a name server that changes its mind
    url = f"https://models.example:{loopback_is_public}/x"
    assert ask(url, resolve=resolve).text == f"models.example:{loopback_is_public}"
    assert resolve.asked == [("models.example", loopback_is_public)]


def test_the_certificate_must_be_for_the_name_and_not_for_the_address(loopback_is_public):
    with pytest.raises(httpx.ConnectError, match=r"(?i)certificate verify failed"):
        ask(f"https://other.example:{loopback_is_public}/x", resolve=answers("127.0.0.1"))


def test_the_next_address_is_tried_where_one_does_not_answer(loopback_is_public, monkeypatch):
    monkeypatch.setattr(addresses, "is_public", lambda _: True)

    async def resolve(*_):
        return ["127.0.0.2", "127.0.0.1"]  # the server listens on the second alone

    url = f"https://models.example:{loopback_is_public}/x"
    assert ask(url, resolve=resolve).status_code == 200
