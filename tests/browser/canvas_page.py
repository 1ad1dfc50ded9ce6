"""A page with a canvas on it and a server that keeps what it uploads, without the rest of Darkroom."""

import io
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from webui.ui.components.canvas import canvas

STATIC = Path(__file__).parents[2] / "webui" / "ui" / "static"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
PAGE = """<!doctype html><meta name="viewport" content="width=device-width"><title>Canvas</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/darkroom/darkroom.css">
<link rel="stylesheet" href="/darkroom/canvas.css">
<style>:root {{ --size-2: 8px; --size-3: 12px; --radius-md: 6px; --radius-lg: 8px; --body-text-color: #ece6de;
  --border-color-primary: #38322d; --block-background-fill: #1b1816; --body-background-fill: #12100e; }}
  body {{ margin: 8px; font: 16px sans-serif; }} #place {{ max-width: 640px; }}</style>
<body class="dark"><div id="place">{frame}</div><textarea id="prompt"></textarea>
<script type="module">
  import {{ Canvas }} from "/darkroom/canvas.js";
  window.told = [];
  for (const kind of ["canvas", "painted"])
    document.addEventListener(`darkroom:${{kind}}`, ({{ detail }}) => told.push({{ kind, ...detail }}));
  window.canvas = new Canvas(document.querySelector(".dr-canvas"));
</script>"""


class CanvasServer(ThreadingHTTPServer):
    """Serves the page of each tab at /<tab>.

    `uploads` holds (parent, bytes) by id, `pictures` one's own finished ones by name; `refusal` answers the
    next upload.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.uploads: dict[str, tuple[str, bytes]] = {}
        self.pictures: dict[str, bytes] = {}
        self.folders: list[dict] = []
        self.refusal = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def upload(self, name: str) -> np.ndarray:
        """The pixels of what was uploaded under that id."""
        return np.asarray(self.image(name))

    def image(self, name: str) -> Image.Image:
        """What was uploaded under that id."""
        image = Image.open(io.BytesIO(self.uploads[name][1]))
        image.load()
        return image


class _Handler(BaseHTTPRequestHandler):
    server: CanvasServer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        kind, _, rest = path.strip("/").partition("/")
        if path == "/api/v1/batch-folders":
            self._answer(json.dumps(self.server.folders).encode(), "application/json")
        elif path.startswith("/api/v1/uploads/"):
            self._answer(self.server.uploads[path.rpartition("/")[2]][1], "image/png")
        elif path.startswith("/api/v1/jobs/"):
            job, _, number = path.removeprefix("/api/v1/jobs/").partition("/images/")
            self._picture(self.server.pictures.get(f"{job}/{number}"))
        elif kind == "darkroom":
            file = STATIC / Path(rest)
            self._answer(file.read_bytes(), TYPES[file.suffix])
        else:
            self._answer(PAGE.format(frame=canvas(kind).value).encode(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        parent = parse_qs(urlsplit(self.path).query).get("parent", [""])[0]
        try:
            image = Image.open(io.BytesIO(content))
            image.load()
        except OSError:
            self.server.refusal = "This is not a picture that can be read."
        if self.server.refusal:
            self._answer(json.dumps({"detail": self.server.refusal}).encode(), "application/json", 422)
            self.server.refusal = ""
            return
        name = uuid.uuid4().hex
        if image.format == "TIFF":
            kept = io.BytesIO()
            image.save(kept, "PNG")
            content = kept.getvalue()
        self.server.uploads[name] = (parent, content)
        told = {"id": name, "width": image.width, "height": image.height, "has_alpha": "A" in image.mode}
        self._answer(json.dumps(told).encode(), "application/json", HTTPStatus.CREATED)

    def _picture(self, content: bytes | None) -> None:
        if content:
            self._answer(content, "image/png")
        else:
            detail = json.dumps({"detail": "This picture is no longer there."}).encode()
            self._answer(detail, "application/json", 404)

    def _answer(self, content: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[CanvasServer]:
    with CanvasServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def png(image: Image.Image) -> bytes:
    made = io.BytesIO()
    image.save(made, "PNG")
    return made.getvalue()


class CanvasPage:
    """The page, and what a person does on it. Points are in the picture's own pixels."""

    def __init__(self, page: Page, server: CanvasServer, tab: str) -> None:
        self.page = page
        self.server = server
        self.tab = tab
        self._devtools = page.context.new_cdp_session(page)
        page.goto(f"{server.address}/{tab}")
        page.wait_for_function("window.canvas")

    def open(self, image: Image.Image, name: str = "one.png") -> None:
        """Choose a file, and wait until it is there."""
        before = self.page.evaluate("canvas.turn")
        file = {"name": name, "mimeType": "image/png", "buffer": png(image)}
        self.page.set_input_files(".dr-canvas-bar .dr-canvas-open >> nth=0", file)
        self.page.wait_for_function(
            "before => canvas.turn > before && !canvas.root.hasAttribute('aria-busy')", arg=before
        )

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the picture is in the window."""
        return self.page.evaluate(
            """([x, y]) => {
                const { left, top } = canvas.area.getBoundingClientRect();
                const point = canvas.looks.view.toScreen({ x, y });
                return [left + canvas.area.clientLeft + point.x, top + canvas.area.clientTop + point.y];
            }""",
            [x, y],
        )

    def drag(self, *points: tuple[float, float], button: str = "left") -> None:
        """Press the mouse at the first point, and let it go at the last."""
        first, *others = (self.on_screen(*point) for point in points)
        self.page.mouse.move(*first)
        self.page.mouse.down(button=button)
        for point in others:
            self.page.mouse.move(*point)
        self.page.mouse.up(button=button)

    def set_size(self, size: int) -> None:
        self.page.evaluate("size => canvas.tools.setSize(size)", size)

    def mode(self, name: str) -> None:
        self.page.get_by_role("radio", name=name).check()

    def click(self, name: str) -> None:
        """A button, by what it does."""
        self.page.click(f'[data-act="{name}"], [data-tool="{name}"]')

    def wish(self) -> dict:
        return json.loads(self.page.evaluate("canvas.wish()"))

    def mask(self) -> np.ndarray:
        """The mask as it is uploaded: L, as booleans."""
        image = self.server.image(self.wish()["mask"])
        assert image.mode == "L"
        pixels = np.asarray(image)
        assert set(np.unique(pixels)) <= {0, 255}
        return pixels == 255

    def errors(self) -> str:
        return self.page.locator(".dr-canvas-error").inner_text()

    def fingers(self, kind: str, *points: tuple[float, float]) -> None:
        """What a touch screen tells: "touchStart", "touchMove" with all fingers that are down, "touchEnd"."""
        touched = [
            dict(zip("xy", self.on_screen(*point), strict=True), id=n) for n, point in enumerate(points)
        ]
        self._devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    def pen(self, kind: str, point: tuple[float, float], force: float = 0.5) -> None:
        """What a pen tells: "mousePressed", "mouseMoved", "mouseReleased"."""
        x, y = self.on_screen(*point)
        what = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
        what |= {"pointerType": "pen", "force": force, "buttons": int(kind != "mouseReleased")}
        self._devtools.send("Input.dispatchMouseEvent", what)
