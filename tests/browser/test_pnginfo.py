"""The PNG Info tab."""

import io

import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import expect

from tests.browser.pages import open_tab

pytestmark = pytest.mark.browser

TEXT = (
    "a <b>red</b> flower\nNegative prompt: blurry\n"
    "Steps: 12, Sampler: Euler a, Schedule type: Karras, CFG scale: 5.5, Seed: 99, Size: 192x128, "
    "Model: darkroom-demo, Clip skip: 2, Hires upscale: 1.5, Mood: grim, Version: v1.10.1"
)


def file(text, name="one.png"):
    info = PngImagePlugin.PngInfo()
    if text:
        info.add_text("parameters", text)
    made = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(made, "PNG", pnginfo=info)
    return {"name": name, "mimeType": "image/png", "buffer": made.getvalue()}


@pytest.fixture
def page(visit):
    page = visit()
    open_tab(page, "PNG Info")
    return page


def bring(page, file):
    page.set_input_files(".dr-drop-input", file)


def test_a_pictures_settings_are_laid_out_and_sent(page):
    bring(page, file(TEXT))
    expect(page.locator(".dr-pnginfo .dr-facts")).to_have_text("Made with AUTOMATIC1111 · 64×48 · PNG")
    assert (
        page.locator(".dr-drop-picture").evaluate(
            "picture => picture.decode().then(() => picture.naturalWidth)"
        )
        == 64
    )
    texts = page.locator(".dr-told-text p")
    expect(texts).to_have_text(["a <b>red</b> flower", "blurry"])
    pairs = dict(
        zip(
            page.locator(".dr-pairs dt").all_inner_texts(),
            page.locator(".dr-pairs dd").all_inner_texts(),
            strict=True,
        )
    )
    assert (pairs["Sampling steps"], pairs["Sampling method"], pairs["Seed"]) == ("12", "Euler a", "99")
    assert (pairs["Clip skip"], pairs["Hires. fix"], pairs["Upscale by"]) == ("2", "true", "1.5")
    assert pairs["Mood"] == "grim"
    assert pairs["Checkpoint"] == "darkroom-demo"
    assert "Tiling" not in pairs
    page.locator(".dr-raw summary").click()
    expect(page.locator(".dr-raw .dr-infotext")).to_have_text(TEXT)
    page.get_by_role("button", name="Send to txt2img").click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a <b>red</b> flower")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("12")
    chips = page.locator("#txt2img_override_settings li")
    expect(chips).to_have_text(["Hires. fix×", "Hires upscale: 1.5×", "RNG: GPU×", "Clip skip: 2×"])


def test_a_picture_without_settings_says_so(page):
    bring(page, file(TEXT))
    expect(page.get_by_role("button", name="Send to txt2img")).to_be_visible()
    bring(page, file(""))
    expect(page.locator(".dr-told")).to_have_text("This picture tells nothing of how it was made.")
    expect(page.get_by_role("button", name="Send to txt2img")).to_be_hidden()


def test_another_file_is_refused_in_one_sentence(page):
    bring(page, {"name": "one.png", "mimeType": "image/png", "buffer": b"\x00\x01 no picture" * 100})
    expect(page.locator(".dr-told .dr-error")).to_contain_text("This is not a picture that can be read")
    expect(page.locator(".dr-drop-picture")).to_be_hidden()


def test_nothing_of_a_picture_is_kept(page, server):
    before = {path for path in server.data_dir.rglob("*") if path.is_file()}
    bring(page, file(TEXT, "secret-name.png"))
    expect(page.locator(".dr-pairs")).to_be_visible()
    after = {path for path in server.data_dir.rglob("*") if path.is_file()}
    assert {path.name for path in after - before} <= {"darkroom.sqlite3-wal", "darkroom.sqlite3-shm"}
