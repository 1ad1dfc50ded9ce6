"""The history over a real store and real files."""

import threading
import time
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.jobs.histories import FIRST, MANY, PER_JOB, Room, fill
from webui.jobs.history import UnknownPictureError
from webui.jobs.history_search import Filters
from webui.jobs.model import SavedPicture
from webui.jobs.store import JobStore
from webui.settings import Settings


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path, Settings())
    yield room
    room.store.close()


def noon(day):
    return datetime.fromisoformat(f"{day}T12:00:00").timestamp()


def test_pictures_are_listed_newest_first(room):
    names = [room.picture(created=when) for when in (30, 10, 20, 20)]
    assert room.found() == [names[0], names[3], names[2], names[1]]
    page = room.history.page("me", Filters(), offset=1, limit=2)
    assert [entry.id for entry in page.pictures] == [names[3], names[2]]
    assert page.total == 4
    assert room.history.page("me", Filters(), offset=4).pictures == ()


def test_an_entry_tells_of_its_picture(room):
    parent = room.picture()
    name = room.picture(prompt="a dog", seed=9, created=30, parents=(parent,), width=40, height=24)
    entry = room.history.get("me", name)
    assert (entry.id, entry.owner, entry.checkpoint) == (name, "me", "demo")
    assert (entry.favourite, entry.trashed) == (False, None)
    picture = entry.picture
    assert (picture.seed, picture.width, picture.height, picture.created) == (9, 40, 24, 30)
    assert picture.parents == (parent,)
    assert picture.infotext.startswith("a dog\nSteps: ")
    assert room.history.path(entry).is_file()


def test_the_time_is_now_where_none_is_given(room):
    before = time.time()
    assert before <= room.history.get("me", room.picture()).picture.created <= time.time()


def test_everyone_has_a_history_of_their_own(room):
    mine, yours = room.picture(), room.picture(owner="you")
    assert (room.found(), room.found("you")) == ([mine], [yours])
    for act in (
        lambda: room.history.get("me", yours),
        lambda: room.history.lineage("me", yours),
        lambda: room.history.zip("me", [yours]),
    ):
        with pytest.raises(UnknownPictureError):
            act()
    assert room.history.favourite("me", [yours], True) == 0
    assert room.history.trash("me", [yours]) == 0
    room.history.trash("you", [yours])
    assert room.history.restore("me", [yours]) == 0
    assert room.history.empty_trash("me", [yours]) == 0
    assert room.history.empty_trash("me") == 0
    assert room.found("you", trash=True) == [yours]
    assert room.history.facets("me").trash == 0


def test_live_pictures_are_in_no_history(room):
    live = room.picture(live="canvas 1", prompt="a sketch")
    assert room.found() == []
    assert room.found(q="sketch") == []
    assert room.history.facets("me").total == 0
    assert room.history.without_thumbnail(10) == []
    with pytest.raises(UnknownPictureError):
        room.history.get("me", live)
    job = room.store.get(live.split("/")[0])
    assert len(job.pictures) == 1, "the job itself shows it"


# Searching


@pytest.mark.parametrize(
    "q",
    [
        "cat",
        "CAT",
        "hat cat",
        "  cat\t\nhat ",
        "blur",
        "猫",
        "КОШКА",
        "straße",
        "STRASSE",
        "cafe\N{COMBINING ACUTE ACCENT}",
        "100%",
        "[b]",
        "(hat:1.2)",
        "*",
        "?",
        "a_b",
        "'",
        '"',
        "cat cat cat",
    ],
)
def test_every_word_is_searched_in_any_letter_case(room, q):
    written = "Cat in a (hat:1.2), 猫, рыжая Кошка, Straße, café, 100%, a_b [b] * ? ' \""
    name = room.picture(prompt=written, negative_prompt="Blur")
    room.picture(prompt="a dog")
    assert room.found(q=q) == [name]


@pytest.mark.parametrize("q", ["horse", "cat horse", "c?t", "c*t", "[c]at", "ca_", "ca%"])
def test_what_no_picture_holds_is_not_found(room, q):
    room.picture(prompt="Cat in a hat")
    assert room.found(q=q) == []


