"""From the prompt to the picture."""

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.pages import api, generate, set_number, set_prompt, shown_job, status, wait_finished

pytestmark = pytest.mark.browser

# Counts the different previews, whatever the page's speed.
COUNT_PREVIEWS = """() => {
  window.seen = new Set();
  const look = () => document.querySelectorAll('.dr-developing img').forEach(i => window.seen.add(i.src));
  new MutationObserver(look)
    .observe(document.querySelector('.dr-view'), {subtree: true, childList: true, attributes: true});
}"""


def test_the_page_opens_ready_for_the_demo_model(visit):
    page = visit()
    assert page.input_value("#txt2img_prompt textarea") == "a 3d panda on a blue background"
    assert page.input_value("#txt2img_width input[type=number]") == "128"
    assert page.input_value("#txt2img_cfg_scale input[type=number]") == "4"
    expect(page.locator("#txt2img_prompt_tokens")).to_have_text("8/75")
    assert page.get_by_text("Your picture develops here.").is_visible()


def test_a_prompt_becomes_a_picture_that_develops(visit, server):
    page = visit()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(COUNT_PREVIEWS)
    set_prompt(page, "a 3d green heart on a yellow background")
    set_number(page, "seed", 7)
    page.focus("#txt2img_prompt textarea")
    page.keyboard.press("Control+Enter")
    wait_finished(page)

    assert page.evaluate("window.seen.size") >= 3
    assert [url for url in asked if not url.startswith((server.address, "data:"))] == []
    job = api(page, f"/api/v1/jobs/{shown_job(page)}").json()
    assert job["state"] == "done"
    infotext = job["images"][0]["infotext"]
    assert page.inner_text(".dr-infotext") == infotext
    assert infotext.startswith("a 3d green heart on a yellow background\nSteps: 20, Sampler: DPM++ 2M, ")
    served = api(page, job["images"][0]["url"]).content
    (file,) = server.data_dir.glob("outputs/txt2img-images/*/?????-7.png")
    assert file.read_bytes() == served
    picture = Image.open(io.BytesIO(served))
    assert (picture.size, picture.text["parameters"]) == ((128, 128), infotext)
    assert page.evaluate("document.querySelector('.dr-view img').naturalWidth") == 128
    assert page.title() == "Darkroom"


def test_every_picture_of_a_batch_is_previewed_and_shown(visit):
    page = visit()
    set_number(page, "batch_size", 3)
    set_number(page, "seed", 100)
    generate(page)
    page.wait_for_function("document.querySelectorAll('.dr-developing img').length === 3", timeout=60_000)
    wait_finished(page)
    thumbs = page.locator(".dr-thumbs button")
    expect(thumbs).to_have_count(3)
    thumbs.nth(1).click()
    assert "Seed: 101," in page.inner_text(".dr-infotext")
    page.locator(".dr-view").press("ArrowLeft")
    assert "Seed: 100," in page.inner_text(".dr-infotext")
    page.locator(".dr-view").click()
    expect(page.locator(".dr-large img")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".dr-large")).to_be_hidden()
    page.click("#txt2img_reuse_seed")
    expect(page.locator("#txt2img_seed input")).to_have_value("100")
    page.click("#txt2img_random_seed")
    expect(page.locator("#txt2img_seed input")).to_have_value("-1")


def test_swap_examples_and_token_count(visit):
    page = visit()
    set_number(page, "width", 192)
    page.click("#txt2img_res_switch_btn")
    expect(page.locator("#txt2img_height input[type=number]")).to_have_value("192")
    expect(page.locator("#txt2img_width input[type=number]")).to_have_value("128")
    page.get_by_role("button", name="a flat rainbow on a blue background").click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a flat rainbow on a blue background")
    set_prompt(page, "heart " * 80)
    expect(page.locator("#txt2img_prompt_tokens")).to_have_text("80/150")


def test_a_wrong_value_is_named_where_it_is_and_the_server_lives(visit):
    page = visit()
    set_prompt(page, "x" * 20_001)
    generate(page)
    error = page.locator("#txt2img_prompt .dr-field-error")
    expect(error).to_contain_text("Prompt should have at most 20000 characters")
    set_prompt(page, "a flat star")
    generate(page)
    expect(error).to_have_count(0)
    wait_finished(page)


def test_a_number_out_of_its_limits_is_brought_into_them(visit):
    page = visit()
    steps = page.locator("#txt2img_steps input[type=number]")
    steps.fill("500")
    page.keyboard.press("Control+Enter")
    expect(steps).to_have_value("150")
    expect(status(page)).to_contain_text("of 150", timeout=60_000)
    page.keyboard.press("Escape")
    expect(status(page)).to_contain_text("Interrupted", timeout=60_000)


def test_interrupt_stops_and_the_next_job_runs(visit):
    page = visit()
    set_number(page, "steps", 150)
    set_number(page, "batch_count", 20)
    generate(page)
    expect(status(page)).to_contain_text("Step", timeout=60_000)
    page.keyboard.press("Escape")
    expect(status(page)).to_contain_text("Interrupted", timeout=10_000)
    assert api(page, f"/api/v1/jobs/{shown_job(page)}").json()["state"] == "interrupted"
    set_number(page, "steps", 5)
    set_number(page, "batch_count", 1)
    generate(page)
    wait_finished(page)


def test_skip_goes_on_with_the_next_batch(visit):
    page = visit()
    set_number(page, "steps", 100)
    set_number(page, "batch_count", 2)
    generate(page)
    expect(status(page)).to_contain_text("batch 1 of 2", timeout=60_000)
    page.click("#txt2img_skip")
    expect(status(page)).to_contain_text("batch 2 of 2", timeout=60_000)
    wait_finished(page)
    assert len(api(page, f"/api/v1/jobs/{shown_job(page)}").json()["images"]) == 1
