"""The page itself: checkpoints, sizes, colours, names."""

import json
import shutil

import pytest
from playwright.sync_api import expect

from tests.browser.pages import generate, reload, set_number, set_prompt, slow_answers, wait_finished
from webui.config import BUILT_IN_CHECKPOINTS

pytestmark = pytest.mark.browser


def test_a_new_checkpoint_is_found_and_its_settings_followed(visit, server):
    page = visit()
    copy = server.data_dir / "models" / "Stable-diffusion" / "mine"
    shutil.copytree(BUILT_IN_CHECKPOINTS / "darkroom-demo", copy)
    (copy / "darkroom.json").write_text(json.dumps({"defaults": {"steps": 7, "cfg_scale": 3, "width": 192}}))
    try:
        page.click("#refresh_sd_model_checkpoint")
        page.click("#setting_sd_model_checkpoint input")
        page.get_by_role("option", name="mine").click()
        expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("7")
        expect(page.locator("#txt2img_width input[type=number]")).to_have_value("192")
        generate(page)
        wait_finished(page)
        assert "Model: mine," in page.inner_text(".dr-infotext")
    finally:
        shutil.rmtree(copy)


def test_an_unusable_checkpoint_says_why_where_it_is_chosen(visit, server):
    page = visit()
    broken = server.data_dir / "models" / "Stable-diffusion" / "broken"
    shutil.copytree(BUILT_IN_CHECKPOINTS / "darkroom-demo", broken)
    (broken / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    try:
        page.click("#refresh_sd_model_checkpoint")
        page.click("#setting_sd_model_checkpoint input")
        page.get_by_role("option", name="broken (unusable)").click()
        expect(page.get_by_text('The checkpoint "broken" is incomplete: unet/')).to_be_visible()
        generate(page)
        expect(page.locator(".dr-top + .dr-field-error")).to_contain_text("is incomplete")
    finally:
        shutil.rmtree(broken)


def test_what_is_set_before_the_settings_come_back_stays(visit):
    first = visit()
    set_prompt(first, "a flat star")
    set_number(first, "steps", 3)
    set_number(first, "width", 64)
    generate(first)
    wait_finished(first)
    page = first.context.new_page()
    with slow_answers(page):
        page.goto(first.url)
        set_prompt(page, "my own words")
        set_number(page, "steps", 7)
    expect(page.locator("#txt2img_width input[type=number]")).to_have_value("64")
    page.wait_for_timeout(200)
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("my own words")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("7")


def test_what_is_set_while_another_checkpoints_settings_come_stays(visit, server):
    page = visit()
    copy = server.data_dir / "models" / "Stable-diffusion" / "mine"
    shutil.copytree(BUILT_IN_CHECKPOINTS / "darkroom-demo", copy)
    (copy / "darkroom.json").write_text(json.dumps({"defaults": {"steps": 7, "cfg_scale": 3, "vae": "None"}}))
    try:
        page.click("#refresh_sd_model_checkpoint")
        page.click("#setting_sd_model_checkpoint input")
        with slow_answers(page):
            page.get_by_role("option", name="mine").click()
            set_number(page, "steps", 9)
        expect(page.locator("#txt2img_cfg_scale input[type=number]")).to_have_value("3")
        expect(page.locator("#setting_sd_vae input")).to_have_value("None")
        expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("9")
        # The next one is as free as the first was: only the steps were set by hand.
        page.click("#setting_sd_model_checkpoint input")
        page.get_by_role("option", name="darkroom-demo").click()
        expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("20")
        expect(page.locator("#setting_sd_vae input")).to_have_value("Automatic")
    finally:
        shutil.rmtree(copy)


def test_on_a_phone_nothing_scrolls_sideways_and_the_picture_follows_generate(visit):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    places = [
        page.locator(name).bounding_box()["y"]
        for name in ("#txt2img_prompt", "#txt2img_generate", ".dr-view")
    ]
    places.append(page.locator("#txt2img_steps").bounding_box()["y"])
    assert places == sorted(places)
    for name in ("#txt2img_generate", "#txt2img_interrupt", "#txt2img_res_switch_btn"):
        assert page.locator(name).bounding_box()["height"] >= 40


def test_the_picture_stays_in_view_while_the_controls_scroll(visit):
    page = visit(viewport={"width": 1200, "height": 600})
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    page.wait_for_timeout(200)
    before = page.locator(".dr-controls").first.bounding_box()["y"]
    assert before < -200
    assert 0 <= page.locator(".dr-view").first.bounding_box()["y"] < 200


def test_a_phone_opens_at_the_top_even_with_a_picture(visit):
    first = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    set_number(first, "steps", 1)
    generate(first)
    wait_finished(first)
    page = visit(first.context)
    expect(page.locator(".dr-infotext").first).to_contain_text("Steps: 1")
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_colours_follow_the_system_and_are_kept_when_changed(visit, scheme):
    page = visit(color_scheme=scheme)
    is_dark = "document.body.classList.contains('dark')"
    assert page.evaluate(is_dark) == (scheme == "dark")
    page.click(".dr-theme")
    assert page.evaluate(is_dark) == (scheme != "dark")
    reload(page)
    assert page.evaluate(is_dark) == (scheme != "dark")


def test_every_control_has_a_name_and_a_hint(visit):
    page = visit()
    for section in page.locator(".dr-section > button").all():
        section.click()
    page.check("#txt2img_subseed_show input")
    page.click("#script_list input")
    page.get_by_role("option", name="X/Y/Z plot").click()
    expect(page.locator("#txt2img_step_cache")).to_be_visible()
    expect(page.locator("#xy_grid_swap_axes_button")).to_be_visible()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, textarea, select')]
            .filter(e => e.offsetParent && !e.labels?.length && !e.closest('label')
                && !(e.ariaLabel || e.title || e.textContent.trim() || e.getAttribute('aria-labelledby')))
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    known = json.loads(page.get_attribute('meta[name="darkroom"]', "content"))
    hints = {**known["own_hints"], **{f"txt2img_{name}": hint for name, hint in known["hints"].items()}}
    there = {element: hint for element, hint in hints.items() if page.locator(f"#{element}").count()}
    assert len(there) > 60
    for element, hint in there.items():
        assert hint
        assert page.locator(f"#{element}").get_attribute("title") == hint


def test_a_list_closes_when_it_is_left_by_tab(visit):
    page = visit()
    page.focus("#setting_sd_model_checkpoint input")
    expect(page.locator("#setting_sd_model_checkpoint input")).to_have_attribute("aria-expanded", "true")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator("input[aria-expanded=true]")).to_have_count(0)
