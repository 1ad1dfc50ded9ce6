"""Styles: written in the editor, chosen, put into the prompts, and drawn with."""

import pytest
from playwright.sync_api import expect

from tests.browser.pages import api, generate, set_number, set_prompt, shown_job, slow_answers, wait_finished

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visit, server):
    yield visit()
    (server.data_dir / "styles.csv").unlink(missing_ok=True)


def save(page, name, prompt, negative=""):
    page.click("#txt2img_styles_edit_button")
    page.get_by_role("button", name="New style").click()
    page.fill(".dr-styles [name=name]", name)
    page.fill(".dr-styles [name=prompt]", prompt)
    page.fill(".dr-styles [name=negative_prompt]", negative)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".dr-styles-said")).to_have_text(f'Saved "{name}".')
    page.click(".dr-styles .dr-close")


def choose(page, name):
    page.click("#txt2img_styles input")
    page.get_by_role("option", name=name).click()
    page.keyboard.press("Escape")


def test_a_style_is_saved_chosen_and_put_into_the_prompt(page, server):
    save(page, "film", "cinematic {prompt}, 35mm", "blurry")
    assert "film" in (server.data_dir / "styles.csv").read_text()
    set_prompt(page, "a flat star")
    choose(page, "film")
    page.click("#txt2img_style_apply")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("cinematic a flat star, 35mm")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("blurry")
    expect(page.locator("#txt2img_styles .token")).to_have_count(0)


def test_a_chosen_style_is_drawn_with_and_found_again(page):
    save(page, "film", "{prompt}, 35mm")
    set_prompt(page, "a flat star")
    set_number(page, "steps", 2)
    choose(page, "film")
    generate(page)
    wait_finished(page)
    job = api(page, f"/api/v1/jobs/{shown_job(page)}").json()
    assert job["params"]["styles"] == ["film"]
    assert job["images"][0]["infotext"].startswith("a flat star, 35mm\n")
    page.click(".dr-use")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a flat star")
    expect(page.locator("#txt2img_styles .token")).to_have_count(1)


def test_styles_are_renamed_deleted_and_taken_from_the_prompt(page):
    save(page, "film", "35mm")
    set_prompt(page, "a flat star")
    page.click("#txt2img_styles_edit_button")
    page.get_by_role("button", name="film", exact=True).click()
    expect(page.locator(".dr-styles [name=prompt]")).to_have_value("35mm")
    page.fill(".dr-styles [name=name]", "analog")
    page.get_by_role("button", name="Take from the prompt").click()
    expect(page.locator(".dr-styles [name=prompt]")).to_have_value("a flat star")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".dr-styles-list li")).to_have_text(["analog"])
    assert [style["prompt"] for style in api(page, "/api/v1/styles").json()] == ["a flat star"]
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator(".dr-styles-said")).to_have_text('Deleted "analog". Save brings it back.')
    expect(page.locator(".dr-styles-empty")).to_be_visible()
    assert api(page, "/api/v1/styles").json() == []


def test_names_that_are_ways_in_an_address_are_refused(page):
    page.click("#txt2img_styles_edit_button")
    for name in (".", ".."):
        page.fill(".dr-styles [name=name]", name)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator(".dr-styles-said")).to_have_text(
            f'A style can\'t be called "{name}". Choose another name.'
        )


def test_the_editor_has_the_prompts_keys_and_the_page_none_meanwhile(page):
    page.click("#txt2img_styles_edit_button")
    box = page.locator(".dr-styles [name=prompt]")
    box.fill("cat")
    box.press("ControlOrMeta+ArrowUp")
    expect(box).to_have_value("(cat:1.1)")
    box.press("Alt+ArrowUp")
    box.press("ControlOrMeta+Enter")
    page.wait_for_timeout(300)
    expect(box).to_have_value("(cat:1.1)")
    expect(page.locator(".dr-styles")).to_be_visible()
    assert api(page, "/api/v1/jobs").json() == []


def test_what_is_written_while_styles_are_put_in_stays(page):
    box = page.locator("#txt2img_prompt textarea")
    save(page, "film", "{prompt}, 35mm")
    box.fill("a flat star")
    page.click("#txt2img_style_apply")
    box.fill("a flat star, without a style")
    choose(page, "film")
    with slow_answers(page):
        page.click("#txt2img_style_apply")
        page.wait_for_timeout(100)
        box.fill("something else")
    expect(page.locator(".dr-said")).to_contain_text("The prompts have been changed meanwhile")
    expect(box).to_have_value("something else")
    page.click("#txt2img_style_apply")
    expect(box).to_have_value("something else, 35mm")


def test_a_style_without_a_name_is_refused(page):
    page.click("#txt2img_styles_edit_button")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".dr-styles-said")).to_have_text("A style needs a name.")
    page.keyboard.press("Escape")
    expect(page.locator(".dr-styles")).to_be_hidden()
