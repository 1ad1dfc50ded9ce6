"""What a visitor does and sees on the txt2img tab."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from playwright.sync_api import Page, Route, expect

LONG = 120_000


def set_number(page: Page, field: str, value: int) -> None:
    """Type a slider's or a box's number."""
    box = page.locator(f"#txt2img_{field} input[type=number]")
    box.fill(str(value))
    box.press("Tab")


def set_prompt(page: Page, text: str) -> None:
    page.fill("#txt2img_prompt textarea", text)


def generate(page: Page) -> None:
    page.click("#txt2img_generate")


def status(page: Page):
    return page.locator(".dr-status")


def interrupt(page: Page) -> None:
    """Stop the job that is shown, and see that it has stopped."""
    page.click("#txt2img_interrupt")
    expect(status(page)).to_contain_text("Interrupted", timeout=LONG)


def wait_developing(page: Page) -> None:
    """Until a preview is shown."""
    page.wait_for_selector(".dr-view.dr-developing img", timeout=LONG)


def wait_finished(page: Page) -> None:
    """Until the job is over and its picture stands there."""
    expect(page.locator(".dr-below")).to_be_visible(timeout=LONG)
    expect(page.locator(".dr-stage")).not_to_have_class("dr-stage dr-live", timeout=LONG)


def shown_job(page: Page) -> str:
    """The id of the last job begun in this tab."""
    return page.evaluate("JSON.parse(sessionStorage.getItem('darkroom.txt2img')).at(-1)")


def api(page: Page, path: str) -> httpx.Response:
    """Ask the API as this visitor."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return httpx.get(page.url.rstrip("/") + path, cookies=cookies)


def open_section(page: Page, name: str) -> None:
    """Open an accordion of the form."""
    page.locator(f"#txt2img_{name} button").first.click()


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


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
