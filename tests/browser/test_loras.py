"""LoRAs and embeddings in the page: cards, switches and weights that are one with the prompt, details."""

import json
import re
import shutil

import pytest
import torch
from PIL import Image
from playwright.sync_api import expect
from safetensors.torch import save_file

from tests.browser.pages import generate, open_tab, set_number, set_prompt, wait_finished

pytestmark = pytest.mark.browser

DOWN = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"
TAGS = {"10_film": {"grain": 31, "dark (night)": 7}}
WIDTHS = {"sd1": 768, "sdxl": 2048}


def write_lora(file, family="sd1", **beside):
    """A LoRA with next to nothing in it, and A1111's metadata beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    metadata = {
        "ss_network_alpha": "2.0",
        "ss_output_name": f"Trained {file.stem}",
        "ss_tag_frequency": json.dumps(TAGS),
    }
    save_file({DOWN: torch.zeros(4, WIDTHS[family])}, file, metadata)
    if beside:
        file.with_suffix(".json").write_text(json.dumps(beside))


@pytest.fixture
def shelf(server):
    models = server.data_dir / "models"
    beside = {"activation text": "grainy, film", "preferred weight": 0.65, "negative text": "smooth", "id": 7}
    write_lora(models / "Lora" / "styles" / "film" / "grain.safetensors", **beside)
    write_lora(models / "Lora" / "styles" / "paper.safetensors")
    write_lora(models / "Lora" / "zebra.safetensors", "sdxl")
    (models / "embeddings").mkdir()
    save_file({"emb_params": torch.zeros(2, 768)}, models / "embeddings" / "EasyNegative.safetensors")
    yield models
    shutil.rmtree(models)


@pytest.fixture
def loras(visit, shelf):
    """Opens the Models tab at its LoRAs."""

    def open_loras(prompt="", **options):
        page = visit(**options)
        set_prompt(page, prompt)
        open_kind(page, "LoRA")
        expect(face(page, "zebra.safetensors")).to_be_visible()
        return page

    return open_loras


def open_kind(page, kind):
    open_tab(page, "Models")
    page.locator(".dr-chip", has_text=kind).click()


def face(page, name):
    return page.locator(f'.dr-card[title="{name}"]')


def card(page, name):
    return page.locator(".dr-card-item", has=face(page, name))


def prompt(page, which="prompt"):
    return page.locator(f"#txt2img_{which} textarea")


def details(page):
    return page.locator("dialog.dr-details")


def names(page):
    """What the cards are called, but for the demo's own LoRA."""
    return page.locator('#models .dr-card:not([title^="darkroom-"]) .dr-card-name')


def slide(locator, value):
    """Move a slider as a person does."""
    locator.fill(str(value))


GRAIN = "styles/film/grain.safetensors"


def test_a_card_puts_its_tag_and_words_in_and_takes_them_out_again(loras):
    page = loras("a cat")
    face(page, GRAIN).click()
    expect(prompt(page)).to_have_value("a cat, <lora:grain:0.65> grainy, film")
    expect(prompt(page, "neg_prompt")).to_have_value("smooth")
    expect(face(page, GRAIN)).to_have_attribute("aria-pressed", "true")
    face(page, "styles/paper.safetensors").click()
    expect(prompt(page)).to_have_value("a cat, <lora:grain:0.65> grainy, film <lora:paper:1>")
    face(page, GRAIN).click()
    expect(prompt(page)).to_have_value("a cat, <lora:paper:1>")
    expect(prompt(page, "neg_prompt")).to_have_value("")
    expect(face(page, GRAIN)).to_have_attribute("aria-pressed", "false")


def test_a_switch_and_a_slider_are_one_with_the_tag(loras):
    page = loras("<lora:styles/PAPER:0.5:0.7:dyn=4>, a cat")
    switch = card(page, "styles/paper.safetensors").get_by_role("switch")
    slider = card(page, "styles/paper.safetensors").get_by_role("slider")
    expect(switch).to_be_checked()
    expect(slider).to_have_value("0.5")
    slide(slider, 0.8)
    expect(prompt(page)).to_have_value("<lora:styles/PAPER:0.8:0.7:dyn=4>, a cat")
    switch.uncheck()
    expect(prompt(page)).to_have_value("a cat")
    expect(slider).to_be_disabled()
    switch.check()
    expect(prompt(page)).to_have_value("a cat <lora:paper:1>")
    card(page, "styles/paper.safetensors").get_by_role("spinbutton").fill("-0.25")
    expect(prompt(page)).to_have_value("a cat <lora:paper:-0.25>")
    expect(slider).to_have_value("-0.25")


