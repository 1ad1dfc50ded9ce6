"""The Models tab: cards, details, memory, downloads."""

import re
import shutil

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.pages import (
    LONG,
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
from tests.engine.general.tiny import save
from tests.serving import wait_until
from tests.tiny.files import write_sd1, write_sdxl, write_vae

pytestmark = pytest.mark.browser

MANY = 150


@pytest.fixture(scope="module")
def shelf(server):
    """Model files of several kinds beside the demo; two of them can't be used."""
    models = server.data_dir / "models"
    write_sd1(models / "Stable-diffusion" / "anime" / "paper.safetensors")
    Image.new("RGB", (64, 96), "teal").save(models / "Stable-diffusion" / "anime" / "paper.png")
    write_sdxl(models / "Stable-diffusion" / "large.safetensors")
    write_vae(models / "VAE" / "mse.safetensors")
    write_vae(models / "Stable-diffusion" / "lost.safetensors")
    (models / "Stable-diffusion" / "torn.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    yield models
    shutil.rmtree(models)


@pytest.fixture
def models(visit):
    """Opens the Models tab; waits for the demo's card."""

    def open_models(**options):
        page = visit(**options)
        open_tab(page, "Models")
        expect(card(page, "darkroom-demo")).to_be_visible()
        return page

    return open_models


def card(page, name):
    return page.locator(f'.dr-card[title="{name}"]')


def details(page):
    return page.locator("dialog.dr-details")


def field(page, name):
    return details(page).locator(f'[data-field="{name}"]')


def load_demo(address):
    """Have the demo model read into memory, all three parts of it."""
    httpx.post(f"{address}/api/v1/models/load", json={"name": "darkroom-demo"}).raise_for_status()
    wait_until(lambda: parts_loaded(address) == {"unet", "vae", "text_encoder"})


def parts_loaded(address):
    residents = httpx.get(f"{address}/api/v1/memory").json()["residents"]
    return {resident["part"] for resident in residents if resident["model"] == "darkroom-demo"}


def test_where_there_is_but_the_demo_well_known_models_are_offered_first(models):
    page = models()
    expect(card(page, "darkroom-demo")).to_contain_text("SD 1.5")
    expect(card(page, "darkroom-demo").locator(".dr-badge", has_text="default")).to_be_visible()
    offers = page.locator(".dr-offer")
    expect(offers.filter(has_text="SDXL base 1.0")).to_be_visible()
    for offer in offers.all():
        assert re.match("https://", offer.get_by_role("link").get_attribute("href"))
    assert offers.first.bounding_box()["y"] < card(page, "darkroom-demo").bounding_box()["y"]


def test_an_empty_kind_says_where_its_files_go(models):
    page = models()
    page.locator(".dr-chip", has_text="Embeddings").click()
    expect(page.locator(".dr-models-empty")).to_contain_text("Put files into models/embeddings")


def test_a_download_that_can_not_be_is_told_at_its_field(models):
    page = models()
    form = page.locator(".dr-download")
    form.get_by_role("button", name="Download").click()
    expect(form.get_by_role("alert")).to_have_text(
        "Name a repository, such as org/name, or paste a file's address."
    )
    form.get_by_label("Hub repository or address").fill("nonsense")
    form.get_by_role("button", name="Download").click()
    expect(form.get_by_role("alert")).to_contain_text('"nonsense" is neither a repository')


def test_cards_show_what_is_known_of_each_kind(models, shelf):
    page = models()
    paper = card(page, "anime/paper.safetensors")
    expect(paper).to_contain_text("SD 1.5")
    expect(paper).to_contain_text("fp32")
    expect(paper.locator("img")).to_have_js_property("naturalWidth", 64)
    expect(paper.locator(".dr-card-hash")).to_have_text(re.compile("^[0-9a-f]{10}$"), timeout=LONG)
    expect(page.locator(".dr-chip", has_text="Checkpoints")).to_contain_text("3")
    page.locator(".dr-chip", has_text="VAE").click()
    expect(page.locator(".dr-card-name")).to_have_text(["mse"])
    expect(page.locator(".dr-get")).not_to_have_attribute("open", "")


def test_the_filter_looks_at_names_and_families(models, shelf):
    page = models()
    page.fill(".dr-filter", "SDXL")
    expect(page.locator(".dr-card-name")).to_have_text(["large"])
    page.fill(".dr-filter", "sd pap")
    expect(page.locator(".dr-card-name")).to_have_text(["paper"])
    page.fill(".dr-filter", "nothing like it")
    expect(page.locator(".dr-models-empty")).to_contain_text("No checkpoint matches.")


def test_the_largest_comes_first_if_asked_for(models, shelf):
    page = models()
    page.select_option(".dr-sort select", "size")
    expect(page.locator(".dr-card-name").first).to_have_text("darkroom-demo")
    page.select_option(".dr-sort select", "path")
    expect(page.locator(".dr-card-name").first).to_have_text("paper")


def test_files_that_can_not_be_used_say_why(models, shelf):
    page = models()
    unusable = page.locator(".dr-unusable")
    expect(unusable.locator("summary")).to_have_text("2 files can't be used here")
    expect(unusable.locator("p").first).to_be_hidden()
    unusable.locator("summary").click()
    expect(unusable.locator("li", has_text="lost.safetensors")).to_contain_text("models/VAE")
    expect(unusable.locator("li", has_text="torn.safetensors")).to_be_visible()


def test_what_is_set_for_a_model_is_kept_and_followed(models, shelf):
    page = models()
    card(page, "anime/paper.safetensors").click()
    field(page, "steps").locator("input").fill("7")
    field(page, "clip_skip").locator("input").fill("2")
    field(page, "vae").locator("select").select_option("mse.safetensors")
    field(page, "notes").locator("textarea").fill("For paper cuts.\nSecond line")
    details(page).get_by_role("button", name="Save").click()
    expect(details(page).locator(".dr-details-said")).to_contain_text("Saved.")
    page.keyboard.press("Escape")
    expect(card(page, "anime/paper.safetensors").locator(".dr-card-note")).to_have_text("For paper cuts.")

    reload(page)
    open_tab(page, "Models")
    card(page, "anime/paper.safetensors").click()
    expect(field(page, "steps").locator("input")).to_have_value("7")
    details(page).get_by_role("button", name="Use").click()
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("7")
    expect(page.locator("#txt2img_steps")).to_be_visible()
    expect(page.locator("#setting_sd_model_checkpoint input")).to_have_value("anime/paper.safetensors")
    expect(page.locator("#setting_sd_vae input")).to_have_value("mse.safetensors")

    open_tab(page, "Models")
    card(page, "anime/paper.safetensors").click()
    details(page).get_by_role("button", name="Reset").click()
    details(page).get_by_role("button", name="Save").click()
    expect(details(page).locator(".dr-details-said")).to_contain_text("Saved.")
    expect(field(page, "steps").locator("input")).to_have_value("")


def test_a_bad_setting_is_told_at_its_field(models, shelf):
    page = models()
    card(page, "large.safetensors").click()
    field(page, "width").locator("input").fill("100")
    details(page).get_by_role("button", name="Save").click()
    expect(field(page, "width").get_by_role("alert")).to_have_text("Width should be a multiple of 8.")
    expect(field(page, "width").locator("input")).to_be_focused()
    field(page, "width").locator("input").fill("768")
    details(page).get_by_role("button", name="Save").click()
    expect(field(page, "width").get_by_role("alert")).to_have_count(0)
    details(page).get_by_role("button", name="Reset").click()
    details(page).get_by_role("button", name="Save").click()


def test_the_keyboard_reaches_cards_and_escape_brings_back_to_them(models, shelf):
    page = models()
    page.focus(".dr-filter")
    demo = card(page, "darkroom-demo")
    for _ in range(20):
        page.keyboard.press("Tab")
        if demo.evaluate("card => card === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(details(page)).to_be_visible()
    expect(details(page).get_by_role("heading", name="darkroom-demo")).to_be_visible()
    page.keyboard.press("Escape")
    expect(details(page)).to_be_hidden()
    expect(demo).to_be_focused()


def test_what_is_loaded_is_shown_and_can_be_let_go_and_is_loaded_again_when_needed(models, shelf):
    page = models()
    load_demo(page.url.rstrip("/"))
    page.locator(".dr-unload-all").click()
    loaded = page.locator(".dr-memory-list li")
    expect(loaded).to_have_count(0)
    expect(page.locator(".dr-memory-text").first).to_contain_text("Models 0 bytes of at most")
    card(page, "darkroom-demo").click()
    details(page).get_by_role("button", name="Use").click()
    set_number(page, "steps", 2)
    generate(page)
    wait_finished(page)
    open_tab(page, "Models")
    expect(loaded.filter(has_text="darkroom-demo")).to_contain_text("unet")
    expect(card(page, "darkroom-demo").locator(".dr-badge", has_text="loaded")).to_be_visible()
    loaded.filter(has_text="darkroom-demo").get_by_role("button", name="Unload").click()
    expect(loaded.filter(has_text="darkroom-demo")).to_have_count(0)


def test_a_model_can_be_loaded_before_it_is_needed(models, shelf):
    page = models()
    httpx.post(page.url.rstrip("/") + "/api/v1/models/unload", json={}).raise_for_status()
    expect(page.locator(".dr-memory-list li")).to_have_count(0)
    card(page, "darkroom-demo").click()
    details(page).get_by_role("button", name="Load", exact=True).click()
    unload = details(page).get_by_role("button", name="Unload")
    expect(unload).to_be_enabled(timeout=LONG)
    expect(details(page).locator(".dr-details-said")).to_have_text("It is in memory.")
    page.keyboard.press("Escape")
    expect(page.locator(".dr-memory-list li", has_text="darkroom-demo")).to_be_visible()


def test_vae_and_clip_skip_are_sent_with_the_job_and_come_back_with_the_page(models, shelf):
    page = models()
    card(page, "darkroom-demo").click()
    details(page).get_by_role("button", name="Use").click()
    page.click("#refresh_sd_model_checkpoint")
    page.click("#setting_sd_vae input")
    page.get_by_role("option", name="None").click()
    open_section(page, "prompt_reading")
    open_section(page, "look")
    set_number(page, "clip_skip", 2)
    set_number(page, "step_cache", 3)
    set_number(page, "steps", 2)
    generate(page)
    wait_finished(page)
    params = api(page, f"/api/v1/jobs/{shown_job(page)}").json()["params"]
    assert (params["vae"], params["clip_skip"], params["step_cache"]) == ("None", 2, 3)
    reload(page)
    expect(page.locator("#setting_sd_vae input")).to_have_value("None")
    open_section(page, "prompt_reading")
    open_section(page, "look")
    expect(page.locator("#txt2img_clip_skip input[type=number]")).to_have_value("2")
    expect(page.locator("#txt2img_step_cache input[type=number]")).to_have_value("3")


def test_what_a_model_of_another_family_can_not_use_is_hidden_and_told(models, shelf):
    folder = shelf / "Stable-diffusion" / "quick"
    save("schnell", folder)
    try:
        page = models()
        expect(card(page, "quick")).to_contain_text("Flux")
        card(page, "quick").click()
        expect(field(page, "steps")).to_be_visible()
        expect(field(page, "clip_skip")).to_have_count(0)
        details(page).get_by_role("button", name="Use").click()
        expect(page.locator("#setting_sd_model_checkpoint input")).to_have_value("quick")
        for control in ("#txt2img_sampling", "#txt2img_scheduler", "#txt2img_look", "#setting_sd_vae"):
            expect(page.locator(control)).to_be_hidden()
        set_prompt(page, "a panda")
        for name, value in {"steps": 2, "width": 72, "height": 64}.items():
            set_number(page, name, value)
        generate(page)
        wait_finished(page)
        expect(page.locator(".dr-notices li").first).to_contain_text("instead of 72x64")
        reload(page)
        expect(page.locator("#txt2img_steps")).to_be_visible()
        expect(page.locator("#txt2img_sampling")).to_be_hidden()

        open_tab(page, "Models")
        card(page, "darkroom-demo").click()
        details(page).get_by_role("button", name="Use").click()
        expect(page.locator("#txt2img_sampling")).to_be_visible()
        expect(page.locator("#txt2img_look")).to_be_visible()
    finally:
        shutil.rmtree(folder)


def test_of_many_models_only_those_near_are_made_and_the_rest_as_one_scrolls(models, shelf):
    folder = shelf / "VAE" / "many"
    folder.mkdir()
    try:
        for number in range(MANY):
            shutil.copy(shelf / "VAE" / "mse.safetensors", folder / f"copy-{number:03}.safetensors")
        page = models()
        page.locator(".dr-chip", has_text="VAE").click()
        expect(page.locator(".dr-chip", has_text="VAE")).to_contain_text(str(MANY + 1))
        assert page.locator(".dr-card").count() < MANY
        page.locator(".dr-card-item").last.scroll_into_view_if_needed()
        expect(page.locator(".dr-card")).to_have_count(MANY + 1)
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_on_a_phone_nothing_scrolls_sideways(models, shelf, scheme):
    page = models(viewport={"width": 390, "height": 844}, has_touch=True, color_scheme=scheme)
    page.locator(".dr-unusable summary").click()
    page.locator(".dr-get summary").click()
    expect(page.locator(".dr-offer").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    card(page, "darkroom-demo").click()
    expect(field(page, "steps")).to_be_visible()
    box = details(page).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert details(page).evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    page.keyboard.press("Escape")
    open_tab(page, "Settings")
    expect(page.locator(".dr-settings .dr-field").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_chosen_checkpoint_that_went_away_gives_way_to_the_default_one(models, shelf):
    file = shelf / "Stable-diffusion" / "gone.safetensors"
    write_sd1(file)
    page = models()
    card(page, "gone.safetensors").click()
    details(page).get_by_role("button", name="Use").click()
    picker = page.locator("#setting_sd_model_checkpoint input")
    expect(picker).to_have_value("gone.safetensors")
    file.unlink()
    page.locator("#refresh_sd_model_checkpoint").click()
    expect(picker).not_to_have_value("gone.safetensors")
    expect(picker).not_to_have_value("")
    expect(page.locator(".toast-body.error")).to_have_count(0)
