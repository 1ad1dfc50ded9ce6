"""ControlNet units as a visitor uses them: in the accordion, on the ControlNet tab, after a reload."""

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import (
    LONG,
    api,
    drop_picture,
    generate,
    infotext,
    open_tab,
    paint,
    reload,
    set_number,
    set_prompt,
    shown_job,
    stage,
    wait_finished,
    wait_opened,
)

pytestmark = pytest.mark.browser

SIZE = (192, 128)


def drawing() -> Image.Image:
    """A square with clear edges."""
    image = Image.new("RGB", SIZE, "white")
    ImageDraw.Draw(image).rectangle((64, 32, 127, 95), fill="#203080")
    return image


def files(image: Image.Image, name: str = "one.png") -> dict:
    made = io.BytesIO()
    image.save(made, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": made.getvalue()}


def unit(page: Page, number: int = 0, tab: str = "txt2img") -> Locator:
    return page.locator(f'[id="{tab}_controlnet_ControlNet-{number}"]')


def open_units(page: Page, tab: str = "txt2img") -> Locator:
    """Open the accordion; its first unit."""
    page.click(f"#{tab}_controlnet summary")
    first = unit(page, 0, tab)
    expect(kind(first, "Canny")).to_be_visible()
    return first


def kind(unit: Locator, name: str) -> Locator:
    """A control type's radio button."""
    return unit.get_by_role("radio", name=name, exact=True)


def bring(unit: Locator, image: Image.Image) -> None:
    unit.locator('[id$="_input_image"] input').set_input_files(files(image))
    expect(unit.get_by_role("img", name="Control image", exact=True)).to_be_visible()


def shown_map(page: Page, unit: Locator) -> Image.Image:
    """The map, once the preview shows one."""
    picture = unit.get_by_role("img", name="The preprocessor's map")
    expect(picture).to_be_visible(timeout=LONG)
    return Image.open(io.BytesIO(api(page, picture.get_attribute("src") or "").content))


def quick(page: Page, tab: str = "txt2img") -> None:
    set_prompt(page, "panda, 3d style", tab)
    set_number(page, "steps", 2, tab)


def job(page: Page, tab: str = "txt2img") -> dict:
    return api(page, f"/api/v1/jobs/{shown_job(page, tab)}").json()


def test_a_unit_steers_and_a_reload_shows_it_as_it_was(visit: Callable[..., Page]):
    page = visit()
    quick(page)
    first = open_units(page)
    bring(first, drawing())
    expect(first.get_by_label("Enable")).to_be_checked()
    kind(first, "Reference").check()
    expect(first.get_by_label("Preprocessor", exact=True)).to_have_value("reference_only")
    set_unit_number(first, "Control Weight", "0.8")
    expect(page.locator("#txt2img_override_settings")).to_contain_text("ControlNet: 1 unit")
    generate(page)
    wait_finished(page)
    (told,) = job(page)["params"]["control"]
    assert (told["enabled"], told["module"], told["weight"]) == (True, "reference_only", 0.8)
    assert re.fullmatch("[0-9a-f]{32}", told["image"])
    assert "ControlNet 0: " in infotext(page)

    reload(page)
    again = unit(page)
    expect(again.get_by_role("img", name="Control image", exact=True)).to_have_attribute(
        "src", f"/api/v1/uploads/{told['image']}", timeout=LONG
    )
    expect(again.get_by_role("spinbutton", name="Control Weight")).to_have_value("0.8")
    expect(again.get_by_label("Preprocessor", exact=True)).to_have_value("reference_only")


def test_what_is_wrong_goes_once_something_is_changed(visit: Callable[..., Page]):
    page = visit()
    quick(page)
    first = open_units(page)
    bring(first, drawing())
    kind(first, "Depth").check()
    expect(first.locator(".dr-unit-lacking")).to_contain_text(
        "There is no Depth model for this checkpoint yet."
    )
    generate(page)
    expect(first.locator(".dr-field-error")).to_contain_text("steers nothing without a model")
    kind(first, "Canny").check()
    expect(first.locator(".dr-field-error")).to_have_count(0)
    expect(first.locator(".dr-unit-lacking")).to_be_empty()


def test_a_unit_that_an_infotext_tells_has_its_chip_and_the_usual_thresholds(visit: Callable[..., Page]):
    page = visit()
    told = 'ControlNet 0: "Module: canny, Model: darkroom-canny, Weight: 0.7"'
    set_prompt(page, f"a cat\nSteps: 2, Sampler: Euler, Seed: 1, Size: 128x128, {told}")
    page.click("#paste")
    first = unit(page)
    expect(first.get_by_role("spinbutton", name="Control Weight")).to_have_value("0.7", timeout=LONG)
    expect(first.get_by_role("spinbutton", name="Low Threshold")).to_have_value("100")
    chips = page.locator("#txt2img_override_settings")
    expect(chips).to_contain_text("ControlNet: 1 unit")
    set_prompt(page, "a dog\nSteps: 3, Sampler: Euler, Seed: 1, Size: 128x128")
    page.click("#paste")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("3")
    expect(chips).not_to_contain_text("ControlNet: 1 unit")


def test_without_a_picture_of_its_own_the_tab_says_how_it_is_resized(visit: Callable[..., Page]):
    page = visit()
    open_tab(page, "img2img")
    wait_opened(page, "img2img")
    first = open_units(page, "img2img")
    resize = first.get_by_role("group", name="Resize Mode")
    expect(resize).to_be_hidden()
    bring(first, drawing())
    expect(resize).to_be_visible()


def set_unit_number(unit: Locator, label: str, value: str) -> None:
    box = unit.get_by_role("spinbutton", name=label, exact=True)
    box.fill(value)
    box.press("Tab")


def test_the_preview_follows_what_is_changed(visit: Callable[..., Page]):
    page = visit()
    first = open_units(page)
    bring(first, drawing())
    kind(first, "Canny").check()
    first.get_by_label("Allow Preview").check()
    edges = np.asarray(shown_map(page, first).convert("L")) > 127
    assert 0 < edges.mean() < 0.2
    before = first.get_by_role("img", name="The preprocessor's map").get_attribute("src") or ""
    kind(first, "Recolor").check()
    changed = first.get_by_role("img", name="The preprocessor's map")
    expect(changed).not_to_have_attribute("src", before, timeout=LONG)
    assert np.asarray(shown_map(page, first).convert("L")).max() > 250
    first.get_by_role("button", name="Use as control image").click()
    expect(first.get_by_label("Preprocessor", exact=True)).to_have_value("none")


def test_what_the_server_refuses_stands_at_its_unit(visit: Callable[..., Page]):
    page = visit()
    quick(page)
    open_units(page)
    page.get_by_role("tab", name="ControlNet Unit 1").click()
    second = unit(page, 1)
    second.get_by_label("Enable").check()
    page.get_by_role("tab", name="ControlNet Unit 0").click()
    page.click("#txt2img_controlnet summary")
    generate(page)
    expect(second.get_by_role("alert")).to_contain_text("ControlNet unit 1: there is no control image")
    expect(second).to_be_visible()


def test_chips_and_keys_reach_units(visit: Callable[..., Page]):
    page = visit()
    first = open_units(page)
    first.get_by_label("Enable").check()
    page.get_by_role("tab", name="ControlNet Unit 0").press("ArrowRight")
    expect(unit(page, 1)).to_be_visible()
    expect(first).to_be_hidden()
    page.get_by_role("button", name="Turn off ControlNet: 1 unit").click()
    expect(page.locator("#txt2img_override_settings")).not_to_contain_text("ControlNet")
    expect(page.locator("#txt2img_controlnet .dr-steer-facts")).to_have_text("")


def test_a_mask_is_painted_in_a_dialog(visit: Callable[..., Page]):
    page = visit()
    first = open_units(page)
    bring(first, drawing())
    first.get_by_role("checkbox", name="Effective Region Mask").check()
    first.get_by_role("button", name="Paint the mask").click()
    area = page.locator(".dr-mask .dr-canvas-filled .dr-canvas-area")
    box = area.bounding_box() or {}
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 60, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Use this mask").click()
    painted = first.get_by_role("img", name="Effective region mask")
    expect(painted).to_be_visible()
    content = api(page, painted.get_attribute("src") or "").content
    mask = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    assert mask.shape == (SIZE[1], SIZE[0])
    assert mask[64, 96] == 255
    assert mask[2, 2] == 0


def test_img2img_shows_the_map_of_its_own_picture(visit: Callable[..., Page]):
    page = visit()
    open_tab(page, "img2img")
    wait_opened(page, "img2img")
    drop_picture(page, drawing(), "img2img")
    first = open_units(page, "img2img")
    kind(first, "Canny").check()
    first.get_by_role("button", name="Run the preprocessor and show its map").click()
    assert np.asarray(shown_map(page, first).convert("L")).max() > 127


def test_the_controlnet_tab_draws_from_what_is_on_its_canvas(visit: Callable[..., Page]):
    page = visit()
    open_tab(page, "ControlNet")
    wait_opened(page, "control")
    quick(page, "control")
    drop_picture(page, drawing(), "control")
    expect(page.locator("#control_width input[type=number]")).not_to_have_value("128")
    page.locator("#control_canvas .dr-canvas-area").scroll_into_view_if_needed()
    paint(page, "control", (-0.2, 0), (0.2, 0))
    first = unit(page, 0, "control")
    kind(first, "Reference").check()
    shown_map(page, first)
    generate(page, "control")
    wait_finished(page, "control")
    drawn = job(page, "control")
    assert drawn["kind"] == "control"
    (told,) = drawn["params"]["control"]
    sent = Image.open(io.BytesIO(api(page, f"/api/v1/uploads/{told['image']}").content))
    assert sent.size == SIZE
    assert sent.convert("RGB").getpixel((96, 64)) == (0, 0, 0)
    assert told["mask"] == ""

    reload(page, "control")
    expect(unit(page, 0, "control").get_by_label("Preprocessor", exact=True)).to_have_value(
        "reference_only", timeout=LONG
    )
    expect(page.locator("#control_canvas .dr-canvas")).to_have_class(re.compile("dr-canvas-filled"))


def test_a_picture_is_sent_to_the_controlnet_tab_and_settings_come_without_pictures(
    visit: Callable[..., Page],
):
    page = visit()
    quick(page)
    first = open_units(page)
    bring(first, drawing())
    kind(first, "Reference").check()
    generate(page)
    wait_finished(page)
    set_unit_number(first, "Control Weight", "0.3")
    page.get_by_role("button", name="Use these settings").click()
    expect(first.get_by_role("spinbutton", name="Control Weight")).to_have_value("1")
    expect(first.get_by_role("img", name="Control image", exact=True)).to_be_visible()
    first.get_by_role("button", name="Take the finished picture that is shown").click()
    expect(first.get_by_role("img", name="Control image", exact=True)).to_have_attribute(
        "src", f"/api/v1/jobs/{shown_job(page)}/images/0"
    )
    stage(page).get_by_role("button", name="ControlNet", exact=True).click()
    expect(page.locator("#control_canvas .dr-canvas")).to_have_class(
        re.compile("dr-canvas-filled"), timeout=LONG
    )


def test_nothing_scrolls_sideways_on_a_phone(visit: Callable[..., Page]):
    page = visit(viewport={"width": 390, "height": 844})
    first = open_units(page)
    bring(first, drawing())
    first.get_by_label("Allow Preview").check()
    page.click("#txt2img_regions summary")
    page.get_by_role("button", name="2 columns").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
