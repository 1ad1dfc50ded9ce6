"""Hires fix on txt2img, and "Upscale" under its pictures."""

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.pages import (
    api,
    choose,
    generate,
    infotext,
    reload,
    set_number,
    shown_job,
    stage,
    wait_finished,
)

pytestmark = pytest.mark.browser

NOTE = "#txt2img_size"


def job(page):
    return api(page, f"/api/v1/jobs/{shown_job(page)}").json()


def size(page):
    return Image.open(io.BytesIO(api(page, job(page)["images"][0]["url"]).content)).size


@pytest.fixture
def page(visit):
    page = visit()
    set_number(page, "steps", 4)
    return page


def test_the_tick_opens_it_and_tells_both_sizes(page):
    expect(page.locator("#txt2img_hr_upscaler")).to_be_hidden()
    page.check("#txt2img_hr-checkbox input")
    expect(page.locator("#txt2img_hr_upscaler")).to_be_visible()
    expect(page.locator("#txt2img_denoising_strength input[type=number]")).to_have_value("0.7")
    expect(page.locator(NOTE)).to_have_text("from 128×128 to 256×256")
    set_number(page, "hr_scale", 1.5)
    expect(page.locator(NOTE)).to_have_text("from 128×128 to 192×192")
    set_number(page, "hr_resize_y", 320)
    expect(page.locator(NOTE)).to_have_text("from 128×128 to 320×320")
    page.uncheck("#txt2img_hr-checkbox input")
    expect(page.locator("#txt2img_hr_upscaler")).to_be_hidden()
    expect(page.locator(NOTE)).to_have_text("")


def test_a_second_pass_is_drawn_as_asked_and_comes_back(page):
    page.check("#txt2img_hr-checkbox input")
    set_number(page, "hr_scale", 1.5)
    choose(page, "txt2img_hr_upscaler", "Lanczos")
    choose(page, "txt2img_hr_sampler", "Euler")
    page.fill("#txt2img_hr_prompt textarea", "a flat star")
    chips = page.locator("#txt2img_override_settings li")
    expect(chips).to_have_text(
        [
            "Hires. fix×",
            "Hires upscaler: Lanczos×",
            "Hires upscale: 1.5×",
            "Hires sampling method: Euler×",
            "Hires prompt: a flat star×",
        ]
    )
    generate(page)
    wait_finished(page)
    assert size(page) == (192, 192)
    assert "Hires upscaler: Lanczos" in infotext(page)
    params = job(page)["params"]
    assert (params["hr_sampler_name"], params["hr_checkpoint_name"], params["denoising_strength"]) == (
        "Euler",
        "",
        0.7,
    )
    reload(page)
    expect(page.locator("#txt2img_hr-checkbox input")).to_be_checked()
    expect(page.locator("#txt2img_hr_sampler input")).to_have_value("Euler")
    expect(page.locator("#txt2img_hr_checkpoint input")).to_have_value("Use same checkpoint")


def test_without_the_tick_nothing_of_it_is_used(page):
    page.check("#txt2img_hr-checkbox input")
    set_number(page, "hr_scale", 1.5)
    page.uncheck("#txt2img_hr-checkbox input")
    expect(page.locator("#txt2img_override_settings")).to_be_hidden()
    generate(page)
    wait_finished(page)
    assert size(page) == (128, 128)
    assert "Hires" not in infotext(page)


def test_a_size_that_is_too_large_is_told_at_its_control(page):
    page.check("#txt2img_hr-checkbox input")
    set_number(page, "width", 2048)
    set_number(page, "height", 2048)
    set_number(page, "hr_scale", 4)
    expect(page.locator(NOTE)).to_have_text("from 2048×2048 to 8192×8192")
    set_number(page, "batch_size", 2)
    generate(page)
    expect(page.locator("#txt2img_hr_scale .dr-field-error")).to_contain_text("in batches of 2")


def test_a_finished_picture_is_upscaled(page):
    set_number(page, "seed", 31)
    generate(page)
    wait_finished(page)
    first = shown_job(page)
    set_number(page, "seed", 99)
    stage(page).get_by_role("button", name="Upscale").click()
    page.wait_for_function(
        "first => JSON.parse(sessionStorage.getItem('darkroom.txt2img')).at(-1) !== first", arg=first
    )
    wait_finished(page)
    done = job(page)
    assert size(page) == (256, 256)
    assert (done["seed"], done["params"]["firstpass_image"], done["params"]["enable_hr"]) == (
        31,
        f"{first}/0",
        True,
    )
    expect(page.locator("#txt2img_hr-checkbox input")).not_to_be_checked()
