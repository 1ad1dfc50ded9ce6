"""A part of a picture, and beyond its edges: the Inpaint tab."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.pages import (
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
    wait_finished,
)

pytestmark = pytest.mark.browser

TAB = "inpaint"


def grain():
    """A picture of which no two parts are alike, so that whatever changes is seen."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (128, 128, 3), dtype=np.uint8))


def number(page, field):
    return page.locator(f"#{TAB}_{field} input[type=number]")


def job(page):
    return api(page, f"/api/v1/jobs/{shown_job(page, TAB)}").json()


def picture_at(page, url):
    return np.asarray(Image.open(io.BytesIO(api(page, url).content)).convert("RGB"))


@pytest.fixture
def page(visit):
    page = visit()
    open_tab(page, "Inpaint")
    expect(page.locator("#inpaint_generate")).to_be_visible()
    return page


def test_what_is_masked_changes_and_nothing_else_to_the_bit(page):
    image = grain()
    drop_picture(page, image, TAB)
    paint(page, TAB, (-0.1, 0), (0.1, 0))
    set_prompt(page, "a red strawberry", TAB)
    set_number(page, "mask_blur", 0, TAB)
    set_number(page, "steps", 4, TAB)
    generate(page, TAB)
    wait_finished(page, TAB)
    done = job(page)
    mask = picture_at(page, f"/api/v1/uploads/{done['params']['mask']}")[..., 0] > 0
    drawn = picture_at(page, done["images"][0]["url"])
    changed = (drawn != np.asarray(image)).any(axis=2)
    assert 20 < mask.sum() < 128 * 128 / 2
    assert changed[mask].mean() > 0.9
    assert not changed[~mask].any()
    assert (done["params"]["mask_blur"], done["params"]["inpainting_fill"]) == (0, 1)


def test_nothing_masked_is_told_at_the_canvas(page):
    drop_picture(page, grain(), TAB)
    generate(page, TAB)
    expect(page.locator("#inpaint_canvas .dr-field-error")).to_contain_text("Nothing is masked")


def test_the_frame_and_the_boxes_tell_the_same(page):
    drop_picture(page, grain(), TAB)
    expect(page.locator("#inpaint_outpaint_left")).to_be_hidden()
    page.check("#inpaint_canvas input[value=outpaint]")
    expect(page.locator("#inpaint_outpaint_left")).to_be_visible()
    set_number(page, "outpaint_right", 64, TAB)
    handle = page.locator("#inpaint_canvas [data-side=right]")
    expect(handle).to_have_text("+64")
    expect(number(page, "width")).to_have_value("192")
    page.locator("#inpaint_canvas [data-side=left]").press("ArrowLeft")
    expect(number(page, "outpaint_left")).to_have_value("8")
    expect(number(page, "outpaint_right")).to_have_value("64")
    expect(page.locator("#inpaint_size")).to_have_text("128×128 becomes 200×128")
    set_number(page, "outpaint_left", "", TAB)
    expect(page.locator("#inpaint_canvas [data-side=left]")).to_have_text("+0")
    set_number(page, "steps", 3, TAB)
    generate(page, TAB)
    wait_finished(page, TAB)
    done = job(page)
    assert (done["params"]["outpaint_right"], done["params"]["outpaint_left"]) == (64, 0)
    drawn = picture_at(page, done["images"][0]["url"])
    assert drawn.shape == (128, 192, 3)
    assert (drawn[:, :100] == np.asarray(grain())[:, :100]).all()


def test_a_new_picture_keeps_nothing_of_the_last(page):
    drop_picture(page, grain(), TAB)
    page.check("#inpaint_canvas input[value=outpaint]")
    set_number(page, "outpaint_up", 64, TAB)
    expect(page.locator("#inpaint_canvas [data-side=up]")).to_have_text("+64")
    page.set_input_files(
        "#inpaint_canvas .dr-canvas-icon-open input",
        {"name": "two.png", "mimeType": "image/png", "buffer": bytes_of(Image.new("RGB", (64, 128), "red"))},
    )
    expect(page.locator("#inpaint_canvas .dr-canvas-facts")).to_contain_text("64×128")
    expect(number(page, "outpaint_up")).to_have_value("0")


def bytes_of(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_what_depends_on_a_choice_is_shown_with_it(page):
    expect(page.locator("#inpaint_inpaint_full_res_padding")).to_be_hidden()
    page.check("#inpaint_inpaint_full_res input[value='true']")
    expect(page.locator("#inpaint_inpaint_full_res_padding")).to_be_visible()
    expect(page.locator("#inpaint_mask_blend_power")).to_be_hidden()
    page.check("#inpaint_soft_inpainting input")
    expect(page.locator("#inpaint_mask_blend_power")).to_be_visible()
    chips = page.locator("#inpaint_override_settings li")
    expect(chips).to_have_text(["Soft inpainting×"])
    set_number(page, "mask_blend_power", 2, TAB)
    expect(chips).to_have_text(["Soft inpainting×", "Schedule bias: 2×"])
    page.get_by_role("button", name="Set Soft inpainting back").click()
    expect(page.locator("#inpaint_mask_blend_power")).to_be_hidden()
    expect(page.locator("#inpaint_override_settings")).to_be_hidden()


def test_a_masked_part_alone_and_softly(page):
    drop_picture(page, grain(), TAB)
    paint(page, TAB, (-0.1, 0), (0.1, 0))
    page.check("#inpaint_inpaint_full_res input[value='true']")
    page.check("#inpaint_soft_inpainting input")
    page.check("#inpaint_inpainting_fill input[value='2']")
    set_number(page, "steps", 3, TAB)
    generate(page, TAB)
    wait_finished(page, TAB)
    params = job(page)["params"]
    assert (params["inpaint_full_res"], params["soft_inpainting"], params["inpainting_fill"]) == (
        True,
        True,
        2,
    )
    assert re.search("Inpaint area: Only masked.*Masked content: latent noise", infotext(page, TAB))
    reload(page, TAB)
    expect(page.locator("#inpaint_inpaint_full_res input[value='true']")).to_be_checked()
    expect(page.locator("#inpaint_mask_blend_power")).to_be_visible()
    wait_finished(page, TAB)
    # Picture and mask are there, too, as they were.
    expect(page.locator("#inpaint_canvas .dr-canvas-facts")).to_contain_text("128×128")
    before = shown_job(page, TAB)
    expect(page.locator("#inpaint_canvas [data-act=undo]")).to_be_enabled()
    generate(page, TAB)
    page.wait_for_function(
        "before => JSON.parse(sessionStorage.getItem('darkroom.inpaint')).at(-1) !== before", arg=before
    )
    wait_finished(page, TAB)
    again = job(page)["params"]
    masks = [picture_at(page, f"/api/v1/uploads/{one['mask']}") for one in (params, again)]
    assert (masks[0] == masks[1]).all()


def test_a_file_from_png_info_goes_onto_the_canvas(visit):
    page = visit()
    open_tab(page, "PNG Info")
    file = {"name": "one.png", "mimeType": "image/png", "buffer": bytes_of(grain())}
    page.set_input_files(".dr-pnginfo .dr-drop-input", file)
    page.get_by_role("button", name="Send to Inpaint").click()
    expect(page.locator("#inpaint_canvas .dr-canvas-facts")).to_contain_text("128×128")
