"""A real web server for downloads: it resumes, redirects and breaks off as told. And one like the Hub."""

import contextlib
import hashlib
import http.server
import json
import re
import threading
from dataclasses import dataclass, field

import numpy as np
from safetensors.numpy import save

from webui.catalog.downloads.network import Network


def weights(size: int = 2**20, seed: int = 0) -> bytes:
    """A real safetensors file of about `size` bytes."""
    return save({"w": np.random.default_rng(seed).integers(0, 255, size, dtype=np.uint8)})


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@dataclass
class Served:
    """One address. `breaks`: after how many bytes of the file the next answers break off."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """What the next answers are instead."""
    gate: threading.Event | None = None
    """Half of the file is sent, the rest once this is set."""


class FileServer:
    """Serves `files` by path (with query). `requests` are (path, headers) of all that came."""

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        # By another name, as the Hub is another server than those that files lie on.
        self.hub = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self, path: str, body: bytes = b"", **options) -> str:
        """Serve `body` there; its address."""
        self.files[path] = Served(body, **options)
        return self.address + path

    def asked(self, path: str) -> list[dict[str, str]]:
        """The headers of all requests for `path`."""
        return [headers for asked, headers in self.requests if asked == path]

    def network(self, **options) -> Network:
        """A network of this server alone, in which nothing waits long."""
        allow = lambda url: url.host == "127.0.0.1"  # noqa: E731
        return Network(self.hub, self.address, **{"allow": allow, "pauses": (0.01, 0.01), **options})

    def _handler(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append((self.path, {name.lower(): v for name, v in self.headers.items()}))
                answer(self, outer.files.get(self.path) or Served(b"nothing here", 404))

            def log_message(self, *_):
                pass

        return Handler


def answer(handler, file: Served) -> None:
    status, start, body = file.status, 0, file.body
    if file.statuses:
        status, body = file.statuses.pop(0), b"not now"
    elif status == 200 and file.ranges and (asked := handler.headers.get("Range")):
        condition = handler.headers.get("If-Range")
        if condition in (None, file.headers.get("ETag"), file.headers.get("Last-Modified")):
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            status = 206 if start < len(body) else 416
    end = len(body)
    if file.breaks and status in (200, 206):
        end = file.breaks.pop(0)
    handler.send_response(status)
    for name, value in file.headers.items():
        handler.send_header(name, value)
    if status == 206:
        handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
    if status == 416:
        handler.send_header("Content-Range", f"bytes */{len(body)}")
        start = end = len(body)
    if "Content-Length" not in file.headers:
        handler.send_header("Content-Length", str(len(body) - start))
    handler.end_headers()
    with contextlib.suppress(OSError):
        send(handler, file, body, start, end)
    handler.close_connection = handler.close_connection or end < len(body)


def send(handler, file: Served, body: bytes, start: int, end: int) -> None:
    if file.gate:
        half = (start + end) // 2
        handler.wfile.write(body[start:half])
        handler.wfile.flush()
        file.gate.wait(30)
        start = half
    handler.wfile.write(body[start:end])


COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub(FileServer):
    """Speaks the endpoints of the Hub that downloads need; large files lie behind a redirect, as there."""

    def repository(self, repo: str, files: dict[str, bytes], revision: str = "main") -> None:
        siblings = []
        for path, body in files.items():
            told = {"rfilename": path, "size": len(body)}
            where = f"/{repo}/resolve/{COMMIT}/{path}"
            if path.endswith((".safetensors", ".bin", ".ckpt", ".onnx")):
                told["lfs"] = {"sha256": sha256(body), "size": len(body), "pointerSize": 130}
                cdn = f"/cdn/{sha256(body)}"
                self.serve(where, status=302, headers={"Location": cdn, "X-Linked-Etag": f'"{sha256(body)}"'})
                self.serve(cdn, body, headers={"ETag": f'"{sha256(body)}"'})
            else:
                self.serve(where, body, headers={"ETag": f'"{hashlib.sha1(body).hexdigest()}"'})
            siblings.append(told)
        listing = json.dumps({"id": repo, "sha": COMMIT, "siblings": siblings}).encode()
        self.serve(f"/api/models/{repo}/revision/{revision}?blobs=true", listing)
