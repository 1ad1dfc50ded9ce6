"""The Settings tab, and what a job tells beside its picture."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.pages import generate, open_tab, reload, set_number, wait_finished

pytestmark = pytest.mark.browser


@pytest.fixture
def settings(visit):
    def open_settings(**options):
        page = visit(**options)
        open_tab(page, "Settings")
        expect(field(page, "precision")).to_be_visible()
        return page

    return open_settings


def field(page, name):
    return page.locator(f'.dr-settings [data-field="{name}"]')


def apply(page):
    page.get_by_role("button", name="Apply settings").click()


def said(page):
    return page.locator(".dr-settings-said")


def test_every_setting_has_a_name_and_a_hint(settings):
    page = settings()
    for one in page.locator(".dr-settings .dr-field").all():
        assert one.locator(".dr-field-title").inner_text()
        assert one.locator(".dr-hint").inner_text()
    headings = page.locator(".dr-settings h3").all_inner_texts()
    assert headings == ["Speed", "Memory", "Models", "ControlNet", "Training", "Upscaling", "Saving images"]


def test_settings_are_applied_and_survive_a_reload(settings):
    page = settings()
    expect(page.get_by_role("button", name="Apply settings")).to_be_disabled()
    field(page, "idle_unload").locator("input").fill("30")
    field(page, "vae_tiling").get_by_text("Off").click()
    expect(said(page)).to_have_text("2 changes not applied yet.")
    apply(page)
    expect(said(page)).to_have_text("Applied: VAE tiling, Unload after idle minutes.")
    reload(page)
    open_tab(page, "Settings")
    expect(field(page, "idle_unload").locator("input")).to_have_value("30")
    expect(field(page, "vae_tiling").get_by_label("Off")).to_be_checked()
    field(page, "idle_unload").locator("input").fill("0")
    field(page, "vae_tiling").get_by_text("Automatic", exact=True).click()
    apply(page)
    expect(said(page)).to_contain_text("Applied:")


def test_a_bad_value_is_told_at_its_field_and_nothing_is_applied(settings):
    page = settings()
    field(page, "ram_budget").locator("input").fill("-3")
    field(page, "preload").locator("input").uncheck()
    apply(page)
    expect(field(page, "ram_budget").get_by_role("alert")).to_have_text(
        "RAM for models, GiB should be greater than or equal to 0."
    )
    expect(said(page)).to_have_text("Nothing was applied: a value can't be used.")
    reload(page)
    open_tab(page, "Settings")
    expect(field(page, "preload").locator("input")).to_be_checked()


def test_the_keyboard_changes_and_applies(settings):
    page = settings()
    field(page, "idle_unload").locator("input").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text("Applied: Unload after idle minutes.")
    field(page, "idle_unload").locator("input").fill("0")
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text("Applied: Unload after idle minutes.")


def test_notices_stand_below_the_picture_until_the_next_job(visit):
    page = visit()
    told = [
        ("notice", {"text": "Drawn in tiles."}),
        ("notice", {"text": "The negative prompt was left out."}),
    ]
    stream = "".join(
        f"id: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
        for number, (kind, data) in enumerate([*told, ("end", {"state": "done", "error": None})], 1)
    )
    page.route("**/events", lambda route: route.fulfill(content_type="text/event-stream", body=stream))
    set_number(page, "steps", 1)
    generate(page)
    notices = page.locator(".dr-notices li")
    expect(notices).to_have_text(["Drawn in tiles.", "The negative prompt was left out."])
    page.unroute("**/events")
    generate(page)
    wait_finished(page)
    expect(notices).to_have_count(0)
