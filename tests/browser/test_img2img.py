"""From a picture to a picture: the img2img tab."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.pages import (
    LONG,
    api,
    choose,
    drop_picture,
    generate,
    infotext,
    open_tab,
    paint,
    set_number,
    set_prompt,
    shown_job,
    stage,
    wait_finished,
)
from tests.serving import wait_until

pytestmark = pytest.mark.browser

TAB = "img2img"


def number(page, field):
    return page.locator(f"#{TAB}_{field} input[type=number]")


def params(page):
    return api(page, f"/api/v1/jobs/{shown_job(page, TAB)}").json()["params"]


def drawn(page):
    """The picture that the stage shows, as it was saved."""
    job = api(page, f"/api/v1/jobs/{shown_job(page, TAB)}").json()
    return Image.open(io.BytesIO(api(page, job["images"][0]["url"]).content))


@pytest.fixture
def page(visit):
    page = visit()
    open_tab(page, TAB)
    expect(page.locator("#img2img_generate")).to_be_visible()
    return page


def test_without_a_picture_one_sentence_says_so_at_the_canvas(page):
    generate(page, TAB)
    error = page.locator("#img2img_canvas .dr-field-error")
    expect(error).to_have_text("There is no picture yet. Drop one here, paste it, or choose a file.")
    drop_picture(page, Image.new("RGB", (128, 128), "red"), TAB)
    set_number(page, "steps", 4, TAB)
    generate(page, TAB)
    expect(error).to_have_count(0)
    wait_finished(page, TAB)


def test_a_picture_is_drawn_from_and_its_colours_remain(page):
    drop_picture(page, Image.new("RGB", (128, 128), (250, 40, 20)), TAB)
    set_number(page, "denoising_strength", 0.1, TAB)
    set_number(page, "steps", 20, TAB)
    generate(page, TAB)
    wait_finished(page, TAB)
    red, green, blue = drawn(page).resize((1, 1)).getpixel((0, 0))
    assert red > 180
    assert max(green, blue) < 110
    assert "Denoising strength: 0.1" in infotext(page, TAB)
    (picture,) = params(page)["init_images"]
    assert len(picture) == 32


def test_proportions_are_kept_and_the_size_is_told(page):
    note = page.locator("#img2img_size")
    drop_picture(page, Image.new("RGB", (600, 300), "blue"), TAB)
    expect(number(page, "width")).to_have_value("184")
    expect(number(page, "height")).to_have_value("88")
    expect(note).to_have_text("600×300 becomes 184×88")
    page.click("#img2img_detect_image_size_btn")
    expect(number(page, "width")).to_have_value("600")
    expect(number(page, "height")).to_have_value("304")
    page.check("#img2img_resize input[value='Resize by']")
    expect(number(page, "width")).to_be_hidden()
    set_number(page, "scale", 0.25, TAB)
    expect(note).to_have_text("600×300 becomes 150×75")
    set_number(page, "steps", 2, TAB)
    generate(page, TAB)
    wait_finished(page, TAB)
    assert drawn(page).size == (150, 75)
    assert params(page)["scale_by"] == 0.25


def test_a_picture_that_is_to_be_cut_leaves_the_size_alone(page):
    page.check("#img2img_resize_mode input[value='1']")
    drop_picture(page, Image.new("RGB", (600, 300), "blue"), TAB)
    expect(page.locator("#img2img_size")).to_have_text("600×300 becomes 128×128")
    expect(number(page, "width")).to_have_value("128")


def test_a_picture_goes_from_tab_to_tab_with_what_it_tells(visit):
    page = visit()
    set_prompt(page, "a 3d green heart on a yellow background")
    set_number(page, "steps", 5)
    set_number(page, "seed", 12)
    page.check("#txt2img_subseed_show input")
    generate(page)
    wait_finished(page)
    first = shown_job(page)
    stage(page).get_by_role("button", name="img2img").click()
    expect(page.locator("#img2img_prompt textarea")).to_have_value("a 3d green heart on a yellow background")
    expect(number(page, "steps")).to_have_value("5")
    expect(number(page, "seed")).to_have_value("12")
    expect(number(page, "denoising_strength")).to_have_value("0.75")
    expect(page.locator("#img2img_size")).to_have_text("128×128")
    set_number(page, "denoising_strength", 0.4, TAB)
    generate(page, TAB)
    wait_finished(page, TAB)
    assert params(page)["init_images"] == [f"{first}/0"]
    stage(page, TAB).get_by_role("button", name="Inpaint").click()
    expect(page.locator("#inpaint_canvas .dr-canvas-facts")).to_contain_text("128×128")
    expect(page.locator("#inpaint_steps input[type=number]")).to_have_value("5")


def test_each_tab_shows_its_own_jobs_and_settings_again(page):
    drop_picture(page, Image.new("RGB", (128, 128), "green"), TAB)
    set_prompt(page, "a flat star", TAB)
    set_number(page, "steps", 3, TAB)
    generate(page, TAB)
    wait_finished(page, TAB)
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("#txt2img_generate")
    expect(other.locator("#txt2img_gallery .dr-empty")).to_be_visible()
    open_tab(other, TAB)
    wait_finished(other, TAB)
    expect(other.locator("#img2img_prompt textarea")).to_have_value("a flat star")
    expect(other.locator("#img2img_steps input[type=number]")).to_have_value("3")
    expect(other.locator("#img2img_canvas .dr-canvas-facts")).to_contain_text("128×128")
    open_tab(other, "Queue")
    other.get_by_role("button", name="Show").first.click()
    expect(other.locator("#img2img_generate")).to_be_visible()
    other.get_by_role("button", name="Use its settings").click()
    expect(other.locator("#img2img_gallery")).to_be_visible()


def test_an_infotext_fills_the_tab_that_it_stands_in(page):
    told = "Steps: 12, Sampler: Euler a, Seed: 99, Size: 192x128, Denoising strength: 0.42, RNG: CPU"
    text = f"a red flower\n{told}"
    set_prompt(page, text, TAB)
    page.click("#img2img_paste")
    expect(page.locator("#img2img_prompt textarea")).to_have_value("a red flower")
    for field, value in {"steps": "12", "denoising_strength": "0.42", "width": "192"}.items():
        expect(number(page, field)).to_have_value(value)
    expect(page.locator("#img2img_remarks .dr-said")).to_contain_text("Parameters set.")
    open_tab(page, "txt2img")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("20")
    expect(page.locator("#txt2img_prompt textarea")).not_to_have_value("a red flower")


def test_loopback_and_sd_upscale_are_offered_here_alone(page):
    page.click("#img2img_script_list input")
    names = page.get_by_role("option").all_inner_texts()
    assert {"Loopback", "SD upscale", "X/Y/Z plot"} <= {
        name.strip().removeprefix("✓").strip() for name in names
    }
    page.get_by_role("option", name="Loopback").click()
    drop_picture(page, Image.new("RGB", (128, 128), "green"), TAB)
    set_number(page, "steps", 2, TAB)
    loops = page.locator("#script_img2img_loopback_loops input[type=number]")
    loops.fill("2")
    loops.press("Tab")
    expect(page.locator("#img2img_script_count")).to_contain_text("2 pictures")
    generate(page, TAB)
    wait_finished(page, TAB)
    assert params(page)["script"]["loops"] == 2
    open_tab(page, "txt2img")
    page.click("#script_list input")
    expect(page.get_by_role("option", name="Loopback")).to_have_count(0)


def test_painting_draws_anew_at_once_and_leaves_no_trace(page):
    drop_picture(page, Image.new("RGB", (128, 128), "white"), TAB)
    set_prompt(page, "a flat star", TAB)
    view = page.locator("#img2img_gallery .dr-view img")
    page.check("#img2img_live input")
    expect(view).to_have_count(1, timeout=LONG)
    before = view.get_attribute("src")
    page.check("#img2img_canvas input[value=sketch]")
    paint(page, TAB, (-0.3, -0.3), (0.3, 0.3))
    expect(view).not_to_have_attribute("src", before, timeout=LONG)
    expect(page.locator("#img2img_interrupt")).to_be_disabled()
    expect(page.locator("#img2img_gallery .dr-thumbs button")).to_have_count(0)
    assert page.title() == "Darkroom"
    page.uncheck("#img2img_live input")
    wait_until(lambda: api(page, "/api/v1/jobs").json() == [])
    set_number(page, "steps", 3, TAB)
    generate(page, TAB)
    wait_finished(page, TAB)
    assert len(api(page, "/api/v1/jobs").json()) == 1


def test_what_is_set_is_drawn_anew_too_while_live(page):
    drop_picture(page, Image.new("RGB", (128, 128), "white"), TAB)
    view = page.locator("#img2img_gallery .dr-view img")
    page.check("#img2img_live input")
    expect(view).to_have_count(1, timeout=LONG)
    before = view.get_attribute("src")
    set_number(page, "denoising_strength", 0.2, TAB)
    expect(view).not_to_have_attribute("src", before, timeout=LONG)


def test_chips_tell_of_this_tabs_fields(page):
    page.locator("#img2img_start button").first.click()
    set_number(page, "img2img_extra_noise", 0.05, TAB)
    chips = page.locator("#img2img_override_settings li")
    expect(chips).to_have_text(["Extra noise: 0.05×"])
    page.check("#img2img_img2img_color_correction input")
    expect(chips).to_have_text(["Extra noise: 0.05×", "Color correction×"])
    page.get_by_role("button", name="Set Extra noise back").click()
    expect(number(page, "img2img_extra_noise")).to_have_value("0")


def test_a_detector_shows_its_own_fields(page):
    page.locator("#img2img_detailer_section button").first.click()
    expect(page.locator("#img2img_detailer")).to_be_visible()
    expect(page.locator("#img2img_detailer_steps")).to_have_count(0)
    choose(page, "img2img_detailer", "Saliency")
    expect(page.locator("#img2img_detailer_threshold")).to_be_visible()
    expect(page.locator("#img2img_detailer_color")).to_have_count(0)
    choose(page, "img2img_detailer", "Color")
    expect(page.locator("#img2img_detailer_color")).to_be_visible()
    choose(page, "img2img_detailer", "Mask")
    expect(page.locator("#img2img_detailer_threshold")).to_have_count(0)
    file = io.BytesIO()
    Image.new("L", (64, 64), 255).save(file, "PNG")
    with page.expect_file_chooser() as chooser:
        page.click("#img2img_detailer_mask_file")
    chooser.value.set_files({"name": "m.png", "mimeType": "image/png", "buffer": file.getvalue()})
    expect(page.locator("#img2img_detailer_mask :is(input, textarea)")).to_have_value(
        re.compile("^[0-9a-f]{32}$")
    )


def test_a_hidden_tabs_job_is_over_when_one_comes_back(page):
    drop_picture(page, Image.new("RGB", (128, 128), "white"), TAB)
    set_number(page, "steps", 30, TAB)
    generate(page, TAB)
    expect(page.locator("#img2img_interrupt")).to_be_enabled(timeout=LONG)
    open_tab(page, "txt2img")
    expect(page.locator("#txt2img_generate")).to_be_visible()
    expect(page.locator("#txt2img_interrupt")).to_be_disabled()
    page.wait_for_function("document.title === 'Darkroom'", timeout=LONG)
    open_tab(page, TAB)
    wait_finished(page, TAB)
    assert "Steps: 30," in infotext(page, TAB)


@pytest.mark.parametrize("tab", ["img2img", "Inpaint"])
def test_on_a_phone_prompt_canvas_and_picture_come_one_after_the_other(visit, tab):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    open_tab(page, tab)
    name = tab.lower()
    expect(page.locator(f"#{name}_generate")).to_be_visible()
    places = [
        page.locator(element).bounding_box()["y"]
        for element in (f"#{name}_prompt", f"#{name}_generate", f"#{name}_canvas", f"#{name}_gallery")
    ]
    places.append(page.locator(f"#{name}_steps").bounding_box()["y"])
    assert places == sorted(places)
    for button in page.locator(f"#tab_{name} .dr-section > button").all():
        button.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    expect(page.get_by_label("More tabs")).to_be_hidden()
    page.get_by_role("tab", name="Settings", exact=True).click()
    expect(page.locator("#settings")).to_be_visible()