def test_what_was_written_is_found_as_well_as_what_became_of_it(room):
    job = room.job(prompt="a __colour__ {cat|dog}", negative_prompt="__bad__")
    name = room.picture(job=job, prompt="a red cat", negative_prompt="blurry")
    for q in ("__colour__", "{cat|dog}", "red", "__bad__", "blurry"):
        assert room.found(q=q) == [name]


def test_a_text_is_searched_beyond_a_nul(room):
    name = room.picture(prompt="before\0after")
    assert room.found(q="after") == [name]


def test_a_search_follows_what_changes(room):
    first = room.picture(prompt="a cat")
    assert room.found(q="cat") == [first]
    second = room.picture(prompt="another cat")
    assert room.found(q="cat") == [second, first]
    room.history.trash("me", [first])
    assert room.found(q="cat") == [second]
    assert room.found(q="cat", trash=True) == [first]


def test_searches_are_paged_like_all_others(room):
    names = [room.picture(prompt=f"cat {number}", created=number + 1) for number in range(5)]
    page = room.history.page("me", Filters("cat"), offset=1, limit=2)
    assert ([entry.id for entry in page.pictures], page.total) == ([names[3], names[2]], 5)


def test_many_searches_are_each_answered(room):
    names = [room.picture(prompt=f"cat no.{number:02}") for number in range(12)]
    for _ in range(2):
        for number, name in enumerate(names):
            assert room.found(q=f"no.{number:02}") == [name]


LETTERS = st.text(st.sampled_from("aAbBßé*?[]%_' \0"), max_size=6)


@settings(max_examples=60)
@given(prompts=st.lists(LETTERS, min_size=1, max_size=4), q=LETTERS)
def test_searching_is_looking_for_each_word(tmp_path_factory, prompts, q):
    room = Room(tmp_path_factory.mktemp("room"), Settings())
    job = room.job()
    names = [
        room.picture(job=job, number=number, prompt=f"x{prompt}x", created=1 + number)
        for number, prompt in enumerate(prompts)
    ]
    words = q.replace("\0", " ").casefold().split()
    expected = [
        name
        for name in names
        if all(word in room.history.get("me", name).picture.infotext.casefold() for word in words)
    ]
    assert room.found(q=q) == expected[::-1]
    room.store.close()


def test_a_search_takes_its_time_once(room):
    """Texts that nearly match at every place."""
    job = room.job(prompt="a" * 20_000)
    for number in range(20):
        room.store.add_picture(job, SavedPicture(number, f"{number}.png", 1, "a" * 40_000))
    started = time.perf_counter()
    assert room.found(q="a" * 199 + "b") == []
    assert time.perf_counter() - started < 0.3
    assert len(room.found(q="a" * 199)) == 20


# Filters