def test_a_lora_is_known_by_what_it_was_called_in_training(loras):
    page = loras("a cat <lora:trained paper:0.5>")
    expect(card(page, "styles/paper.safetensors").get_by_role("slider")).to_have_value("0.5")
    page.locator(".dr-filter").fill("trained pap")
    expect(page.locator(".dr-card:visible")).to_have_count(1)


def test_what_stands_under_the_prompt_follows_what_is_typed(loras):
    page = loras("<lora:grain:0.4> grainy, film, a dog")
    open_tab(page, "txt2img")
    used = page.locator("#txt2img_remarks .dr-used")
    row = used.locator("li")
    expect(row.get_by_role("slider")).to_have_value("0.4")
    prompt(page).press_sequentially(" <lora:gone:1>")
    expect(row).to_have_count(2)
    expect(row.nth(1)).to_contain_text('No LoRA is called "gone".')
    row.nth(1).get_by_role("button", name="Remove gone from the prompt").click()
    expect(row).to_have_count(1)
    slide(row.get_by_role("slider"), 1.2)
    expect(prompt(page)).to_have_value("<lora:grain:1.2> grainy, film, a dog")
    row.get_by_role("switch").uncheck()
    expect(prompt(page)).to_have_value("a dog")
    row.get_by_role("switch").check()
    expect(prompt(page)).to_have_value("a dog, <lora:grain:1.2> grainy, film")
    set_prompt(page, "a dog")
    expect(used).to_be_hidden()


def test_what_is_drawn_is_what_the_switches_say(loras):
    page = loras("a cat")
    face(page, "styles/paper.safetensors").click()
    open_tab(page, "txt2img")
    set_number(page, "steps", 1)
    generate(page)
    wait_finished(page)
    expect(page.locator("#txt2img_gallery .dr-infotext")).to_contain_text("a cat <lora:paper:1>")


def test_a_lora_of_another_family_says_so_and_can_be_used_all_the_same(loras):
    page = loras()
    zebra = card(page, "zebra.safetensors")
    expect(zebra.locator(".dr-card-unfit")).to_have_text("Made for SDXL; the checkpoint is SD 1.5.")
    expect(card(page, GRAIN).locator(".dr-card-unfit")).to_be_empty()
    face(page, "zebra.safetensors").click()
    expect(prompt(page)).to_have_value("<lora:zebra:1>")


def test_folders_show_what_lies_below_them(loras):
    page = loras()
    folders = page.locator(".dr-folders")
    folders.get_by_role("button", name="styles", exact=False).last.click()
    expect(names(page)).to_have_text(["grain", "paper"])
    folders.get_by_role("button", name="film").click()
    expect(names(page)).to_have_text(["grain"])
    folders.get_by_role("button", name="Folders in styles").click()
    expect(folders.get_by_role("button", name="film")).to_have_count(0)
    folders.get_by_role("button", name="All folders").click()
    expect(names(page)).to_have_text(["grain", "paper", "zebra"])


def test_the_order_can_be_chosen_and_turned(loras):
    page = loras()
    page.select_option(".dr-sort select", "path")
    expect(names(page)).to_have_text(["grain", "paper", "zebra"])
    page.click(".dr-direction")
    expect(names(page)).to_have_text(["zebra", "paper", "grain"])
    page.select_option(".dr-sort select", "size")
    expect(names(page).first).to_have_text("zebra")
    page.fill("#models .dr-filter", "grainy")
    expect(names(page)).to_have_text(["grain"])


def test_what_is_written_in_the_details_stands_in_a1111s_file(loras, shelf):
    page = loras()
    card(page, GRAIN).get_by_role("button", name="Details of grain").click()
    expect(details(page).locator("dl")).to_contain_text("Rank4")
    field = details(page).locator('[data-field="activation_text"] input')
    expect(field).to_have_value("grainy, film")
    field.fill("old film")
    details(page).locator('[data-field="notes"] textarea').fill("of 2023")
    details(page).get_by_role("button", name="Save").click()
    expect(details(page).locator(".dr-details-said")).to_have_text("Saved.")
    kept = json.loads((shelf / "Lora" / GRAIN).with_suffix(".json").read_text())
    assert (kept["activation text"], kept["notes"], kept["id"]) == ("old film", "of 2023", 7)
    details(page).locator('[data-field="preferred_weight"] input').fill("99")
    details(page).get_by_role("button", name="Save").click()
    expect(details(page).locator('[data-field="preferred_weight"]').get_by_role("alert")).to_be_visible()
    page.keyboard.press("Escape")
    expect(face(page, GRAIN)).to_be_focused()
    face(page, GRAIN).click()
    expect(prompt(page)).to_have_value("<lora:grain:0.65> old film")


