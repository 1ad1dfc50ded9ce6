"""The Extras tab: pictures are brought, enlarged and sent on."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

FRAME = "#extras_gallery"


def drawn(seed: int, size: tuple[int, int] = (40, 24)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8))


def files(folder: Path, count: int) -> list[str]:
    names = [str(folder / f"{number}.png") for number in range(count)]
    for number, name in enumerate(names):
        drawn(number).save(name)
    return names


@pytest.fixture
def extras(visit):
    """Opens the tab."""

    def open_tab(**options) -> Page:
        page = visit(**options)
        page.get_by_role("tab", name="Extras").click()
        page.wait_for_selector("#extras_canvas .dr-canvas[data-adopted]")
        return page

    return open_tab


def choose(page: Page, control: str, name: str) -> None:
    page.click(f"#{control} input")
    page.get_by_role("option", name=name, exact=True).click()


def finished(page: Page, count: int = 1) -> list[Image.Image]:
    expect(page.locator(f"{FRAME} .dr-announce")).to_contain_text("finished", timeout=60_000)
    expect(page.locator(f"{FRAME} .dr-thumbs button")).to_have_count(count)
    job = page.evaluate("fetch('/api/v1/jobs?limit=1').then((answer) => answer.json())")[0]["id"]
    address = page.url.rstrip("/")
    answers = [page.request.get(f"{address}/api/v1/jobs/{job}/images/{number}") for number in range(count)]
    return [Image.open(io.BytesIO(answer.body())) for answer in answers]


def test_a_picture_is_enlarged_by_a_factor(extras, tmp_path):
    page = extras()
    page.set_input_files("#extras_canvas .dr-canvas-choose input", files(tmp_path, 1)[0])
    choose(page, "extras_upscaler_1", "Nearest")
    page.fill("#extras_upscaling_resize input[type=number]", "2")
    page.click("#extras_generate")
    (made,) = finished(page)
    assert made.convert("RGB").tobytes() == drawn(0).resize((80, 48), Image.Resampling.NEAREST).tobytes()
    assert "Postprocess upscaler: Nearest" in made.info["parameters"]
    assert made.info["parameters"] in page.locator(f"{FRAME} .dr-infotext").text_content()


def test_a_picture_is_brought_to_a_size(extras, tmp_path):
    page = extras()
    page.set_input_files("#extras_canvas .dr-canvas-choose input", files(tmp_path, 1)[0])
    expect(page.locator("#extras_upscaling_resize_w")).to_be_hidden()
    page.get_by_role("radio", name="Scale to").check()
    expect(page.locator("#extras_upscaling_resize")).to_be_hidden()
    page.fill("#extras_upscaling_resize_w input", "90")
    page.fill("#extras_upscaling_resize_h input", "90")
    page.click("#extras_generate")
    assert finished(page)[0].size == (90, 90)


def test_all_pictures_of_a_batch_are_enlarged(extras, tmp_path):
    page = extras()
    page.get_by_role("radio", name="Batch").check()
    page.set_input_files("#extras_canvas .dr-canvas-batch .dr-canvas-open", files(tmp_path, 3))
    page.click("#extras_generate")
    assert [made.size for made in finished(page, 3)] == [(160, 96)] * 3


def test_what_is_wrong_stands_where_it_belongs(extras, tmp_path):
    page = extras()
    page.click("#extras_generate")
    expect(page.locator("#extras_canvas .dr-field-error")).to_contain_text("There is no picture yet.")
    page.set_input_files("#extras_canvas .dr-canvas-choose input", files(tmp_path, 1)[0])
    page.fill("#extras_max_side_length input", "-5")
    page.click("#extras_generate")
    expect(page.locator("#extras_max_side_length .dr-field-error")).to_contain_text(
        "Max side length should be"
    )


def test_an_enlarged_picture_is_sent_on(extras, tmp_path):
    page = extras()
    page.set_input_files("#extras_canvas .dr-canvas-choose input", files(tmp_path, 1)[0])
    page.click("#extras_generate")
    finished(page)
    page.locator(f"{FRAME} .dr-sends").get_by_role("button", name="img2img").click()
    expect(page.locator("#img2img_canvas .dr-canvas-facts")).to_contain_text("160×96")


def test_it_fits_a_phone(extras):
    page = extras(viewport={"width": 390, "height": 844}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for element in ("extras_generate", "extras_canvas", "extras_upscaler_1"):
        box = page.locator(f"#{element}").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
