"""The History tab: found, looked at, chosen, compared, thrown away, brought back and sent on."""

import io
import time
import zipfile
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests.browser.pages import LONG, open_tab
from tests.jobs.histories import MANY, Room, fill
from tests.serving import Server
from webui.settings import Settings

pytestmark = pytest.mark.browser

DAY = 86_400
COUNT = 12
OLDER = 400
PEOPLE = ("finder", "looker", "thrower", "picker", "sender", "keys", "phone", "grower")
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c489".replace(" ", "")
    + "0000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
# The view is full of pictures that are known, or there are no more.
FILLED = """() => {
    const view = document.querySelector('.dr-hist-scroll').getBoundingClientRect();
    const cells = [...document.querySelectorAll('.dr-hist-cell')];
    const [first, last] = [cells.at(0), cells.at(-1)];
    return first && !document.querySelector('.dr-hist-waiting')
        && first.getBoundingClientRect().top < view.top + 5
        && (last.getBoundingClientRect().bottom > view.bottom - 5 || last.ariaPosInSet === last.ariaSetSize);
}"""
COLUMNS = "getComputedStyle(document.querySelector('.dr-hist-list')).gridTemplateColumns.split(' ').length"


class Old:
    """A server with histories of long standing, each of an owner of their own."""

    def __init__(self, folder):
        self.room = Room(folder, Settings())
        fill(self.room.store, "client:many")
        now = time.time()
        self.names = {
            who: [
                self.picture(f"client:{who}", number, created=now - DAY * (COUNT - number))
                for number in range(COUNT)
            ]
            for who in PEOPLE
        }
        for number in range(OLDER):
            self.picture("client:grower", number, created=now - 3600 - number)
        first = self.picture("client:heir", 1, created=now - 500, width=40, height=24)
        second = self.picture("client:heir", 2, parents=(first,), init_images=[first], created=now - 400)
        third = self.picture("client:heir", 3, parents=(second,), init_images=[second], created=now - 300)
        self.names["heir"] = [first, second, third]
        self.room.store.close()
        self.server = Server(folder)

    def picture(self, owner, number, **kept):
        checkpoint = "night" if number % 4 == 0 else "demo"
        prompt = f"castle number{number} in <i>the</i> mist"
        return self.room.picture(owner, seed=number, checkpoint=checkpoint, prompt=prompt, **kept)

    def ask(self, who, path="", **query):
        answer = httpx.get(
            f"{self.server.address}/api/v1/history{path}", params=query, headers={"Darkroom-Client": who}
        )
        return answer.json()


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Old]:
    known = Old(tmp_path_factory.mktemp("old") / "data")
    with known.server:
        yield known


@pytest.fixture
def visit(person: Callable[..., BrowserContext], old: Old) -> Callable[..., Page]:
    """Opens the History tab as that API client."""

    def enter(who: str, **options) -> Page:
        context = person(extra_http_headers={"Darkroom-Client": who}, **options)
        # The stage shows one's newest picture, and of the 100,000 there are no files.
        if who == "many":
            context.route("**/images/*", lambda route: route.fulfill(body=PIXEL, content_type="image/png"))
        page = context.new_page()
        page.goto(old.server.address)
        page.wait_for_function("window.darkroom && document.querySelector('.dr-stage')")
        open_tab(page, "History")
        return page

    return enter


def cells(page: Page) -> Locator:
    return page.locator(".dr-hist-cell")


def seeds(page: Page) -> list[int]:
    """The seeds of the pictures whose cells are there, in order."""
    page.wait_for_function(FILLED)
    found = cells(page).evaluate_all("cells => cells.map(({title}) => title.match(/number(\\d+)/)[1])")
    return [int(seed) for seed in found]


def shows(page: Page, expected: list[int]) -> None:
    """Wait until the cells are those of `expected`: an answer may still be on its way."""
    until = time.monotonic() + 10
    while seeds(page) != expected and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert seeds(page) == expected


def total(page: Page, count: int) -> None:
    expect(page.locator(".dr-hist-total")).to_have_text("1 picture" if count == 1 else f"{count:,} pictures")


