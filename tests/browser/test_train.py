"""The Train tab: a dataset is made, a LoRA is trained on it, and what it has learned shows in the picture."""

import io
import itertools
import re
import shutil

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from tests.browser.pages import (
    LONG,
    api,
    generate,
    open_tab,
    reload,
    set_number,
    set_prompt,
    stage,
    wait_finished,
)

pytestmark = pytest.mark.browser

BLUE = (16, 44, 120)
SHAPES = ("ellipse", "rectangle", "regular_polygon", "line", "rounded_rectangle")
MINUTES = 4 * 60_000
PROMPT = "panda, blueprint style"
LOADED = "[...document.querySelectorAll('.dr-dataset-picture img')].every((image) => image.naturalWidth > 0)"


@pytest.fixture
def drawings(tmp_path):
    """Ten pictures in a striking style: white lines on deep blue."""
    files = []
    for number in range(10):
        picture = Image.new("RGB", (128, 128), BLUE)
        pencil, inset = ImageDraw.Draw(picture), 20 + 3 * number
        box = (inset, inset, 128 - inset, 128 - inset // 2)
        if SHAPES[number % 5] == "regular_polygon":
            pencil.regular_polygon((64, 64, 64 - inset / 2), 3 + number % 4, outline="white")
        else:
            getattr(pencil, SHAPES[number % 5])(
                box, **({"fill": "white"} if number % 5 == 3 else {"outline": "white"})
            )
        files.append(tmp_path / f"{number}.png")
        picture.save(files[-1])
    return files


@pytest.fixture
def training(visit, server):
    """Opens the Train tab; what was made there goes at the end."""

    pages = []

    def open_train(**options):
        page = visit(**options)
        pages.append(page)
        open_tab(page, "Train")
        expect(page.locator(".dr-train-fields .dr-field").first).to_be_visible(timeout=LONG)
        return page

    yield open_train
    for page in pages:
        page.close()  # it may still be asking for pictures
    for made in ("datasets", "training", "models/Lora"):
        shutil.rmtree(server.data_dir / made, ignore_errors=True)


def make_dataset(page, name, files):
    page.get_by_label("New dataset").fill(name)
    page.get_by_role("button", name="Make", exact=True).click()
    expect(page.locator(".dr-dataset-picker")).to_have_value(name)
    page.set_input_files(".dr-dataset-drop input", files)
    expect(page.locator(".dr-dataset-picture")).to_have_count(
        len([one for one in files if one.suffix == ".png"])
    )


def run_stage(page):
    return page.locator('.dr-stage[data-tab="train"]')


def fill(page, **values):
    for name, value in values.items():
        page.locator(f'.dr-train [data-field="{name}"] .dr-input').fill(str(value))


def draw(page):
    """The picture of a new job, as RGB values."""
    saved = stage(page).locator(".dr-save")
    before = saved.get_attribute("href")
    generate(page)
    expect(saved).not_to_have_attribute("href", before or "", timeout=LONG)
    wait_finished(page)
    url = saved.get_attribute("href")
    return np.asarray(Image.open(io.BytesIO(api(page, url).content)).convert("RGB")).astype(float)


def from_blue(pixels):
    """How far a picture's colour is from the style's, in levels."""
    return float(np.abs(pixels.mean((0, 1)) - BLUE).mean())


def test_pictures_and_captions_are_kept(training, drawings, server):
    page = training()
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()
    words = drawings[0].with_suffix(".txt")
    words.write_text("a round thing")
    make_dataset(page, "shapes", [words, *drawings[:3]])
    captions = page.locator(".dr-dataset-picture textarea")
    expect(captions.first).to_have_value("a round thing")
    expect(page.locator(".dr-dataset-advice")).to_contain_text("Ten to thirty pictures")
    later = drawings[1].with_suffix(".txt")
    later.write_text("told later")
    page.set_input_files(".dr-dataset-drop input", [later])
    expect(captions.nth(1)).to_have_value("told later")
    captions.nth(1).fill("a box")
    captions.nth(1).press("Tab")
    folder = server.data_dir / "datasets" / "shapes"
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()
    page.get_by_role("button", name="Delete 2.png from the dataset").click()
    expect(page.locator(".dr-dataset-picture")).to_have_count(2)
    assert (folder / "1.txt").read_text().strip() == "a box"
    assert not (folder / "2.png").exists()
    reload(page)
    open_tab(page, "Train")
    expect(captions).to_have_count(2)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete dataset").click()
    expect(captions).to_have_count(0)
    assert not folder.exists()


def test_what_can_not_be_trained_is_told_at_its_field(training, drawings):
    page = training()
    make_dataset(page, "shapes", drawings[:1])
    begin = page.get_by_role("button", name="Start training")
    wrong = {
        name: page.locator(f'.dr-train [data-field="{name}"]').get_by_role("alert")
        for name in ("name", "rank", "steps")
    }
    fill(page, name="../x", rank=0)
    begin.click()
    expect(wrong["name"]).to_contain_text("Name may hold letters, digits")
    expect(wrong["rank"]).to_have_text("Network rank should be greater than or equal to 1.")
    fill(page, name="")
    expect(wrong["name"]).to_have_count(0)
    expect(wrong["rank"]).to_be_visible()
    fill(page, rank=4)
    begin.click()
    expect(wrong["name"]).to_have_text("Name can't be empty.")
    fill(page, name="fine", steps="")
    begin.click()
    expect(wrong["steps"]).to_have_text("Training steps can't be empty.")
    expect(wrong["name"]).to_have_count(0)


def test_a_problem_of_no_field_goes_when_something_is_edited(training, drawings, server):
    page = training()
    make_dataset(page, "shapes", drawings[:1])
    fill(page, name="fine")
    page.route(
        "**/api/v1/training", lambda route: route.fulfill(status=422, json={"detail": "Too many jobs."})
    )
    page.get_by_role("button", name="Start training").click()
    error = page.locator(".dr-train-error")
    expect(error).to_have_text("Too many jobs.")
    fill(page, trigger="sks")
    expect(error).to_be_empty()


def test_files_that_can_not_be_read_are_told_and_the_others_are_kept(training, drawings, tmp_path):
    page = training()
    broken, empty = tmp_path / "broken.png", tmp_path / "empty.jpg"
    broken.write_bytes(b"nonsense")
    empty.write_bytes(b"")
    page.set_input_files(".dr-dataset-drop input", [drawings[0], broken, empty])
    told = page.locator(".dr-dataset").get_by_role("alert")
    expect(told).to_have_text(
        [re.compile('"broken.png" is not a picture'), re.compile('"empty.jpg" is empty')]
    )
    expect(page.locator(".dr-dataset-picture")).to_have_count(1)
    page.wait_for_timeout(2000)  # the tab looks again meanwhile
    expect(told).to_have_count(2)
    page.locator(".dr-dataset-picture textarea").fill("a ring")
    expect(told).to_have_count(0)


def test_pictures_without_a_dataset_make_one(training, drawings, server):
    page = training()
    picker = page.locator(".dr-dataset-picker")
    expect(page.locator(".dr-dataset-drop")).to_be_visible()
    (server.data_dir / "datasets" / "Dataset").mkdir(parents=True)
    expect(picker).to_have_value("Dataset")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete dataset").click()
    expect(picker).to_be_hidden()
    page.get_by_label("New dataset").fill("my shapes")
    page.set_input_files(".dr-dataset-drop input", drawings[:2])
    expect(page.locator(".dr-dataset-picture")).to_have_count(2)
    expect(picker).to_have_value("my shapes")
    page.wait_for_function(LOADED)
    page.get_by_role("button", name="Delete dataset").click()
    expect(picker).to_be_hidden()
    page.set_input_files(".dr-dataset-drop input", drawings[:2])
    expect(page.locator(".dr-dataset-picture")).to_have_count(2)
    expect(picker).to_have_value("dataset")


def test_captions_are_used_as_they_were_last_written(training, drawings, server):
    page = training()
    words = drawings[0].with_suffix(".txt")
    words.write_text("old words")
    make_dataset(page, "shapes", [words, *drawings[:6]])
    captions, advice = page.locator(".dr-dataset-picture textarea"), page.locator(".dr-dataset-advice")
    expect(advice).to_have_text("5 without a caption.")
    for number in range(1, 6):
        captions.nth(number).fill(f"shape {number}")
    page.get_by_role("button", name="Delete 5.png from the dataset").click()
    expect(captions).to_have_count(5)
    expect(advice).to_have_text("")
    page.wait_for_timeout(2000)  # the tab looks again meanwhile
    captions.first.fill("new words")
    fill(page, name="fine", trigger="sks")
    page.route("**/api/v1/training", lambda route: route.fulfill(status=422, json={"detail": "No."}))
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_role("button", name="Start training").click()
    assert sent.value.post_data_json["prompt"] == "sks, new words"
    assert (server.data_dir / "datasets" / "shapes" / "0.txt").read_text().strip() == "new words"


def test_files_that_come_by_hand_do_not_take_the_caption_that_is_being_written(training, drawings, server):
    page = training()
    make_dataset(page, "shapes", drawings[1:3])
    caption = page.get_by_label("Caption of 2.png")
    caption.press_sequentially("half a ")
    shutil.copy(drawings[0], server.data_dir / "datasets" / "shapes" / "0.png")
    (server.data_dir / "datasets" / "shapes" / "1.txt").write_text("by hand")
    expect(page.locator(".dr-dataset-picture")).to_have_count(3)
    expect(page.get_by_label("Caption of 1.png")).to_have_value("by hand")
    expect(caption).to_be_focused()
    expect(caption).to_have_value("half a ")


def test_many_pictures_leave_the_form_in_reach(training, drawings):
    page = training()
    more = [drawings[0].with_name(f"more {number}.png") for number in range(4)]
    for file in more:
        shutil.copy(drawings[0], file)
    make_dataset(page, "shapes", [*drawings, *more])
    shown = page.locator(".dr-dataset-picture:visible")
    expect(shown).to_have_count(12)
    page.get_by_role("button", name="Show all 14 pictures").click()
    expect(shown).to_have_count(14)
    page.get_by_role("button", name="Show only the first 12").click()
    expect(shown).to_have_count(12)


@pytest.mark.timeout(600)
def test_a_part_of_a_run_without_a_sample_shows_those_before_it(training, drawings):
    page = training()
    make_dataset(page, "shapes", drawings[:2])
    fill(page, name="parts", steps=500)
    page.locator(".dr-train-more summary").click()
    fill(page, sample_every=3)
    view, status = (run_stage(page).locator(name) for name in (".dr-view", ".dr-status"))
    page.get_by_role("button", name="Start training").click()
    expect(view.get_by_text("Bring pictures")).to_be_hidden()
    expect(view.get_by_text("The first sample")).to_be_visible()
    expect(run_stage(page).locator(".dr-below")).to_be_visible(timeout=MINUTES)
    page.get_by_role("button", name="Interrupt").click()
    expect(status).to_contain_text("Interrupted", timeout=MINUTES)
    expect(page.locator(".dr-train-earlier")).to_be_empty()
    sample = run_stage(page).locator(".dr-save").get_attribute("href")

    run_stage(page).get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Interrupt").click()
    expect(status).to_contain_text("Interrupted.", timeout=MINUTES)
    expect(page.locator(".dr-train-earlier")).to_contain_text("those from before it", timeout=LONG)
    expect(view.locator("img")).to_have_attribute("src", sample)


def test_what_is_made_decides_which_fields_there_are(training):
    page = training()
    rank, vectors = (page.locator(f'.dr-train [data-field="{name}"]') for name in ("rank", "vectors"))
    expect(rank).to_be_visible()
    expect(vectors).to_be_hidden()
    page.locator(".dr-train label", has_text="Textual inversion").click()
    expect(rank).to_be_hidden()
    expect(vectors).to_be_visible()


@pytest.mark.timeout(900)
def test_a_lora_trained_on_ten_pictures_visibly_takes(training, drawings, server):
    page = training()
    open_tab(page, "txt2img")
    set_prompt(page, PROMPT)
    set_number(page, "seed", 5)
    set_number(page, "steps", 10)
    without = draw(page)

    open_tab(page, "Train")
    make_dataset(page, "blueprint", drawings)
    fill(page, name="blueprint", trigger="blueprint style", prompt=PROMPT, steps=70, learning_rate=0.008)
    page.locator(".dr-train-more summary").click()
    fill(page, sample_every=30, save_every=30)
    page.get_by_role("button", name="Start training").click()
    expect(run_stage(page).locator(".dr-status")).to_contain_text(
        re.compile(r"Step ([5-9]|\d\d)"), timeout=MINUTES
    )
    page.click("#train_interrupt")
    expect(run_stage(page).locator(".dr-status")).to_contain_text("Interrupted", timeout=MINUTES)
    expect(page.locator(".dr-train-curve svg")).to_be_visible()

    run_stage(page).get_by_role("button", name="Resume").click()
    reload(page)
    open_tab(page, "Queue")
    page.locator(".dr-job", has_text="LoRA: blueprint").first.get_by_role("button", name="Show").click()
    run = page.locator(".dr-run", has_text="blueprint")
    expect(run).to_contain_text("Done", timeout=MINUTES)
    expect(run_stage(page).locator(".dr-below")).to_be_visible(timeout=MINUTES)
    expect(page.locator(".dr-train-curve svg title")).to_have_text(re.compile("Loss over 70 steps"))
    assert (server.data_dir / "models" / "Lora" / "blueprint.safetensors").is_file()

    run.get_by_role("button", name="Use it").click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value(re.compile(r"<lora:blueprint:1>"))
    with_it = draw(page)
    assert from_blue(with_it) < 0.7 * from_blue(without)

    open_tab(page, "Models")
    page.locator(".dr-chip", has_text="LoRA").click()
    expect(page.locator('.dr-card[title="blueprint.safetensors"]')).to_have_attribute("aria-pressed", "true")


def test_a_curve_is_smoothed_without_a_jump_at_its_start(scripts):
    steady, falling = [[step, 0.5] for step in range(1, 50)], [[step, 1 / step] for step in range(1, 200)]
    flat, low = scripts("loss_curve", "smoothed", [[steady], [falling]])
    assert flat == steady
    assert low[0] == [1, 1]
    assert all(later[1] < earlier[1] for earlier, later in itertools.pairwise(low))
