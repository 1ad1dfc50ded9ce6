"""Parameters that are pasted, dropped, taken from pictures and from jobs."""

import base64
import io

import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import expect

from tests.browser.pages import (
    api,
    generate,
    open_section,
    open_tab,
    reload,
    set_number,
    set_prompt,
    shown_job,
    wait_finished,
)

pytestmark = pytest.mark.browser

TEXT = (
    "a red flower, (detailed:1.2)\nNegative prompt: blurry\n"
    "Steps: 12, Sampler: Euler a, Schedule type: Karras, CFG scale: 5.5, Seed: 99, Size: 192x128, "
    "Model hash: abcdef1234, Model: nothere, Variation seed: 5, Variation seed strength: 0.3, Clip skip: 2, "
    "RNG: NV, Hires upscale: 1.5, Mood: grim, Version: v1.10.1"
)
PASTE = """([element, text]) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  element.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""
DROP = """([element, bytes]) => {
  const data = new DataTransfer();
  const content = Uint8Array.from(atob(bytes), (sign) => sign.charCodeAt(0));
  data.items.add(new File([content], "one.png", {type: "image/png"}));
  element.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


def number(page, field):
    return page.locator(f"#txt2img_{field} input[type=number]")


def picture(text):
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", text)
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG", pnginfo=info)
    return file.getvalue()


def expect_filled(page):
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a red flower, (detailed:1.2)")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("blurry")
    expect(page.locator("#txt2img_sampling input")).to_have_value("Euler a")
    expect(page.locator("#txt2img_scheduler input")).to_have_value("Karras")
    for field, value in {"steps": "12", "cfg_scale": "5.5", "seed": "99", "width": "192"}.items():
        expect(number(page, field)).to_have_value(value)
    expect(number(page, "subseed")).to_have_value("5")
    expect(number(page, "subseed_strength")).to_have_value("0.3")
    chips = page.locator("#txt2img_override_settings li")
    expect(chips).to_have_text(["Hires. fix×", "Hires upscale: 1.5×", "RNG: NV×", "Clip skip: 2×"])


def test_the_button_reads_an_infotext_from_the_prompt(visit):
    page = visit()
    expect(page.locator("#txt2img_override_settings")).to_be_hidden()
    set_prompt(page, TEXT)
    page.click("#paste")
    expect_filled(page)
    said = page.locator(".dr-said li")
    expect(said).to_have_text(
        [
            'The checkpoint "nothere" (abcdef1234) is not here; the one chosen stays.',
            "Not used: Mood.",
        ]
    )
    expect(page.locator("#setting_sd_model_checkpoint input")).to_have_value("darkroom-demo")
    generate(page)
    wait_finished(page)
    params = api(page, f"/api/v1/jobs/{shown_job(page)}").json()["params"]
    assert (params["clip_skip"], params["rng"], params["subseed_strength"]) == (2, "NV", 0.3)

    reload(page)
    expect_filled(page)


def test_a_sampler_that_is_not_known_is_told_and_no_markup(visit):
    page = visit()
    set_number(page, "steps", 2)
    name = "<img src=/nowhere.png onerror=window.hurt=1>"
    text = f"a cat\nSteps: 2, Sampler: {name}, Schedule type: Foo, Seed: 1, Version: Darkroom 0.1.0"
    set_prompt(page, text)
    page.click("#paste")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a cat")
    expect(page.locator(".dr-said")).to_contain_text(name)
    expect(page.locator("#txt2img_sampling input")).not_to_have_value("")
    generate(page)
    wait_finished(page)
    set_prompt(page, TEXT)
    page.click("#paste")
    expect_filled(page)
    assert page.locator("[data-testid=toast-text]").count() == 0
    assert page.evaluate("window.hurt") is None


def test_two_fills_one_after_the_other_both_count(visit):
    page = visit()
    set_prompt(page, "my own")
    texts = [f"{name}\nSteps: {steps}, Sampler: Euler, Seed: 7" for name, steps in (("one", 3), ("two", 4))]
    page.evaluate(
        """async (texts) => {
            const main = document.querySelector('script[src$="/main.js"]').src;
            const { fill } = await import(main.replace("main.js", "filling.js"));
            texts.forEach((text) => fill("txt2img", { text }));
        }""",
        texts,
    )
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("two")
    expect(number(page, "steps")).to_have_value("4")
    expect(page.locator(".dr-said")).to_contain_text("Parameters set.")


def test_a_pasted_infotext_is_offered_to_be_read(visit):
    page = visit()
    box = page.locator("#txt2img_prompt textarea")
    box.evaluate(f"(element) => ({PASTE})([element, 'a cat, Steps: many'])")
    expect(page.locator(".dr-proposal")).to_be_hidden()
    handle = box.element_handle()
    page.evaluate(PASTE, [handle, TEXT])
    expect(page.locator(".dr-proposal")).to_be_visible()
    page.get_by_role("button", name="Keep as text").click()
    expect(page.locator(".dr-proposal")).to_be_hidden()
    expect(number(page, "steps")).to_have_value("20")
    page.evaluate(PASTE, [handle, TEXT])
    page.get_by_role("button", name="Apply", exact=True).click()
    expect_filled(page)


def test_a_picture_dropped_on_the_prompt_tells_its_settings(visit):
    page = visit()
    box = page.locator("#txt2img_neg_prompt textarea").element_handle()
    page.evaluate(DROP, [box, base64.b64encode(picture(TEXT)).decode()])
    expect_filled(page)
    page.evaluate(DROP, [box, base64.b64encode(picture("")).decode()])
    expect(page.locator(".dr-said")).to_contain_text("tells nothing of how it was made")


def test_without_an_infotext_the_last_picture_is_taken(visit):
    page = visit()
    page.click("#paste")
    expect(page.locator(".dr-said")).to_contain_text("There is nothing to read yet")
    set_prompt(page, "a flat star")
    set_number(page, "steps", 3)
    generate(page)
    wait_finished(page)
    seed = api(page, f"/api/v1/jobs/{shown_job(page)}").json()["seed"]
    set_prompt(page, "something else")
    set_number(page, "steps", 9)
    page.click("#paste")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a flat star")
    expect(number(page, "steps")).to_have_value("3")
    expect(number(page, "seed")).to_have_value(str(seed))


def test_settings_come_back_from_the_picture_and_from_the_queue(visit):
    page = visit()
    set_prompt(page, "a flat star")
    set_number(page, "steps", 3)
    set_number(page, "batch_count", 2)
    generate(page)
    wait_finished(page)
    set_prompt(page, "something else")
    set_number(page, "batch_count", 1)
    page.click(".dr-use")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a flat star")
    expect(number(page, "batch_count")).to_have_value("1")
    page.get_by_role("button", name="Bring my prompts back").click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("something else")
    open_tab(page, "Queue")
    page.get_by_role("button", name="Show").first.click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("something else")
    page.get_by_role("button", name="Use its settings").click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a flat star")
    expect(number(page, "batch_count")).to_have_value("2")
    expect(number(page, "seed")).to_have_value("-1")


def test_both_prompts_are_cleared_and_had_back(visit):
    page = visit()
    set_prompt(page, "a flat star")
    page.fill("#txt2img_neg_prompt textarea", "blurry")
    page.click("#txt2img_clear_prompt")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a flat star")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("blurry")


def test_a_saved_picture_is_named_after_its_seed_and_format(visit):
    page = visit()
    set_number(page, "steps", 2)
    set_number(page, "seed", 8)
    generate(page)
    wait_finished(page)
    with page.expect_download() as download:
        page.click(".dr-save")
    assert download.value.suggested_filename == "00000-8.png"


def test_the_variation_seed_of_a_picture_is_taken(visit):
    page = visit()
    page.check("#txt2img_subseed_show input")
    open_section(page, "look")
    for field, value in {"steps": 2, "subseed": 77, "subseed_strength": 0.2}.items():
        set_number(page, field, value)
    generate(page)
    wait_finished(page)
    page.click("#txt2img_random_subseed")
    expect(number(page, "subseed")).to_have_value("-1")
    page.click("#txt2img_reuse_subseed")
    expect(number(page, "subseed")).to_have_value("77")