def large(page: Page) -> Locator:
    return page.locator(".dr-hist-large")


def test_of_100000_pictures_those_in_view_are_in_the_page(visit):
    page = visit("many")
    total(page, MANY)
    scroller = page.locator(".dr-hist-scroll")
    columns = page.evaluate(COLUMNS)
    row = cells(page).first.evaluate("cell => cell.offsetHeight + 4")
    tall = scroller.evaluate("scroller => scroller.scrollHeight")
    assert abs(tall - -(-MANY // columns) * row) < 0.02 * tall
    for share, first, last in ((0, 1, 1), (0.5, MANY * 0.49, MANY * 0.51), (1, MANY - 100, MANY)):
        scroller.evaluate("(scroller, share) => (scroller.scrollTop = share * scroller.scrollHeight)", share)
        page.wait_for_function(FILLED)
        there = cells(page).evaluate_all("cells => cells.map((cell) => Number(cell.ariaPosInSet))")
        assert len(there) < 120
        assert there == list(range(there[0], there[0] + len(there)))
        assert first <= there[0] <= last
    assert there[-1] == MANY
    cells(page).last.click()
    expect(large(page).locator(".dr-hist-view .dr-hist-none")).to_be_visible()
    expect(large(page).locator(".dr-hist-infotext")).to_contain_text("castle number0")
    expect(large(page).locator(".dr-hist-older")).to_be_disabled()


def test_pictures_are_found(visit):
    page = visit("finder")
    total(page, COUNT)
    assert seeds(page) == list(range(COUNT - 1, -1, -1))
    search = page.get_by_role("searchbox", name="Search prompts")
    search.fill("MIST number1")
    total(page, 3)
    shows(page, [11, 10, 1])
    search.fill("")
    page.get_by_label("Model", exact=True).select_option("night")
    total(page, 3)
    shows(page, [8, 4, 0])
    search.fill("no such word")
    expect(page.locator(".dr-hist-empty")).to_contain_text("No picture matches.")
    page.get_by_role("button", name="Show all").click()
    total(page, COUNT)
    day = page.locator(".dr-hist-bar [name=day] option").nth(3).get_attribute("value")
    for field in ("since", "until"):
        page.locator(f".dr-hist-bar [name={field}]").fill(day)
    total(page, 1)


def test_slow_answers_are_waited_for(visit):
    page = visit("finder")
    total(page, COUNT)

    def late(route: Route) -> None:
        time.sleep(0.3)
        route.continue_()

    page.route("**/api/v1/history?*", late)
    page.get_by_role("button", name="Grids").click()
    page.get_by_role("searchbox", name="Search prompts").fill("number7")
    total(page, 1)


def test_an_empty_history_tells_what_will_be_there(visit):
    page = visit("nobody")
    expect(page.locator(".dr-hist-empty")).to_contain_text("No pictures yet.")
    page.locator(".dr-hist-trash").click()
    expect(page.locator(".dr-hist-empty")).to_contain_text("The trash is empty.")


def test_a_picture_is_looked_at_and_marked(visit, old):
    page = visit("looker")
    cells(page).nth(2).click()
    infotext = large(page).locator(".dr-hist-infotext")
    expect(infotext).to_contain_text("castle number9 in <i>the</i> mist")
    expect(large(page).locator(".dr-hist-facts")).to_contain_text("demo · seed 9")
    page.keyboard.press("ArrowLeft")
    expect(infotext).to_contain_text("number10")
    page.wait_for_function("document.querySelector('.dr-hist-view img').naturalWidth === 40")
    page.keyboard.press("f")
    expect(large(page).get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(large(page)).to_be_hidden()
    expect(cells(page).nth(1)).to_be_focused()
    expect(cells(page).nth(1).locator(".dr-hist-marks")).to_have_text("★")
    page.get_by_role("button", name="★ Favourites 1").click()
    total(page, 1)
    assert [one["seed"] for one in old.ask("looker", favourite=True)["pictures"]] == [10]


def test_what_is_thrown_away_can_be_had_back_or_deleted(visit, old):
    page = visit("thrower")
    said = page.locator(".dr-hist-head .dr-hist-said")
    cells(page).nth(0).click()
    page.keyboard.press("Delete")
    expect(large(page).locator(".dr-hist-infotext")).to_contain_text("number10")
    expect(large(page).locator(".dr-hist-said")).to_contain_text("1 picture is in the trash.")
    large(page).get_by_role("button", name="Undo").click()
    page.keyboard.press("Escape")
    total(page, COUNT)
    assert seeds(page)[0] == 11

    cells(page).nth(0).click(modifiers=["Control"])
    cells(page).nth(2).click(modifiers=["Shift"])
    page.get_by_role("button", name="Delete", exact=True).click()
    total(page, COUNT - 3)
    expect(said).to_contain_text("3 pictures are in the trash.")
    page.get_by_role("button", name="Trash 3").click()
    total(page, 3)
    cells(page).nth(0).click(modifiers=["Control"])
    page.get_by_role("button", name="Restore").click()
    total(page, 2)
    files = [
        old.room.outputs.folder / ".trash" / one["id"] for one in old.ask("thrower", trash=True)["pictures"]
    ]
    page.get_by_role("button", name="Empty the trash").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("This can't be undone.")
    question.get_by_role("button", name="Empty the trash").click()
    expect(page.locator(".dr-hist-empty")).to_contain_text("The trash is empty.")
    assert not any(list(file.parent.glob(f"{file.name}*")) for file in files)
    page.locator(".dr-hist-trash").click()
    total(page, COUNT - 2)


def test_several_are_taken_along_and_two_compared(visit):
    page = visit("picker")
    for place in (1, 3):
        cells(page).nth(place).click(modifiers=["Control"])
    expect(page.locator(".dr-hist-number")).to_have_text("2 selected")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as kept:
        assert len(kept.namelist()) == 2
        assert kept.testzip() is None
    page.get_by_role("button", name="Compare").click()
    line = page.get_by_role("slider", name="How much of each picture is seen")
    expect(line).to_be_focused()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    shown = "document.querySelector('.dr-compare-frame').style.getPropertyValue('--at')"
    assert page.evaluate(shown) == "55%"
    box = line.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + 10)
    assert abs(float(page.evaluate(shown).rstrip("%")) - 25) < 1
    assert "number8" in page.locator(".dr-compare-before").get_attribute("src") or page.locator(
        ".dr-compare img"
    ).evaluate_all("pictures => pictures.every(({naturalWidth}) => naturalWidth === 40)")
    page.keyboard.press("Escape")
    expect(page.locator(".dr-compare")).to_have_count(0)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".dr-hist-chosen")).to_be_hidden()


