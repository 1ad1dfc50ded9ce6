"""The scripts: their controls, the count of pictures, grids on the stage."""

import pytest
from playwright.sync_api import expect

from tests.browser.pages import api, generate, set_number, set_prompt, shown_job, wait_finished

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

    page.reload()
    page.wait_for_load_state("networkidle")
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