def test_pictures_are_chosen_by_checkpoint_favourite_and_kind(room):
    plain = room.picture(checkpoint="one, two", created=1)
    other = room.picture(checkpoint="three", created=2)
    grid = room.picture(checkpoint="three", kind="grid", created=3)
    room.history.favourite("me", [other, grid, other, "0" * 32 + "/7", "no name"], True)
    assert room.found(checkpoint="one, two") == [plain]
    assert room.found(checkpoint="three") == [grid, other]
    assert room.found(checkpoint="three", kind="picture") == [other]
    assert room.found(kind="grid") == [grid]
    assert room.found(favourite=True) == [grid, other]
    assert room.found(favourite=False) == [plain]
    assert room.found(favourite=True, q="cat", kind="grid") == [grid]
    assert room.history.favourite("me", [grid], False) == 1
    assert room.found(favourite=True) == [other]


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="needs a system where a process has its own time zone")
def test_days_are_the_servers_and_both_included(room, monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        midnight = datetime(2030, 5, 2).timestamp()
        before, first, last, after = (
            room.picture(created=midnight + seconds) for seconds in (-1, 0, 24 * 3600 - 1, 24 * 3600)
        )
        day = date(2030, 5, 2)
        assert room.found(since=day, until=day) == [last, first]
        assert room.found(since=day) == [after, last, first]
        assert room.found(until=day) == [last, first, before]
        assert room.found(since=date.max) == []
        assert len(room.found(since=date.min, until=date.max)) == 4
        days = room.history.facets("me").days
        assert days == (("2030-05-03", 1), ("2030-05-02", 2), ("2030-05-01", 1))
    finally:
        monkeypatch.undo()
        time.tzset()


def test_facets_count_what_is_not_in_the_trash(room):
    for number in range(3):
        room.picture(checkpoint="often", created=noon("2030-01-02"), seed=number)
    seldom = room.picture(checkpoint="seldom", created=noon("2030-01-01"))
    thrown = room.picture(checkpoint="thrown")
    room.history.favourite("me", [seldom, thrown], True)
    room.history.trash("me", [thrown])
    facets = room.history.facets("me")
    assert facets.checkpoints == (("often", 3), ("seldom", 1))
    assert facets.days == (("2030-01-02", 3), ("2030-01-01", 1))
    assert (facets.total, facets.favourites, facets.trash) == (4, 1, 1)


# The trash


def test_what_is_thrown_away_is_in_the_trash_and_comes_back(room):
    name, other = room.picture(created=1), room.picture(created=2)
    room.history.favourite("me", [name], True)
    before, file = room.kept(), room.file(name)
    data = file.read_bytes()
    assert room.history.trash("me", [name, name]) == 1
    assert (room.found(), room.found(trash=True)) == ([other], [name])
    assert room.kept() == sorted(
        [".trash/" + name + ".png", room.file(other).relative_to(room.outputs.folder).as_posix()]
    )
    assert room.file(name).read_bytes() == data
    assert room.history.get("me", name).trashed == pytest.approx(time.time(), abs=60)
    job, number = name.split("/")
    assert room.store.get(job).pictures == ()
    assert room.store.get(job).image_count == 0
    assert room.store.picture("me", job, int(number)) is None
    assert room.history.trash("me", [name]) == 0, "it is there already"

    assert room.history.restore("me", [name]) == 1
    assert room.found() == [other, name]
    assert room.kept() == before
    assert room.file(name) == file
    assert not (room.outputs.folder / ".trash" / job).exists()
    assert len(room.store.get(job).pictures) == 1
    assert room.history.get("me", name).favourite


def test_the_trash_is_newest_first_by_when_it_was_filled(room):
    old, new = room.picture(created=1), room.picture(created=2)
    room.history.trash("me", [new])
    room.history.trash("me", [old])
    assert room.found(trash=True) == [old, new]


def test_the_text_beside_a_picture_goes_along(tmp_path):
    room = Room(tmp_path, Settings(save_txt=True))
    name = room.picture(prompt="a cat")
    before = room.kept()
    assert len(before) == 2
    room.history.trash("me", [name])
    assert room.kept() == [f".trash/{name}.png", f".trash/{name}.txt"]
    room.history.restore("me", [name])
    assert room.kept() == before
    room.history.trash("me", [name])
    assert room.history.empty_trash("me") == 1
    assert room.kept() == []
    room.store.close()


def test_a_picture_comes_back_beside_one_that_has_taken_its_name(room):
    name = room.picture()
    file = room.file(name)
    room.history.trash("me", [name])
    file.write_bytes(b"another's")
    room.history.restore("me", [name])
    assert file.read_bytes() == b"another's"
    assert room.file(name).name == f"{file.stem} (2).png"
    job, number = name.split("/")
    assert room.store.picture("me", job, int(number)).file.endswith(" (2).png")


def test_emptying_deletes_files_rows_and_thumbnails(room):
    names = [room.picture(seed=seed) for seed in range(3)]
    for name in names:
        path = room.file(name)
        assert room.thumbnails.get(room.thumbnails.key(name, path), path)
    thumbnails = list((room.folder / "cache").rglob("*.webp"))
    assert len(thumbnails) == 3
    room.history.trash("me", names[:2])
    assert room.history.empty_trash("me", [names[0], names[2]]) == 1, "what isn't in the trash stays"
    assert (room.found(), room.found(trash=True)) == ([names[2]], [names[1]])
    assert room.history.empty_trash("me") == 1
    assert room.found(trash=True) == []
    assert room.found(q="cat") == [names[2]]
    assert len(room.kept()) == 1
    assert len(list((room.folder / "cache").rglob("*.webp"))) == 1
    assert list((room.outputs.folder / ".trash").iterdir()) == []
    with pytest.raises(UnknownPictureError):
        room.history.get("me", names[0])


def test_much_trash_is_emptied_in_turns(room):
    job = room.job()
    names = [room.picture(job=job, number=number) for number in range(3)]
    for name in names:
        room.file(name).unlink()
    with room.store.database.transaction() as db:
        db.executemany(
            "INSERT INTO pictures (job, number, file, seed, infotext, owner) "
            "VALUES (?, ?, 'gone.png', 1, '', 'me')",
            [(job, number) for number in range(3, 450)],
        )
    all_names = [f"{job}/{number}" for number in range(450)]
    assert room.history.trash("me", all_names) == 450
    assert room.history.empty_trash("me", all_names[:210]) == 210
    assert room.history.empty_trash("me") == 240
    assert room.history.facets("me").trash == 0


def test_pictures_whose_files_are_gone_can_be_thrown_away_and_brought_back(room):
    name = room.picture()
    room.file(name).unlink()
    assert room.file(name) is None
    assert room.found() == [name], "they are listed"
    assert room.history.trash("me", [name]) == 1
    assert room.history.restore("me", [name]) == 1
    assert room.found() == [name]
    room.history.trash("me", [name])
    assert room.history.empty_trash("me") == 1
    assert room.found() == []


def test_two_who_throw_the_same_away_at_once_lose_nothing(room):
    names = [room.picture(seed=seed) for seed in range(20)]
    counts = []

    def throw():
        counts.append(room.history.trash("me", names))
        room.history.restore("me", names)

    threads = [threading.Thread(target=throw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) % 20 == 0
    assert sorted(room.found()) == sorted(names)
    assert all(room.file(name).is_file() for name in names)


def test_history_outlives_the_server(room):
    name, thrown = room.picture(), room.picture()
    room.history.favourite("me", [name], True)
    room.history.trash("me", [thrown])
    room.store.close()
    again = Room(room.folder, Settings())
    assert (again.found(favourite=True), again.found(trash=True)) == ([name], [thrown])
    again.history.restore("me", [thrown])
    assert again.file(thrown).is_file()
    again.store.close()
    room.store = JobStore(room.folder / "darkroom.sqlite3")


# 100,000 pictures


def test_a_hundred_thousand_pictures_are_paged_searched_and_counted(tmp_path):
    room = Room(tmp_path, Settings())
    fill(room.store)
    newest = room.history.page("me", Filters(), limit=3)
    assert newest.total == MANY
    assert [entry.picture.seed for entry in newest.pictures] == [MANY - 1, MANY - 2, MANY - 3]
    deep = room.history.page("me", Filters(), offset=MANY - 2, limit=100)
    assert [entry.picture.seed for entry in deep.pictures] == [1, 0]
    found = room.history.page("me", Filters("Masterpiece number77,"), limit=5)
    assert found.total == 0
    found = room.history.page("me", Filters("Masterpiece number777"), offset=99, limit=5)
    assert found.total == MANY // 1000
    assert [entry.picture.seed for entry in found.pictures] == [777]
    assert room.history.page("me", Filters(f"first seed {MANY - 1}")).total == 1
    assert room.history.page("me", Filters(checkpoint="checkpoint 3", favourite=True)).total == 143
    facets = room.history.facets("me")
    assert sum(count for _, count in facets.checkpoints) == facets.total == MANY
    assert facets.favourites == MANY // 100
    jobs = room.store.of_owner("me", limit=2, pictures=1)
    assert [(len(job.pictures), job.image_count) for job in jobs] == [(1, PER_JOB)] * 2
    assert len(room.store.prompts("me", "NUMBER777", limit=100)) == 11
    assert newest.pictures[0].picture.created == FIRST + 15 * (MANY - 1)
    room.store.close()