def test_a_line_of_descent_is_followed(visit):
    page = visit("heir")
    cells(page).nth(1).click()
    relations = large(page).locator(".dr-hist-relation")
    expect(relations).to_have_count(3)
    expect(large(page).locator(".dr-hist-way")).to_have_text(["first", "→ img2img", "→ img2img"])
    expect(relations.nth(1)).to_have_attribute("aria-current", "true")
    large(page).get_by_role("button", name="Before and after").click()
    expect(page.locator(".dr-compare-label")).to_have_text(["Before · 40×24", "After: img2img · 40×24"])
    page.keyboard.press("Escape")
    relations.nth(0).click()
    expect(large(page).locator(".dr-hist-infotext")).to_contain_text("number1 ")
    expect(relations.nth(0)).to_have_attribute("aria-current", "true")


def test_generations_are_counted_from_the_picture_that_is_shown(visit):
    page = visit("nobody")
    found = page.evaluate(
        """async () => {
            const { generations } = await import('/darkroom/lineage.js');
            const edge = (parent, child) => ({ parent, child });
            const edges = [edge('a', 'c'), edge('b', 'c'), edge('c', 'd'), edge('d', 'e'), edge('c', 'e')];
            return [...generations(edges, 'c')];
        }"""
    )
    assert dict(found) == {"c": 0, "a": -1, "b": -1, "d": 1, "e": 1}


