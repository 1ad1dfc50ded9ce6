"""The prompt editor: weights, order, brackets, completions, earlier prompts."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect

from tests.browser.pages import LONG, api, generate, set_number, set_prompt, shown_job, status
from tests.catalog.samples import LORA
from tests.catalog.samples import write as write_model
from tests.serving import wait_until

pytestmark = pytest.mark.browser

PROMPT = "#txt2img_prompt textarea"
NEGATIVE = "#txt2img_neg_prompt textarea"
TAGS = """blue_eyes,0,1500000,"azure_eyes"
blue_hair,0,900000,
bluebell_(flower),0,400,"harebell"
"""


def marked(text):
    """(text, start, end) of a text whose selection, or caret, is marked with "‸"."""
    before, selected, *after = text.split("‸")
    if not after:
        return before + selected, len(before), len(before)
    return before + selected + after[0], len(before), len(before) + len(selected)


def edited(text, edit):
    """The text after an edit, its selection marked; None if there is none."""
    if edit is None:
        return None
    whole = text[: edit["from"]] + edit["insert"] + text[edit["to"] :]
    start, end = edit["start"], edit["end"]
    selected = f"‸{whole[start:end]}‸" if start < end else "‸"
    return whole[:start] + selected + whole[end:]


WEIGHTS = [
    # before, after Ctrl+Up, after Ctrl+Down
    ("a c‸at, dog", "a (‸cat‸:1.1), dog", "a (‸cat‸:0.9), dog"),
    ("a cat‸, dog", "a (‸cat‸:1.1), dog", "a (‸cat‸:0.9), dog"),
    ("one\nt‸wo\nthree", "one\n(‸two‸:1.1)\nthree", "one\n(‸two‸:0.9)\nthree"),
    ("‸a cat\non mars ‸", "(‸a cat\non mars‸:1.1) ", "(‸a cat\non mars‸:0.9) "),
    ("(‸cat‸:1.1), b", "(‸cat‸:1.2), b", "‸cat‸, b"),
    ("(c‸at:0.9)", "‸cat‸", "(‸cat‸:0.8)"),
    ("(a cat‸ here:1.25)", "(‸a cat here‸:1.35)", "(‸a cat here‸:1.15)"),
    ("(cat:1.‸95)", "(‸cat‸:2.05)", "(‸cat‸:1.85)"),
    ("(cat:1.9)‸", "(‸cat‸:2.0)", "(‸cat‸:1.8)"),
    ("(cat:0.1‸)", "(‸cat‸:0.2)", "(‸cat‸:0.0)"),
    ("‸(cat:1.2)‸", "(‸cat‸:1.3)", "(‸cat‸:1.1)"),
    ("(c‸at)", "(‸cat‸:1.2)", "‸cat‸"),
    ("((c‸at))", "(‸cat‸:1.31)", "(‸cat‸:1.11)"),
    ("[c‸at]", "‸cat‸", "(‸cat‸:0.8)"),
    ("(a ‸cat‸:1.2)", "(a (‸cat‸:1.1):1.2)", "(a (‸cat‸:0.9):1.2)"),
    ("(a (c‸at:1.1):1.2)", "(a (‸cat‸:1.2):1.2)", "(a ‸cat‸:1.2)"),
    ("((c‸at:1.2))", "((‸cat‸:1.3))", "((‸cat‸:1.1))"),
    ("[c‸at:dog:0.5]", "[(‸cat‸:1.1):dog:0.5]", "[(‸cat‸:0.9):dog:0.5]"),
    ("[cat|d‸og]", "[cat|(‸dog‸:1.1)]", "[cat|(‸dog‸:0.9)]"),
    (r"rem \(re‸\)", r"rem \((‸re‸:1.1)\)", r"rem \((‸re‸:0.9)\)"),
    (r"(rem \(re\)‸:1.1)", r"(‸rem \(re\)‸:1.2)", r"‸rem \(re\)‸"),
    ("<lora:x:1>‸", "<lora:x:‸1.05‸>", "<lora:x:‸0.95‸>"),
    ("a <lora:‸x:0.95> b", "a <lora:x:‸1.0‸> b", "a <lora:x:‸0.9‸> b"),
    ("<lora:x‸>", "<lora:x:‸1.05‸>", "<lora:x:‸0.95‸>"),
    ("<lora:x:1:0.‸5>", "<lora:x:1:‸0.55‸>", "<lora:x:1:‸0.45‸>"),
    ("<hypernet:x:1:‸dyn=2>", "<hypernet:x:‸1.05‸:dyn=2>", "<hypernet:x:‸0.95‸:dyn=2>"),
    ("(<lora:x:‸1>:1.2)", "(<lora:x:‸1.05‸>:1.2)", "(<lora:x:‸0.95‸>:1.2)"),
    ("a ‸ b", None, None),
    ("‸", None, None),
    ("a (‸b) c‸", None, None),
]


def test_weights(scripts):
    for up, number in ((True, 1), (False, 2)):
        calls = [(*marked(row[0]), up) for row in WEIGHTS]
        edits = scripts("prompt_weight", "weighed", calls)
        given_back = [edited(call[0], edit) for call, edit in zip(calls, edits, strict=True)]
        assert given_back == [row[number] for row in WEIGHTS]


MOVES = [
    # before, after Alt+Left, after Alt+Right
    ("a, b‸, c", "‸b‸, a, c", "a, c, ‸b‸"),
    ("‸a, b", None, "b, ‸a‸"),
    ("a, ‸b, c‸, d", "‸b, c‸, a, d", "a, d, ‸b, c‸"),
    ("a long o‸ne,b", None, "b,‸a long one‸"),
    ("a,\nb‸,\n\nc", "‸b‸,\na,\n\nc", "a,\nc,\n\n‸b‸"),
    ("a, b, ‸", "‸b‸, a, ", None),
    ("(x, y‸:1.2), c", "(‸y‸, x:1.2), c", None),
    ("(x, y:1.2)‸, c", None, "c, ‸(x, y:1.2)‸"),
    ("a ((‸x‸:1.1)), c", None, "c, ‸a ((x:1.1))‸"),
    (r"a \(b, c‸\)", r"‸c\)‸, a \(b", None),
    ("<lora:a,b:1>, c‸", "‸c‸, <lora:a,b:1>", None),
    ("a BREAK b‸", "‸b‸ BREAK a", None),
    ("a # no, yes\nb‸", "‸b‸ # no, yes\na", None),
    ("a‸", None, None),
    ("‸", None, None),
]


def test_moves(scripts):
    for step, number in ((-1, 1), (1, 2)):
        calls = [(*marked(row[0]), step) for row in MOVES]
        edits = scripts("prompt_move", "moved", calls)
        given_back = [edited(call[0], edit) for call, edit in zip(calls, edits, strict=True)]
        assert given_back == [row[number] for row in MOVES]


PIECES = [
    "a",
    "b c",
    "(a, b:1.2)",
    "[x|y]",
    "{a, b|c}",
    r"\(",
    "<lora:a,b:1>",
    "# no",
    " ",
    ", ",
    ",",
    "\n",
    " AND ",
]
PROMPTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@settings(max_examples=20)
@given(st.lists(PROMPTS, min_size=20, max_size=20), st.integers(0, 30))
def test_what_was_moved_can_be_moved_back(scripts, texts, caret):
    calls = [(text, min(caret, len(text)), min(caret, len(text)), 1) for text in texts]
    there = [
        (text, edited(text, edit))
        for (text, *_), edit in zip(calls, scripts("prompt_move", "moved", calls), strict=True)
        if edit
    ]
    back = scripts("prompt_move", "moved", [(*marked(moved), -1) for _, moved in there])
    for (text, moved), edit in zip(there, back, strict=True):
        assert edited(marked(moved)[0], edit).replace("‸", "") == text


BRACKETS = [
    ("a (b [c] {d})", None),
    ("(a", "("),
    ("a]", "]"),
    (")a(", "( )"),
    ("{a|b", "{"),
    ("((a) [b", "( ["),
    (r"a \(b", None),
    (r"a \\(b", "("),
    ("a # (b\nc", None),
    ("<lora:a(b:1>", None),
]


def test_brackets(scripts):
    wrong = scripts("prompt_brackets", "unbalanced", [(text,) for text, _ in BRACKETS])
    assert [found and found["short"] for found in wrong] == [short for _, short in BRACKETS]
    (found,) = scripts("prompt_brackets", "unbalanced", [("((a]",)])
    assert found["long"] == "Brackets: 2 “(” never closed, 1 “]” closing nothing"


WANTED = [
    ("bl‸", ["bl"]),
    ("b‸", []),
    ("a photo of bl‸", ["a photo of bl", "bl"]),
    ("cat, bl‸", ["bl"]),
    ("cat\nbl‸", ["bl"]),
    ("(cat:1.1), ((bl‸", ["bl"]),
    ("(cat:1.‸", []),
    ("[cat:bl‸", ["bl"]),
    ("re:ze‸", ["re:ze"]),
    ("{2$$cat|bl‸", ["bl"]),
    ("cat AND bl‸", ["bl"]),
    ("<‸", ["<"]),
    ("cat <lora:my bl‸", ["<lora:my bl"]),
    ("<lora:a:0.‸", []),
    ("<lora:a:1> bl‸", ["bl"]),
    ("a __‸", ["__"]),
    ("a __animals/c‸", ["__animals/c"]),
    ("a __color__‸", []),
    ("a __color__ bl‸", ["bl"]),
    ("blue ‸", []),
    ("bl‸ue", []),
    ("# no bl‸", []),
    ("x" * 160 + "‸", []),
]


def test_what_is_asked_for_while_one_writes(scripts):
    found = scripts("prompt_wanted", "wanted", [marked(text)[:2] for text, _ in WANTED])
    assert [[each["query"] for each in asked] for asked in found] == [asked for _, asked in WANTED]


PUT_IN = [
    # text, kind, insert, after
    ("a, bl‸", "tag", "blue eyes", "a, blue eyes, ‸"),
    ("bl‸, b", "tag", "blue eyes", "blue eyes‸, b"),
    ("bl‸ b", "embedding", "blurry", "blurry, ‸b"),
    ("(bl‸:1.1)", "tag", "blue eyes", "(blue eyes‸:1.1)"),
    ("[bl‸|b]", "tag", "blue eyes", "[blue eyes‸|b]"),
    ("bl‸\nb", "tag", "blue eyes", "blue eyes, ‸\nb"),
    ("a <lo‸", "lora", "<lora:x:1>", "a <lora:x:1> ‸"),
    ("a <lo‸>, b", "lora", "<lora:x:1>", "a <lora:x:1>‸, b"),
    ("a __c‸__ cat", "wildcard", "__color__", "a __color__‸ cat"),
    ("a __c‸", "wildcard", "__color__", "a __color__‸"),
]


def test_how_a_completion_is_put_in(scripts):
    places = scripts("prompt_wanted", "wanted", [marked(row[0])[:2] for row in PUT_IN])
    calls = []
    for (text, kind, insert, _), asked in zip(PUT_IN, places, strict=True):
        bare, caret, _ = marked(text)
        calls.append((bare, asked[0]["from"], caret, {"kind": kind, "insert": insert}))
    edits = scripts("prompt_wanted", "completed", calls)
    assert [edited(call[0], edit) for call, edit in zip(calls, edits, strict=True)] == [
        row[-1] for row in PUT_IN
    ]


ENDLESS = [
    "(" * 10_000 + "a" + ")" * 9_999,
    "[a:" * 6_000 + "]" * 2_000,
    "a," * 10_000,
    "<a:" * 6_666,
    ":1 " * 6_666,
    "a" * 10_000 + " " * 10_000,
]


def test_no_prompt_holds_the_page_up(browser, server):
    page = browser.new_page()
    page.goto(f"{server.address}/healthz")
    milliseconds = page.evaluate(
        """async (texts) => {
            const names = ["weight", "move", "brackets", "wanted"];
            const modules = await Promise.all(names.map((name) => import(`/darkroom/prompt_${name}.js`)));
            const [{ weighed }, { moved }, { unbalanced }, { wanted }] = modules;
            return texts.map((text) => {
                const [begin, middle] = [performance.now(), text.length >> 1];
                weighed(text, middle, middle, true);
                weighed(text, 0, text.length, true);
                moved(text, middle, middle, 1);
                unbalanced(text);
                wanted(text, text.length);
                return performance.now() - begin;
            });
        }""",
        ENDLESS,
    )
    page.close()
    assert max(milliseconds) < 1000


def value(page, selector=PROMPT):
    return page.locator(selector).input_value()


def write(page, text, selector=PROMPT):
    """Put a text into a box, its selection, or the caret, marked with "‸", and go there."""
    bare, start, end = marked(text)
    page.fill(selector, bare)
    page.focus(selector)
    page.evaluate(
        "([start, end]) => document.activeElement.setSelectionRange(start, end)",
        [start, end],
    )


def begun(page):
    """The visitor's newest job, once there is one; it is ended, if it isn't over."""
    job = wait_until(lambda: page.wait_for_timeout(50) or api(page, "/api/v1/jobs").json())[0]
    page.request.delete(f"{page.url}api/v1/jobs/{job['id']}")
    return job


def selected(page):
    return page.evaluate("getSelection().toString()")


def test_keys_weigh_and_move_and_can_be_undone(visit):
    page = visit()
    address = page.url
    write(page, "a green hea‸rt, on yellow")
    page.keyboard.press("Control+ArrowUp")
    page.keyboard.press("Control+ArrowUp")
    assert (value(page), selected(page)) == ("a green (heart:1.2), on yellow", "heart")
    page.keyboard.press("Meta+ArrowDown")
    page.keyboard.press("Alt+ArrowRight")
    assert value(page) == "on yellow, a green (heart:1.1)"
    page.keyboard.press("Alt+ArrowRight")
    assert page.url == address
    generate(page)
    job = begun(page)
    assert job["params"]["prompt"] == "on yellow, a green (heart:1.1)"
    page.focus(PROMPT)
    for before in (
        "a green (heart:1.1), on yellow",
        "a green (heart:1.2), on yellow",
        "a green (heart:1.1), on yellow",
        "a green heart, on yellow",
    ):
        page.keyboard.press("Control+z")
        assert value(page) == before


def test_the_counter_marks_brackets_that_do_not_match(visit):
    page = visit()
    counter = page.locator("#txt2img_prompt_tokens")
    set_prompt(page, r"a (panda, \[blue")
    expect(counter).to_have_attribute("data-unbalanced", "(")
    expect(counter).to_have_attribute("title", "Brackets: 1 “(” never closed")
    # It would not tell its title if it let the pointer through.
    page.hover("#txt2img_prompt_tokens")
    # What the page itself puts in, the box tells nobody of.
    page.evaluate(f"document.querySelector('{PROMPT}').value = 'a (panda)'")
    expect(counter).not_to_have_attribute("data-unbalanced", "(")
    expect(counter).not_to_have_attribute("title", re.compile("."))
    page.fill(NEGATIVE, "blurry]")
    expect(page.locator("#txt2img_neg_prompt_tokens")).to_have_attribute("data-unbalanced", "]")


@pytest.fixture(scope="module")
def library(server):
    """What can be completed: a LoRA, a style, a wildcard, tags."""
    data = server.data_dir
    lora = write_model(data / "models" / "Lora" / "blueprint.safetensors", LORA)
    texts = {
        data / "styles.csv": 'name,prompt,negative_prompt\nBlue hour,"{prompt}, dusk, soft light",noon\n',
        data / "wildcards" / "colors" / "cold.txt": "blue\ngreen\n",
        data / "tags" / "danbooru.csv": TAGS,
    }
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def known():
        client.post("/api/v1/models/refresh")
        found = [client.get("/api/v1/completions", params={"q": q}).json() for q in ("blue", "__cold")]
        return {one["kind"] for answers in found for one in answers} >= {"lora", "style", "tag", "wildcard"}

    with server.client() as client:
        wait_until(known, step=0.3)
    yield data
    for file in (lora, *texts):
        file.unlink()


@pytest.fixture
def writer(visit, library):
    """Opens a page with an empty prompt that has the focus."""

    def open_page(**options):
        page = visit(**options)
        write(page, "‸")
        return page

    return open_page


def options(page):
    return page.locator("#dr-completions [role=option]")


def names(page):
    return page.locator("#dr-completions .dr-option-name")


def listed(page, *expected):
    """The completions shown, once they are `expected`."""
    expect(names(page)).to_have_text(expected)


def test_a_tag_is_completed_while_one_writes(writer):
    page = writer()
    box = page.locator(PROMPT)
    page.keyboard.type("panda, azure")
    listed(page, "blue eyes")
    expect(options(page)).to_have_text("blue eyesazure_eyes · 1.5MTag")
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Tab")
    assert value(page) == "panda, blue eyes, "
    expect(box).not_to_have_attribute("aria-expanded", "true")
    page.keyboard.type("bluebell")
    listed(page, "bluebell (flower)")
    page.keyboard.press("Tab")
    assert value(page) == r"panda, blue eyes, bluebell \(flower\), "
    page.keyboard.press("Control+z")
    assert value(page) == "panda, blue eyes, bluebell"


def test_arrows_and_enter_choose_and_enter_alone_breaks_the_line(writer):
    page = writer()
    box = page.locator(PROMPT)
    page.keyboard.type("blue")
    expect(names(page)).to_contain_text(["blueprint", "blue eyes"])
    assert page.get_attribute(PROMPT, "aria-activedescendant") is None
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    active = page.locator('#dr-completions [aria-selected="true"]')
    expect(active).to_have_count(1)
    expect(box).to_have_attribute("aria-activedescendant", active.get_attribute("id"))
    first = names(page).first.inner_text()
    assert active.locator(".dr-option-name").inner_text() == first
    page.keyboard.press("Enter")
    assert "\n" not in value(page)
    write(page, "‸")
    page.keyboard.type("blue")
    expect(options(page).first).to_be_visible()
    page.keyboard.press("Enter")
    assert value(page) == "blue\n"
    expect(options(page)).to_have_count(0)


def test_loras_wildcards_and_styles_are_completed(writer):
    page = writer()
    page.keyboard.type("<")
    listed(page, "blueprint", "darkroom-cyanotype")
    page.keyboard.type("lora:b")
    listed(page, "blueprint")
    page.keyboard.press("Tab")
    assert value(page) == "<lora:blueprint:1> "
    page.keyboard.type("a __co")
    listed(page, "colors/cold")
    page.keyboard.press("Tab")
    assert value(page) == "<lora:blueprint:1> a __colors/cold__"
    page.keyboard.type(" panda, blue ho")
    listed(page, "Blue hour")
    page.keyboard.press("Tab")
    assert value(page) == "<lora:blueprint:1> a __colors/cold__ panda, dusk, soft light, "


def test_nothing_is_asked_where_nothing_can_match(writer):
    page = writer()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "completions" in request.url else None)
    with page.expect_response(re.compile("completions.q=qz")):
        page.keyboard.type("qz")
    page.keyboard.type("xyzzy", delay=150)
    page.keyboard.type(", (1.5", delay=150)
    page.wait_for_timeout(300)
    assert len(asked) == 1


def test_an_answer_that_comes_too_late_is_not_shown(writer):
    page = writer()
    waiting = []
    page.route("**/completions?q=blue*", lambda route: waiting.append(route))
    page.keyboard.type("blue")
    wait_until(lambda: page.wait_for_timeout(20) or waiting)
    page.keyboard.press("Home")
    page.keyboard.type("azure, ")
    for route in waiting:
        route.continue_()
    page.wait_for_timeout(500)
    expect(options(page)).to_have_count(0)


def test_escape_closes_the_list_first_and_only_then_interrupts(writer):
    page = writer()
    set_number(page, "steps", 150)
    set_number(page, "batch_count", 20)
    write(page, "a panda, ‸")
    page.keyboard.press("Control+Enter")
    expect(status(page)).to_contain_text("Step", timeout=LONG)
    page.focus(PROMPT)
    page.keyboard.type("blue")
    expect(options(page).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(options(page)).to_have_count(0)
    assert api(page, f"/api/v1/jobs/{shown_job(page)}").json()["state"] == "running"
    page.keyboard.press("Escape")
    expect(status(page)).to_contain_text("Interrupted", timeout=LONG)


def test_ctrl_enter_generates_while_the_list_is_open(writer):
    page = writer()
    page.keyboard.type("blue")
    expect(options(page).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+Enter")
    job = begun(page)
    assert job["params"]["prompt"] == "blue"
    expect(options(page)).to_have_count(0)


def test_an_input_method_is_not_disturbed(writer):
    page = writer()
    composing = page.context.new_cdp_session(page)
    composing.send("Input.imeSetComposition", {"text": "blue", "selectionStart": 4, "selectionEnd": 4})
    page.wait_for_timeout(400)
    assert value(page) == "blue"
    expect(options(page)).to_have_count(0)
    composing.send("Input.insertText", {"text": "blue"})
    page.keyboard.type("_")
    expect(options(page).first).to_be_visible()


def test_a_tap_completes_on_a_phone_and_nothing_scrolls_sideways(writer):
    page = writer(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.keyboard.type("a long prompt of more than one line, then blue")
    expect(options(page).first).to_be_visible()
    box = page.locator("#dr-completions").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert options(page).first.bounding_box()["height"] >= 40
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    options(page).filter(has_text="blue eyes").tap()
    assert value(page) == "a long prompt of more than one line, then blue eyes, "
    assert page.evaluate("document.activeElement.matches('#txt2img_prompt textarea')")


def drawn(page, prompt, negative=""):
    """Draw with these prompts, as far as the history needs it."""
    answer = page.request.post(
        page.url + "api/v1/jobs", data={"prompt": prompt, "negative_prompt": negative, "steps": 1}
    )
    assert answer.ok, answer.text()
    page.request.delete(f"{page.url}api/v1/jobs/{answer.json()['id']}")


@pytest.fixture
def veteran(visit):
    """Opens the page of someone who has drawn a panda first and a heart last."""

    def open_page(**options):
        page = visit(**options)
        drawn(page, "a panda", "blurry")
        drawn(page, "a green heart")
        return page

    return open_page


def texts(page):
    return value(page), value(page, NEGATIVE)


def test_alt_up_and_down_walk_through_earlier_prompts(veteran):
    page = veteran()
    page.fill(NEGATIVE, "noise")
    write(page, "my own words‸")
    for key, expected in (
        ("ArrowUp", ("a green heart", "")),
        ("ArrowUp", ("a panda", "blurry")),
        ("ArrowUp", ("a panda", "blurry")),
        ("ArrowDown", ("a green heart", "")),
        ("ArrowDown", ("my own words", "noise")),
        ("ArrowDown", ("my own words", "noise")),
    ):
        page.keyboard.press(f"Alt+{key}")
        page.wait_for_function(
            "([own, other]) => document.querySelector('#txt2img_prompt textarea').value === own"
            " && document.querySelector('#txt2img_neg_prompt textarea').value === other",
            arg=list(expected),
        )
    assert page.evaluate("document.activeElement.matches('#txt2img_prompt textarea')")


def test_an_earlier_prompt_is_searched_and_chosen_and_ones_own_comes_back(veteran):
    page = veteran()
    write(page, "my own words‸")
    opener = page.get_by_role("button", name="Earlier prompts")
    opener.focus()
    page.keyboard.press("Enter")
    entries = page.locator(".dr-past [role=option]")
    expect(entries.locator(".dr-past-prompt")).to_have_text(["a green heart", "a panda"])
    page.keyboard.type("PAN")
    expect(entries.locator(".dr-past-prompt")).to_have_text(["a panda"])
    expect(entries.locator(".dr-past-negative")).to_have_text("Negative: blurry")
    page.keyboard.press("Enter")
    expect(page.locator(".dr-past")).to_be_hidden()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a panda")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("blurry")
    opener.click()
    expect(entries.first).to_contain_text("What you had")
    entries.first.click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("my own words")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("")
    opener.click()
    page.keyboard.type("nowhere")
    expect(page.locator(".dr-past")).to_contain_text("None of your earlier prompts has these words.")
    page.keyboard.press("Escape")
    expect(page.locator(".dr-past")).to_be_hidden()
    expect(page.locator("[aria-expanded=true].dr-past-search")).to_have_count(0)


def test_a_newcomer_is_told_what_the_list_is_for(visit):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    page.get_by_role("button", name="Earlier prompts").tap()
    expect(page.locator(".dr-past")).to_contain_text("No earlier prompts yet.")
    box = page.locator(".dr-past").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
