"""A real Chromium on a real server."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect, sync_playwright

from tests.browser.pages import wait_opened
from tests.serving import Server

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
# Without these it asks for updates and the like over the network at every start.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # It is for windows, which these have none of, and slow to load.
    "--disable-features=PreloadTopChromeWebUI",
]
USUAL = {"viewport": {"width": 1400, "height": 950}}
PATIENCE = 30_000
"""ms in which the page must have come to what is expected: other work may keep the machine busy."""
# How the browser puts it that the server refused a form; the page tells the reason at the field.
REFUSED = "the server responded with a status of 422"


# Of the package: while Playwright runs, its event loop is in the way of other tests' own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("data") / "server", ready=True) as server:
        yield server


class Lobby:
    """One context for all who need no special one: what the browser has cached opens pages sooner."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._context: BrowserContext | None = None
        self._lent = False

    def enter(self, **options) -> BrowserContext:
        """A context without cookies; one of its own with `options`, or while the other is in use."""
        if options or self._lent:
            return self._browser.new_context(**{**USUAL, **options})
        if self._context is None:
            self._context = self._browser.new_context(**USUAL)
            self._context.on("close", self._forget)
        self._context.clear_cookies()
        self._lent = True
        return self._context

    def leave(self, context: BrowserContext) -> None:
        """Nothing is left of the visitor."""
        if context is not self._context:
            context.close()
            return
        self._lent = False
        for page in context.pages:
            with suppress(Error):  # the page may show that there is no server
                page.evaluate("localStorage.clear()")
            page.close()

    def _forget(self, _context: BrowserContext) -> None:
        self._context, self._lent = None, False


@pytest.fixture(scope="package")
def lobby(browser: Browser) -> Lobby:
    return Lobby(browser)


@pytest.fixture
def person(lobby: Lobby) -> Iterator[Callable[..., BrowserContext]]:
    """Makes a new visitor, with cookies of their own; what goes wrong in their pages fails the test."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def complain(said: ConsoleMessage) -> None:
        if said.type == "error" and REFUSED not in said.text:
            wrong.append(said.text)

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", complain)

    def make(**options) -> BrowserContext:
        context = lobby.enter(**options)
        context.on("page", watch)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.remove_listener("page", watch)
        lobby.leave(context)
    assert wrong == []


@pytest.fixture
def visit(person: Callable[..., BrowserContext], server: Server) -> Callable[..., Page]:
    """Opens the server's page: a new visitor's, or one more of `context`'s."""

    def open_page(context: BrowserContext | None = None, **options) -> Page:
        page = (context or person(**options)).new_page()
        page.goto(server.address)
        page.wait_for_selector("#txt2img_generate")
        wait_opened(page)
        return page

    return open_page


@pytest.fixture(scope="module")
def scripts(browser: Browser, server: Server) -> Iterator[Callable[..., list]]:
    """Calls an exported function of one of the page's modules for each of a list of arguments."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.address}/healthz")

    def call(module: str, name: str, arguments: list) -> list:
        return page.evaluate(
            """async ([module, name, calls]) => {
                const found = (await import(`/darkroom/${module}.js`))[name];
                return calls.map((values) => found(...values));
            }""",
            [module, name, arguments],
        )

    yield call
    context.close()
