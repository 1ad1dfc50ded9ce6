"""The accordions, their chips, and errors that lie inside them."""

import pytest
from playwright.sync_api import expect

from tests.browser.pages import (
    api,
    generate,
    open_section,
    reload,
    set_number,
    set_prompt,
    shown_job,
    wait_finished,
)

pytestmark = pytest.mark.browser

CHIPS = "#txt2img_override_settings"


def choose(page, field, name):
    page.click(f"#txt2img_{field} input")
    page.get_by_role("option", name=name, exact=True).click()


def test_chips_are_true_while_one_types_and_set_a_field_back_even_in_a_closed_accordion(visit):
    page = visit()
    open_section(page, "prompt_reading")
    set_number(page, "clip_skip", 2)
    chips = page.locator(f"{CHIPS} li")
    expect(chips).to_have_text(["Clip skip: 2×"])
    set_number(page, "clip_skip", 3)
    expect(chips).to_have_text(["Clip skip: 3×"])
    page.uncheck("#txt2img_dynamic_prompts input")
    expect(chips).to_have_text(["Clip skip: 3×", "Dynamic prompts: off×"])
    open_section(page, "prompt_reading")
    expect(page.locator("#txt2img_clip_skip")).to_be_hidden()
    page.get_by_role("button", name="Set Clip skip back").click()
    expect(chips).to_have_text(["Dynamic prompts: off×"])
    page.get_by_role("button", name="Set Dynamic prompts back").click()
    expect(page.locator(CHIPS)).to_be_hidden()
    set_prompt(page, "a flat star")
    set_number(page, "steps", 2)
    generate(page)
    wait_finished(page)
    params = api(page, f"/api/v1/jobs/{shown_job(page)}").json()["params"]
    assert (params["clip_skip"], params["dynamic_prompts"]) == (1, True)


def test_numbers_of_one_sampler_or_schedule_appear_with_it(visit):
    page = visit()
    open_section(page, "sampler_params")
    expect(page.locator("#txt2img_eta")).to_be_visible()
    expect(page.locator("#txt2img_beta_alpha")).to_have_count(0)
    choose(page, "scheduler", "Beta")
    expect(page.locator("#txt2img_beta_alpha")).to_be_visible()
    set_number(page, "beta_alpha", 1.5)
    expect(page.locator(f"{CHIPS} li")).to_have_text(["Beta schedule alpha: 1.5×"])
    choose(page, "scheduler", "Karras")
    expect(page.locator("#txt2img_beta_alpha")).to_have_count(0)
    expect(page.locator(CHIPS)).to_be_hidden()
    choose(page, "sampling", "UniPC")
    expect(page.locator("#txt2img_uni_pc_order")).to_be_visible()


def test_freeu_shows_its_numbers_while_it_is_on(visit):
    page = visit()
    open_section(page, "look")
    expect(page.locator("#txt2img_freeu")).to_be_visible()
    expect(page.locator("#txt2img_freeu_b1")).to_be_hidden()
    page.check("#txt2img_freeu input")
    expect(page.locator("#txt2img_freeu_b1")).to_be_visible()
    expect(page.locator(f"{CHIPS} li")).to_have_text(["FreeU×"])


def test_variations_are_used_only_while_extra_is_ticked(visit):
    page = visit()
    expect(page.locator("#txt2img_subseed")).to_be_hidden()
    page.check("#txt2img_subseed_show input")
    set_number(page, "subseed", 5)
    set_number(page, "subseed_strength", 0.5)
    set_number(page, "steps", 2)
    generate(page)
    wait_finished(page)
    page.uncheck("#txt2img_subseed_show input")
    expect(page.locator("#txt2img_subseed")).to_be_hidden()
    first = shown_job(page)
    generate(page)
    page.wait_for_function(
        "first => JSON.parse(sessionStorage.getItem('darkroom.txt2img')).at(-1) !== first", arg=first
    )
    wait_finished(page)
    used = [api(page, f"/api/v1/jobs/{job}").json()["params"] for job in (first, shown_job(page))]
    assert [params["subseed_strength"] for params in used] == [0.5, 0]


def test_an_error_in_a_closed_accordion_opens_it(visit):
    page = visit()
    open_section(page, "sampler_params")
    set_number(page, "sigma_max", 20_000)
    open_section(page, "sampler_params")
    expect(page.locator("#txt2img_sigma_max")).to_be_hidden()
    generate(page)
    error = page.locator("#txt2img_sigma_max .dr-field-error")
    expect(error).to_contain_text("Schedule max sigma should be less than or equal to 10000 (it is 20000")
    set_number(page, "sigma_max", "")
    set_number(page, "eta", "")
    set_number(page, "steps", 2)
    generate(page)
    wait_finished(page)
    params = api(page, f"/api/v1/jobs/{shown_job(page)}").json()["params"]
    assert (params["sigma_max"], params["eta"]) == (0, None)


def test_a_refiner_is_chosen_among_checkpoints_that_fit(visit):
    page = visit()
    open_section(page, "refiner")
    choose(page, "checkpoint", "darkroom-demo")
    expect(page.locator(f"{CHIPS} li")).to_have_text(["Refiner: darkroom-demo×"])
    set_number(page, "steps", 4)
    generate(page)
    wait_finished(page)
    params = api(page, f"/api/v1/jobs/{shown_job(page)}").json()["params"]
    assert params["refiner_checkpoint"] == "darkroom-demo"
    reload(page)
    expect(page.locator(f"{CHIPS} li")).to_have_text(["Refiner: darkroom-demo×"])


@pytest.mark.parametrize("width", [390, 1024])
def test_nothing_scrolls_sideways_with_everything_open(visit, width):
    page = visit(viewport={"width": width, "height": 844})
    for section in page.locator(".dr-section > button").all():
        section.click()
    page.check("#txt2img_subseed_show input")
    page.click("#script_list input")
    page.get_by_role("option", name="X/Y/Z plot").click()
    expect(page.locator("#xy_grid_swap_axes_button")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width
