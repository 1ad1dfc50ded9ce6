"""Regional prompts as a visitor lays them out."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import LONG, api, generate, reload, set_number, set_prompt, shown_job, wait_finished

pytestmark = pytest.mark.browser


def open_regions(page: Page):
    page.click("#txt2img_regions summary")
    box = page.locator("#txt2img_regions .dr-regions-box")
    box.scroll_into_view_if_needed()
    return box


def drag(page: Page, box, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """With the mouse, between shares of the box's sides."""
    found = box.bounding_box()
    places = [(found["x"] + x * found["width"], found["y"] + y * found["height"]) for x, y in (begin, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=5)
    page.mouse.up()


def regions(page: Page) -> list[dict]:
    params = api(page, f"/api/v1/jobs/{shown_job(page)}").json()["params"]
    return params["regions"]


def test_a_rectangle_drawn_by_mouse_arrives_in_the_job_and_is_there_again(visit: Callable[..., Page]):
    page = visit()
    set_prompt(page, "3d style, white background")
    set_number(page, "steps", 2)
    box = open_regions(page)
    drag(page, box, (0.1, 0.2), (0.5, 0.8))
    page.get_by_label("Region 1: prompt").fill("panda")
    page.locator("#txt2img_regions_base_number").fill("0.3")
    generate(page)
    wait_finished(page)
    (region,) = regions(page)
    assert region["prompt"] == "panda"
    edges = [region[side] for side in ("x", "y", "width", "height")]
    assert edges == pytest.approx([0.1, 0.2, 0.4, 0.6], abs=0.02)

    reload(page)
    expect(page.get_by_label("Region 1: prompt")).to_have_value("panda", timeout=LONG)
    expect(page.locator("#txt2img_regions_base_number")).to_have_value("0.3")
    expect(page.locator("#txt2img_override_settings")).to_contain_text("Regional prompts: 1")


def test_the_picture_behind_them_keeps_to_their_area(visit: Callable[..., Page]):
    page = visit()
    set_number(page, "steps", 1)
    box = open_regions(page)
    generate(page)
    wait_finished(page)
    behind = box.locator("img")
    expect(behind).to_be_visible()
    set_number(page, "width", 256)
    page.wait_for_function("(box) => box.style.aspectRatio.startsWith('256')", arg=box.element_handle())
    assert behind.bounding_box()["height"] <= box.bounding_box()["height"]


def test_regions_are_moved_resized_and_deleted_by_keys(visit: Callable[..., Page]):
    page = visit()
    set_prompt(page, "3d style")
    set_number(page, "steps", 1)
    open_regions(page)
    page.get_by_role("button", name="2 columns").click()
    right = page.locator("#txt2img_regions .dr-region").nth(1)
    right.press("ArrowLeft")
    right.press("Shift+ArrowUp")
    right.press("ArrowRight")
    right.press("ArrowRight")
    page.locator("#txt2img_regions .dr-region").nth(0).press("Delete")
    page.get_by_label("Region 1: prompt").fill("panda")
    generate(page)
    wait_finished(page)
    (region,) = regions(page)
    assert [region[side] for side in ("x", "y", "width", "height")] == [0.5, 0, 0.5, 0.99]


def test_a_region_is_pulled_by_its_corner_and_its_middle(visit: Callable[..., Page]):
    page = visit()
    box = open_regions(page)
    page.get_by_role("button", name="Add a region").click()
    drag(page, box, (0.75, 0.75), (0.9, 0.6))
    drag(page, box, (0.5, 0.4), (0.3, 0.4))
    told = page.locator("#txt2img_regions .dr-region").get_attribute("aria-label") or ""
    left, top, wide, high = (
        int(part) for part in told.split(".")[0].replace("%", "").split() if part.isdigit()
    )
    assert (top, high) == (25, 35)
    assert (left, wide) == (5, 65)


def test_what_is_switched_off_is_not_told_and_stays(visit: Callable[..., Page]):
    page = visit()
    set_prompt(page, "3d style")
    set_number(page, "steps", 1)
    open_regions(page)
    page.get_by_role("button", name="3 rows").click()
    page.get_by_role("button", name="Turn off Regional prompts: 3").click()
    generate(page)
    wait_finished(page)
    assert regions(page) == []
    expect(page.locator("#txt2img_regions .dr-region-row")).to_have_count(3)


def test_a_regions_mask_is_painted(visit: Callable[..., Page]):
    page = visit()
    open_regions(page)
    page.get_by_role("button", name="Add a region").click()
    page.get_by_role("button", name="Paint a mask").click()
    page.locator(".dr-mask .dr-canvas-filled").wait_for()
    page.click(".dr-mask [data-act=fill]")
    page.get_by_role("button", name="Use this mask").click()
    expect(page.get_by_role("button", name="Edit mask")).to_be_visible()
    expect(page.locator("#txt2img_regions .dr-region-masked")).to_have_count(1)
    page.get_by_role("button", name="Rectangle", exact=True).click()
    expect(page.locator("#txt2img_regions .dr-region-masked")).to_have_count(0)