def test_a_picture_is_sent_to_other_tabs(visit):
    page = visit("sender")
    cells(page).nth(4).click()
    expect(large(page).locator(".dr-hist-infotext")).to_contain_text("number7")
    large(page).get_by_role("button", name="img2img").click()
    expect(page.locator("#img2img_prompt textarea")).to_have_value(
        "castle number7 in <i>the</i> mist", timeout=LONG
    )
    assert page.evaluate("darkroom.canvases.get('img2img').size") == {"width": 40, "height": 24}
    open_tab(page, "History")
    cells(page).nth(5).click()
    expect(large(page).locator(".dr-hist-infotext")).to_contain_text("number6")
    large(page).get_by_role("button", name="txt2img").click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value(
        "castle number6 in <i>the</i> mist", timeout=LONG
    )


def test_all_of_it_can_be_done_with_keys(visit):
    page = visit("keys")
    total(page, COUNT)
    assert seeds(page)
    assert cells(page).evaluate_all("cells => cells.filter((cell) => cell.tabIndex === 0).length") == 1
    cells(page).nth(0).focus()
    page.keyboard.press("ArrowRight")
    expect(cells(page).nth(1)).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".dr-hist-number")).to_have_text("3 selected")
    expect(cells(page).nth(3)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator(".dr-hist-chosen")).to_be_hidden()
    page.keyboard.press("Control+a")
    expect(page.locator(".dr-hist-number")).to_have_text(f"{COUNT} selected")
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    expect(cells(page).nth(COUNT - 1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(large(page).locator(".dr-hist-infotext")).to_contain_text("number0")


def test_who_looks_at_old_pictures_keeps_their_place(visit, old):
    page = visit("grower")
    total(page, COUNT + OLDER)
    scroller = page.locator(".dr-hist-scroll")
    scroller.evaluate(
        "scroller => (scroller.scrollTop = 20 * (document.querySelector('.dr-hist-cell').offsetHeight + 4))"
    )
    page.wait_for_function(FILLED)
    columns = page.evaluate(COLUMNS)
    top = """() => {
        const above = document.querySelector('.dr-hist-scroll').getBoundingClientRect().top;
        const row = [...document.querySelectorAll('.dr-hist-cell')].filter((cell) => {
            const place = cell.getBoundingClientRect().top;
            return place > above - 5 && place < above + 20;
        });
        return row.map(({ title }) => title);
    }"""
    before = page.evaluate(top)
    assert len(before) == columns
    old.server.wait_ready()
    wish = {"prompt": "a new one", "steps": 1, "width": 64, "height": 64, "n_iter": columns}
    with old.server.client("grower") as client:
        assert client.post("/api/v1/jobs", json=wish).status_code in (200, 201, 202)
    expect(page.locator(".dr-hist-total")).to_have_text(f"{COUNT + OLDER + columns:,} pictures", timeout=LONG)
    assert page.evaluate(top) == before
    scroller.evaluate("scroller => (scroller.scrollTop = 0)")
    expect(cells(page).first).to_have_attribute("title", "a new one")


def test_on_a_phone_there_are_three_columns_and_a_long_press_selects(visit):
    page = visit("phone", viewport={"width": 390, "height": 844}, has_touch=True)
    total(page, COUNT)
    assert page.evaluate(COLUMNS) == 3
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = cells(page).nth(1).bounding_box()
    point = {"x": box["x"] + 50, "y": box["y"] + 50}
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    expect(page.locator(".dr-hist-number")).to_have_text("1 selected")
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(large(page)).to_be_hidden()
    cells(page).nth(2).tap()
    expect(page.locator(".dr-hist-number")).to_have_text("2 selected")
    page.get_by_role("button", name="Cancel").click()
    cells(page).nth(2).tap()
    expect(large(page).locator(".dr-hist-infotext")).to_contain_text("number9")
    assert page.evaluate("document.querySelector('.dr-hist-large').scrollWidth") <= 390