def test_training_tags_can_be_put_into_the_prompt(loras):
    page = loras("a cat")
    card(page, GRAIN).get_by_role("button", name="Details of grain").click()
    words = details(page).locator(".dr-word")
    expect(words).to_have_text(["grain31", "dark (night)7"])
    for word in words.all():
        word.click()
    expect(prompt(page)).to_have_value(r"a cat, grain, dark \(night\)")
    expect(words.first).to_have_attribute("aria-pressed", "true")
    words.first.click()
    expect(prompt(page)).to_have_value(r"a cat, dark \(night\)")


def test_the_picture_that_is_shown_becomes_the_preview(loras, shelf):
    page = loras("a cat")
    open_tab(page, "txt2img")
    set_number(page, "steps", 1)
    generate(page)
    wait_finished(page)
    open_kind(page, "LoRA")
    card(page, GRAIN).get_by_role("button", name="Details of grain").click()
    details(page).get_by_role("button", name="Replace preview").click()
    expect(details(page).locator(".dr-details-said")).to_have_text("The picture is on its card now.")
    page.keyboard.press("Escape")
    expect(card(page, GRAIN).locator("img")).to_have_js_property("naturalWidth", 128)
    with Image.open(shelf / "Lora" / "styles" / "film" / "grain.preview.png") as preview:
        assert preview.text["parameters"].startswith("a cat")


def test_embeddings_go_into_either_prompt(loras):
    page = loras("a cat")
    open_kind(page, "Embeddings")
    easy = card(page, "EasyNegative.safetensors")
    easy.get_by_role("switch", name="EasyNegative in the negative prompt").check()
    expect(prompt(page, "neg_prompt")).to_have_value("EasyNegative")
    expect(prompt(page)).to_have_value("a cat")
    open_tab(page, "txt2img")
    page.fill("#txt2img_neg_prompt textarea", "ugly, (easynegative:1.2), flat")
    open_tab(page, "Models")
    expect(face(page, "EasyNegative.safetensors")).to_have_attribute("aria-pressed", "true")
    face(page, "EasyNegative.safetensors").click()
    expect(prompt(page, "neg_prompt")).to_have_value("ugly, flat")


