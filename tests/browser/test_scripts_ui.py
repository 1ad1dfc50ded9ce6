"""The scripts: their controls, the count of pictures, grids on the stage."""

import pytest
from playwright.sync_api import expect

from tests.browser.pages import (
    api,
    generate,
    reload,
    set_number,
    set_prompt,
    shown_job,
    slow_answers,
    wait_finished,
)

pytestmark = pytest.mark.browser

XYZ = "#script_txt2img_xyz_plot"
COUNT = "#txt2img_script_count"


def choose(page, where, name):
    page.click(f"{where} input")
    page.get_by_role("option", name=name, exact=True).click()


@pytest.fixture
def plot(visit):
    page = visit()
    choose(page, "#script_list", "X/Y/Z plot")
    expect(page.locator(f"{XYZ}_x_type")).to_be_visible()
    return page


def test_a_plot_is_counted_drawn_and_its_grid_shown_first(plot):
    page = plot
    set_prompt(page, "a flat star")
    set_number(page, "steps", 2)
    page.fill(f"{XYZ}_x_values textarea", "1-2")
    choose(page, f"{XYZ}_y_type", "CFG Scale")
    page.fill(f"{XYZ}_y_values textarea", "2, 4, 6")
    expect(page.locator(COUNT)).to_contain_text("6 pictures")
    set_number(page, "batch_count", 2)
    expect(page.locator(COUNT)).to_contain_text("12 pictures")
    set_number(page, "batch_count", 1)
    generate(page)
    wait_finished(page)
    thumbs = page.locator(".dr-thumbs button")
    expect(thumbs).to_have_count(7)
    expect(thumbs.first).to_have_attribute("aria-label", "Grid, seed 1")
    expect(thumbs.first).to_have_attribute("aria-pressed", "true")
    expect(thumbs.nth(1)).to_have_attribute("aria-label", "Picture 1, seed 1")
    params = api(page, f"/api/v1/jobs/{shown_job(page)}").json()["params"]
    assert params["script"]["y_values"] == "2, 4, 6"

    reload(page)
    expect(page.locator("#script_list input")).to_have_value("X/Y/Z plot")
    expect(page.locator(f"{XYZ}_y_type input")).to_have_value("CFG Scale")
    expect(page.locator(f"{XYZ}_y_values textarea")).to_have_value("2, 4, 6")
    expect(page.locator(".dr-thumbs button")).to_have_count(7)


def test_an_axis_of_names_offers_them_all_and_axes_swap(plot):
    page = plot
    page.fill(f"{XYZ}_x_values textarea", "3,4")
    choose(page, f"{XYZ}_y_type", "RNG source")
    expect(page.locator(f"{XYZ}_y_values")).to_have_count(0)
    page.click("#xyz_grid_fill_y_tool_button")
    tokens = f"{XYZ}_{{}}_values_dropdown .token"
    expect(page.locator(tokens.format("y"))).to_have_count(3)
    expect(page.locator(COUNT)).to_contain_text("6 pictures")
    page.click("#xy_grid_swap_axes_button")
    expect(page.locator(f"{XYZ}_x_type input")).to_have_value("RNG source")
    expect(page.locator(tokens.format("x"))).to_have_count(3)
    expect(page.locator(f"{XYZ}_y_values textarea")).to_have_value("3,4")
    expect(page.locator(COUNT)).to_contain_text("6 pictures")


def test_a_wrong_value_is_told_before_and_refused_at_the_script(plot):
    page = plot
    page.fill(f"{XYZ}_x_values textarea", "one")
    expect(page.locator(COUNT)).to_contain_text('X axis, Seed: "one" is no number')
    generate(page)
    expect(page.locator("#script_list .dr-field-error")).to_contain_text('"one" is no number')


def test_a_prompt_matrix_draws_every_combination(visit):
    page = visit()
    set_number(page, "steps", 2)
    choose(page, "#script_list", "Prompt matrix")
    set_prompt(page, "a flat star|blue|large")
    page.press("#txt2img_prompt textarea", "Tab")
    expect(page.locator(COUNT)).to_contain_text("4 pictures")
    set_number(page, "batch_count", 2)
    page.click("#txt2img_clear_prompt")
    expect(page.locator(COUNT)).to_contain_text("needs optional parts")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(COUNT)).to_contain_text("4 pictures")
    generate(page)
    wait_finished(page)
    expect(page.locator(".dr-thumbs button")).to_have_count(5)


def test_prompts_are_read_from_a_file(visit):
    page = visit()
    choose(page, "#script_list", "Prompts from file or textbox")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Read a text file").click()
    content = b"a flat star\n--prompt 'a flat heart' --steps 2\n"
    chooser.value.set_files({"name": "prompts.txt", "mimeType": "text/plain", "buffer": content})
    box = page.locator("#script_txt2img_prompts_from_file_or_textbox_prompts textarea")
    expect(box).to_have_value(content.decode())
    expect(page.locator(COUNT)).to_contain_text("2 pictures")


def test_a_file_that_is_too_large_is_refused_in_words(visit):
    page = visit()
    choose(page, "#script_list", "Prompts from file or textbox")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Read a text file").click()
    content = b"a" * (2**20 + 1)
    chooser.value.set_files({"name": "long.txt", "mimeType": "text/plain", "buffer": content})
    told = page.locator("#script_list .dr-field-error")
    expect(told).to_have_text('"long.txt" is larger than 1 MiB. Choose a smaller text file.')


def test_the_server_is_asked_after_a_pause_and_not_with_every_key(plot):
    page = plot
    page.wait_for_load_state("networkidle")
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/gradio_api/" in request.url else None)
    page.locator(f"{XYZ}_x_values textarea").press_sequentially("1,2,3,4,5,6,7,8", delay=20)
    expect(page.locator(COUNT)).to_contain_text("8 pictures")
    page.locator("#txt2img_prompt textarea").press_sequentially("a bright flat star", delay=20)
    page.wait_for_timeout(600)
    assert len(asked) < 12


def test_the_last_of_two_quick_choices_counts(plot):
    page = plot
    with slow_answers(page):
        choose(page, f"{XYZ}_x_type", "Sampler")
        choose(page, f"{XYZ}_x_type", "Steps")
    expect(page.locator(f"{XYZ}_x_values textarea")).to_be_visible()
    expect(page.locator(f"{XYZ}_x_values_dropdown")).to_have_count(0)
