"""What a visitor does and sees on the tabs that draw, first of all txt2img."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from PIL import Image
from playwright.sync_api import Page, Route, expect

LONG = 120_000


def set_number(page: Page, field: str, value: float | str, tab: str = "txt2img") -> None:
    """Type a slider's or a box's number."""
    box = page.locator(f"#{tab}_{field} input[type=number]")
    box.fill(str(value))
    box.press("Tab")


def set_prompt(page: Page, text: str, tab: str = "txt2img") -> None:
    page.fill(f"#{tab}_prompt textarea", text)


def generate(page: Page, tab: str = "txt2img") -> None:
    page.click(f"#{tab}_generate")


def stage(page: Page, tab: str = "txt2img"):
    return page.locator(f"#{tab}_gallery .dr-stage")


def status(page: Page, tab: str = "txt2img"):
    return stage(page, tab).locator(".dr-status")


def interrupt(page: Page) -> None:
    """Stop the job that is shown, and see that it has stopped."""
    page.click("#txt2img_interrupt")
    expect(status(page)).to_contain_text("Interrupted", timeout=LONG)


def wait_developing(page: Page) -> None:
    """Until a preview is shown."""
    page.wait_for_selector(".dr-view.dr-developing img", timeout=LONG)


def wait_finished(page: Page, tab: str = "txt2img") -> None:
    """Until the job is over and its picture stands there."""
    expect(stage(page, tab).locator(".dr-below")).to_be_visible(timeout=LONG)
    expect(stage(page, tab)).not_to_have_class("dr-stage dr-live", timeout=LONG)


def infotext(page: Page, tab: str = "txt2img") -> str:
    """What stands below the picture of a tab."""
    return stage(page, tab).locator(".dr-infotext").inner_text()


def shown_job(page: Page, tab: str = "txt2img") -> str:
    """The id of the last job begun in this tab of the page."""
    return page.evaluate(f"JSON.parse(sessionStorage.getItem('darkroom.{tab}')).at(-1)")


def api(page: Page, path: str) -> httpx.Response:
    """Ask the API as this visitor."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return httpx.get(page.url.rstrip("/") + path, cookies=cookies)


def open_section(page: Page, name: str, tab: str = "txt2img") -> None:
    """Open an accordion of the form."""
    page.locator(f"#{tab}_{name} button").first.click()


def choose(page: Page, element: str, name: str) -> None:
    """Pick from the list of the element of that id."""
    page.click(f"#{element} input")
    page.get_by_role("option", name=name, exact=True).click()


def drop_picture(page: Page, image: Image.Image, tab: str, name: str = "one.png") -> None:
    """Choose a picture of one's own for a canvas, and wait until it is there."""
    file = io.BytesIO()
    image.save(file, "PNG")
    page.set_input_files(
        f"#{tab}_canvas .dr-canvas-empty input[type=file]",
        {"name": name, "mimeType": "image/png", "buffer": file.getvalue()},
    )
    expect(page.locator(f"#{tab}_canvas .dr-canvas")).to_have_class(re.compile("dr-canvas-filled"))


def paint(page: Page, tab: str, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """A stroke with the mouse, between places in the canvas from its middle, in shares of its height."""
    box = page.locator(f"#{tab}_canvas .dr-canvas-area").bounding_box()
    (x, y), size = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), box["height"]
    page.mouse.move(x + begin[0] * size, y + begin[1] * size)
    page.mouse.down()
    page.mouse.move(x + end[0] * size, y + end[1] * size, steps=6)
    page.mouse.up()


def wait_opened(page: Page, tab: str = "txt2img") -> None:
    """Until the tab shows the settings that it opens with."""
    page.wait_for_function(f"window.darkroom?.openings.get('{tab}')", timeout=LONG)


def reload(page: Page, tab: str = "txt2img") -> None:
    """Load the page anew, and wait until a tab of it is as it opens."""
    page.evaluate("console.error = () => {}")  # gradio complains of requests that a reload cuts off
    page.reload()
    if tab != "txt2img":
        page.click(f"#tab_{tab}-button")
    wait_opened(page, tab)


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


@contextmanager
def slow_answers(page: Page) -> Iterator[None]:
    """Inside, nothing that gradio asks the server for is answered; afterwards all of it is."""
    held: list[Route] | None = []

    def hold(route: Route) -> None:
        route.continue_() if held is None else held.append(route)

    page.route("**/queue/join*", hold)
    yield
    waiting, held = held, None
    for route in waiting:
        route.continue_()