def test_on_a_phone_nothing_lies_beside_the_page(loras):
    page = loras("<lora:grain:0.4>", viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    card(page, GRAIN).get_by_role("button", name="Details of grain").click()
    expect(details(page).locator(".dr-word").first).to_be_visible()
    assert details(page).evaluate("one => one.scrollWidth <= one.clientWidth")


@pytest.mark.parametrize(
    ("text", "tag", "words", "left"),
    [
        ("a, <lora:x:1> w, b", "<lora:x:1>", "w", "a, b"),
        ("a, <lora:x:1> words", "<lora:x:1>", "w", "a, words"),
        ("<lora:x:1>, b", "<lora:x:1>", "", "b"),
        ("[<lora:x:1>::0.5]", "<lora:x:1>", "", "[::0.5]"),
        ("a\n<lora:x:1>\nb", "<lora:x:1>", "", "a\nb"),
        ("a,<lora:x:1>", "<lora:x:1>", "", "a"),
        ("<lora:x:1>", "<lora:x:1>", "", ""),
    ],
)
def test_what_is_left_without_a_tag_reads_as_before(scripts, text, tag, words, left):
    at = text.index(tag)
    place = {"from": at, "to": at + len(tag)}
    assert scripts("network_tags", "without", [[text, place, words]]) == [left]


def test_tags_are_read_as_the_engine_reads_them(scripts):
    texts = [
        "<lora:a> <LYCO:b:te=0.5:unet=1> <hypernet:c:x> <other:d:1>",
        "<lora:" * 50_000,
        "<a:" * 30_000 + ">",
    ]
    found = scripts("network_tags", "tagsIn", [[text] for text in texts])
    first = [(tag["kind"], tag["name"], tag["weight"], tag["fixed"]) for tag in found[0]]
    assert first == [("lora", "a", 1, False), ("lora", "b", 1, True), ("hypernetwork", "c", 1, False)]
    assert found[1:] == [[], []]


def panel(page, tab="txt2img"):
    return page.locator(f'.dr-extra[data-tab="{tab}"]')


def panel_card(page, name, tab="txt2img"):
    return panel(page, tab).locator(".dr-card-item", has=page.locator(f'.dr-card[title="{name}"]'))


def test_the_cards_under_the_prompts_put_networks_into_them(visit, shelf):
    page = visit()
    expect(panel(page)).to_be_hidden()
    set_prompt(page, "a cat")
    page.click("#txt2img_extra_networks")
    expect(panel(page).get_by_role("searchbox")).to_be_focused()
    panel_card(page, GRAIN).locator(".dr-card").click()
    expect(prompt(page)).to_have_value("a cat, <lora:grain:0.65> grainy, film")
    slide(panel_card(page, GRAIN).get_by_role("slider"), 0.9)
    expect(prompt(page)).to_have_value("a cat, <lora:grain:0.9> grainy, film")
    expect(panel_card(page, "zebra.safetensors")).to_contain_text("Made for SDXL")
    panel(page).get_by_role("searchbox").fill("film grainy")
    expect(panel(page).locator(".dr-card-name")).to_have_text(["grain"])
    expect(panel(page).get_by_role("status")).to_have_text(re.compile("^1 of [45] shown.$"))
    panel(page).get_by_role("searchbox").fill("nothing of the kind")
    expect(panel(page)).to_contain_text("No LoRA matches.")
    prompt(page, "neg_prompt").click()
    panel(page).locator(".dr-chip", has_text="Embeddings").click()
    panel(page).get_by_role("searchbox").fill("")
    panel_card(page, "EasyNegative.safetensors").locator(".dr-card").click()
    expect(prompt(page, "neg_prompt")).to_have_value("smooth, EasyNegative")
    page.click("#txt2img_extra_networks")
    expect(panel(page)).to_be_hidden()


def test_cards_under_the_prompts_stay_while_others_come_and_esc_interrupts(visit, shelf):
    page = visit()
    page.click("#txt2img_extra_networks")
    # Its hash is known already, so that nothing about it is new.
    slider = panel_card(page, "darkroom-cyanotype.safetensors").get_by_role("slider")
    slider.evaluate("slider => (slider.marked = true)")
    write_lora(shelf / "Lora" / "other.safetensors")
    panel(page).locator(".dr-extra-refresh").click()
    expect(panel_card(page, "other.safetensors")).to_be_visible()
    set_number(page, "steps", 150)
    set_number(page, "batch_count", 20)
    generate(page)
    expect(page.locator(".dr-status").first).to_contain_text("Step", timeout=60_000)
    page.keyboard.press("Escape")
    expect(page.locator(".dr-status").first).to_contain_text("Interrupted")
    assert slider.evaluate("slider => slider.marked") is True


def test_the_cards_under_the_prompts_are_those_of_their_tab_and_tell_all(visit, shelf):
    page = visit()
    open_tab(page, "img2img")
    page.click("#img2img_extra_networks")
    panel(page, "img2img").locator(".dr-folder", has_text="styles").click()
    expect(panel(page, "img2img").locator(".dr-card-name")).to_have_text(["grain", "paper"])
    write_lora(shelf / "Lora" / "styles" / "new.safetensors")
    panel(page, "img2img").locator(".dr-extra-refresh").click()
    panel_card(page, "styles/new.safetensors", "img2img").locator(".dr-card").click()
    expect(page.locator("#img2img_prompt textarea")).to_have_value(re.compile(r" <lora:new:1>$"))
    expect(prompt(page)).not_to_have_value(re.compile("lora"))
    panel_card(page, "styles/new.safetensors", "img2img").locator(".dr-card-open").click()
    about = panel(page, "img2img").locator("dialog")
    about.get_by_label("Activation text").fill("brand new")
    about.get_by_role("button", name="Save").click()
    expect(about).to_contain_text("Saved.")
    about.get_by_role("button", name="Close").click()
    expect(panel_card(page, "styles/new.safetensors", "img2img")).to_contain_text("brand new")
    panel(page, "img2img").get_by_role("button", name="Close", exact=True).click()
    expect(panel(page, "img2img")).to_be_hidden()
    expect(page.locator("#img2img_extra_networks")).to_be_focused()
