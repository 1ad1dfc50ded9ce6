import json
import sqlite3
import threading
from dataclasses import replace

import pytest

from webui.jobs.history import History
from webui.jobs.history_search import Filters
from webui.jobs.model import Job, PastPrompt, SavedPicture
from webui.jobs.outputs import Outputs
from webui.jobs.store import CUT_OFF, UNREADABLE, JobStore, StoreError
from webui.jobs.thumbnails import Thumbnails
from webui.params import GenerationParams
from webui.params.scripts import XYZPlot


def job(job_id, owner="me", **params):
    return Job(job_id, owner, "queued", GenerationParams(**params), 5, 1.5)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "new folder" / "jobs.sqlite3"


@pytest.fixture
def store(file):
    store = JobStore(file)
    yield store
    store.close()


def rewrite_params(file, job_id, **values):
    """As another version of Darkroom might have written them."""
    db = sqlite3.connect(file)
    (text,) = db.execute("SELECT params FROM jobs WHERE id = ?", (job_id,)).fetchone()
    db.execute(
        "UPDATE jobs SET params = ? WHERE id = ?", (json.dumps({**json.loads(text), **values}), job_id)
    )
    db.commit()
    db.close()


def test_jobs_outlive_the_server(store, file):
    store.add(job("a", prompt="猫, «chat»\nsecond line", steps=7))
    parents = (f"{'0' * 32}/1", f"{'f' * 32}/0")
    picture = SavedPicture(
        0, "txt2img-images/2030-01-01/00000-5.png", 5, "猫\nSteps: 7", "picture", 64, 128, 2.5, parents
    )
    store.start("a")
    store.add_picture("a", picture)
    store.end("a", "failed", "a sentence")
    before = store.get("a")
    store.close()

    again = JobStore(file)
    assert again.get("a") == before
    assert before.params == GenerationParams(prompt="猫, «chat»\nsecond line", steps=7)
    assert before.pictures == (picture,)
    assert (before.state, before.error, before.seed, before.created) == ("failed", "a sentence", 5, 1.5)
    assert before.created < before.started <= before.finished
    again.close()


def test_all_params_are_kept_with_the_job(store, file):
    store.add(job("a", prompt="x"))
    store.close()
    db = sqlite3.connect(file)
    (text,) = db.execute("SELECT params FROM jobs").fetchone()
    db.close()
    assert set(json.loads(text)) == set(GenerationParams.model_fields)


def test_an_unknown_job_is_none(store):
    assert store.get("a") is None


def test_recover_marks_what_ran_and_leaves_what_waits(store, file):
    for name in ("done", "running", "waiting"):
        store.add(job(name))
    store.start("done")
    store.end("done", "done")
    store.start("running")
    store.close()

    again = JobStore(file)
    again.recover()
    assert {known.id: (known.state, known.error) for known in again.of_owner("me")} == {
        "done": ("done", None),
        "running": ("interrupted", CUT_OFF),
        "waiting": ("queued", None),
    }
    assert again.get("running").finished is not None
    assert [known.id for known in again.queued()] == ["waiting"]
    again.close()


def test_listing_is_by_owner_and_newest_first(store):
    for number in range(6):
        store.add(job(str(number), owner="even" if number % 2 == 0 else "odd"))
    assert [known.id for known in store.of_owner("even")] == ["4", "2", "0"]
    assert [known.id for known in store.of_owner("odd", limit=2)] == ["5", "3"]
    assert [known.id for known in store.queued()] == list("012345")


def test_jobs_of_another_version_are_still_listed(store, file):
    store.add(job("ended", prompt="a cat", steps=30))
    store.end("ended", "done")
    store.add(job("waiting", prompt="a cat"))
    store.close()
    rewrite_params(file, "ended", hires_upscaler="Latent", width=10**6, sampler_name=None)
    rewrite_params(file, "waiting", hires_upscaler="Latent")

    again = JobStore(file)
    again.recover()
    ended, waiting = again.get("ended"), again.get("waiting")
    assert (ended.state, ended.params) == ("done", GenerationParams(prompt="a cat", steps=30))
    # Drawing it would give another picture than the one that was asked for.
    assert (waiting.state, waiting.error) == ("failed", UNREADABLE)
    assert again.queued() == []
    again.close()


def test_a_size_that_is_no_longer_allowed_is_still_listed(store, file):
    store.add(job("a", prompt="a cat"))
    store.close()
    rewrite_params(file, "a", width=8192, height=8192, batch_size=64)
    again = JobStore(file)
    assert again.get("a").params.prompt == "a cat"
    again.close()


FIRST_VERSION = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,
    state TEXT NOT NULL, params TEXT NOT NULL, seed INTEGER NOT NULL, created REAL NOT NULL, started REAL,
    finished REAL, error TEXT
);
CREATE INDEX jobs_by_owner ON jobs (owner, number);
CREATE INDEX jobs_by_state ON jobs (state, number);
CREATE TABLE pictures (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, file TEXT NOT NULL,
    seed INTEGER NOT NULL, infotext TEXT NOT NULL, PRIMARY KEY (job, number)
);
INSERT INTO jobs (id, owner, state, params, seed, created)
    VALUES ('old', 'me', 'queued', '{"prompt": "a __pet__", "negative_prompt": "Blur", "n_iter": 3}', 7, 1.5);
INSERT INTO jobs (id, owner, state, params, seed, created, started, finished)
    VALUES ('older', 'you', 'done', '{}', 7, 1.5, 2.5, 3.5);
INSERT INTO pictures VALUES ('old', 0, 'txt2img-images/2030-01-01/00000-7.png', 7,
    'a cat' || char(10) || 'Steps: 20, Sampler: Euler, Seed: 7, Model: "dreams, 2", Version: Darkroom 0.1');
INSERT INTO pictures VALUES ('older', 1, 'b.png', 8, ''), ('older', 0, 'a.png', 7, 'a dog');
PRAGMA user_version=1;
"""
SECOND_VERSION = """
ALTER TABLE jobs ADD COLUMN subseed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN rounds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pictures ADD COLUMN kind TEXT NOT NULL DEFAULT 'picture';
UPDATE jobs SET rounds = 3 WHERE id = 'old';
UPDATE pictures SET kind = 'grid' WHERE job = 'older' AND number = 1;
PRAGMA user_version=2;
"""


def write_old(file, *scripts):
    file.parent.mkdir()
    db = sqlite3.connect(file)
    for script in scripts:
        db.executescript(script)
    db.close()


@pytest.mark.parametrize("later", [(), (SECOND_VERSION,)], ids=["first", "second"])
def test_the_file_of_an_earlier_version_goes_on_being_used(file, later):
    write_old(file, FIRST_VERSION, *later)
    for _ in range(2):
        store = JobStore(file)
        store.recover()
        old, older = store.get("old"), store.get("older")
        assert (old.state, old.seed, old.subseed, old.rounds, old.live) == ("queued", 7, 0, 3, "")
        assert [(picture.file, picture.created) for picture in old.pictures] == [
            ("txt2img-images/2030-01-01/00000-7.png", 1.5)
        ]
        kinds = ["picture", "grid" if later else "picture"]
        assert [(picture.file, picture.kind, picture.created) for picture in older.pictures] == [
            ("a.png", kinds[0], 3.5),
            ("b.png", kinds[1], 3.5),
        ]
        assert store.prompts("me", "BLUR", 9) == [PastPrompt("a __pet__", "Blur", 1.5)]
        assert store.prompts("you", "", 9) == []
        store.close()
    store = JobStore(file)
    store.add(replace(job("new"), subseed=9, rounds=12))
    store.add_picture("new", SavedPicture(0, "grid.png", 7, "a cat", "grid"))
    new = store.get("new")
    assert (new.subseed, new.rounds, new.pictures[0].kind) == (9, 12, "grid")
    store.close()


@pytest.mark.parametrize("later", [(), (SECOND_VERSION,)], ids=["first", "second"])
def test_old_pictures_are_in_the_history(tmp_path, file, later):
    write_old(file, FIRST_VERSION, *later)
    store = JobStore(file)
    history = History(store, Outputs(tmp_path / "outputs"), Thumbnails(tmp_path / "thumbnails"))
    (old,) = history.page("me", Filters()).pictures
    assert (old.id, old.checkpoint, old.favourite, old.trashed) == ("old/0", "dreams, 2", False, None)
    assert (old.picture.width, old.picture.height) == (0, 0)
    for q in ("__PET__", "blur", "CAT", "euler"):
        assert history.page("me", Filters(q)).total == 1
    assert [entry.id for entry in history.page("you", Filters()).pictures] == ["older/0", "older/1"]
    assert len(history.without_thumbnail(9)) == 3
    store.close()


def test_a_file_that_an_earlier_version_has_used_meanwhile_is_taken_up_again(file):
    store = JobStore(file)
    store.add(job("a", prompt="a cat"))
    store.add_picture("a", SavedPicture(0, "a.png", 5, "a cat"))
    store.close()
    db = sqlite3.connect(file)
    columns = "id, owner, state, params, seed, created"
    db.execute(
        f"INSERT INTO jobs ({columns}) VALUES ('b', 'me', 'done', '{{\"prompt\": \"a dog\"}}', 1, 9.5)"
    )
    db.execute(
        "INSERT INTO pictures (job, number, file, seed, infotext) VALUES ('b', 0, 'b.png', 1, 'a dog')"
    )
    db.execute("PRAGMA user_version=2")
    db.commit()
    db.close()
    store = JobStore(file)
    assert [past.prompt for past in store.prompts("me", "", 9)] == ["a dog", "a cat"]
    assert store.get("b").pictures[0].created == 9.5
    with store.database.transaction() as db:
        assert (
            db.execute(
                "SELECT COUNT(*) FROM pictures JOIN texts ON id = picture WHERE owner = 'me'"
            ).fetchone()[0]
            == 2
        )
    store.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(file):
    write_old(file, FIRST_VERSION, "UPDATE jobs SET params = 'no JSON' WHERE id = 'older'")
    before = sqlite3.connect(file).execute("SELECT sql FROM sqlite_master ORDER BY 1").fetchall()
    with pytest.raises(StoreError, match="can't be kept in"):
        JobStore(file)
    db = sqlite3.connect(file)
    assert db.execute("SELECT sql FROM sqlite_master ORDER BY 1").fetchall() == before
    assert db.execute("SELECT COUNT(*) FROM pictures").fetchone()[0] == 3
    db.close()


def test_a_job_with_a_script_outlives_the_server(store, file):
    script = XYZPlot(x_axis="Steps", x_values="1-5", vary_seeds_x=True)
    store.add(job("a", prompt="a cat", script=script))
    store.close()
    again = JobStore(file)
    assert again.get("a").params.script == script
    assert [known.id for known in again.queued()] == ["a"]
    again.close()


def test_pictures_are_listed_with_their_own_job(store):
    for name in "abc":
        store.add(job(name))
        for number in (1, 0):
            store.add_picture(name, SavedPicture(number, f"{name}{number}", 5, ""))
    listed = store.of_owner("me", limit=2)
    assert [[picture.file for picture in known.pictures] for known in listed] == [["c0", "c1"], ["b0", "b1"]]


def test_the_first_pictures_of_each_job_are_listed_grids_before_all_others(store):
    store.add(job("a"))
    for number, kind in enumerate(["picture"] * 5 + ["grid"]):
        store.add_picture("a", SavedPicture(number, f"{number}", 5, "", kind))
    store.add(job("empty"))
    empty, listed = store.of_owner("me", pictures=2)
    assert (empty.pictures, empty.image_count) == ((), 0)
    assert [picture.file for picture in listed.pictures] == ["0", "5"]
    assert [picture.file for picture in listed.shown] == ["5", "0"]
    assert listed.image_count == store.get("a").image_count == 5
    assert len(store.get("a").pictures) == 6


def test_one_picture_is_looked_up_without_its_job(store):
    store.add(job("a"))
    store.add_picture("a", SavedPicture(3, "three.png", 5, "text"))
    assert store.picture("me", "a", 3) == store.get("a").pictures[0]
    assert store.picture("me", "a", 2) is None
    assert store.picture("you", "a", 3) is None


# Live painting


def test_live_jobs_are_listed_until_they_are_over(store):
    store.add(replace(job("live", prompt="a sketch"), live="canvas"))
    store.add(job("a"))
    assert [known.live for known in store.queued()] == ["canvas", ""]
    for step in (lambda: None, lambda: store.start("live")):
        step()
        assert [known.id for known in store.of_owner("me")] == ["a", "live"]
    store.add_picture("live", SavedPicture(0, "0.png", 5, "a sketch"))
    store.end("live", "done")
    assert [known.id for known in store.of_owner("me")] == ["a"]
    assert (store.get("live").live, len(store.get("live").pictures)) == ("canvas", 1)
    assert store.prompts("me", "", 9) == []


def test_a_removed_job_leaves_nothing_behind(store):
    parent = f"{'0' * 32}/0"
    for name in "ab":
        store.add(job(name, prompt=name))
        store.add_picture(name, SavedPicture(0, name, 5, "text", parents=(parent,)))
    store.remove("a")
    store.remove("unknown")
    store.end("a", "interrupted")
    assert store.get("a") is None
    assert [known.id for known in store.of_owner("me")] == ["b"]
    with store.database.transaction() as db:
        for table in ("jobs", "pictures", "texts", "parents"):
            assert db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] == 1, table


# What was drawn before


def test_past_prompts_are_told_once_newest_first(store):
    for number, prompt in enumerate(["a cat", "a dog", "a cat", ""]):
        store.add(
            replace(job(f"{number}", prompt=prompt, negative_prompt="blur" if prompt else ""), created=number)
        )
    store.add(job("another's", owner="you", prompt="a secret"))
    assert store.prompts("me", "", 10) == [PastPrompt("a cat", "blur", 2.0), PastPrompt("a dog", "blur", 1.0)]
    assert store.prompts("me", "", 1) == [PastPrompt("a cat", "blur", 2.0)]
    assert [past.prompt for past in store.prompts("you", "", 10)] == ["a secret"]


@pytest.mark.parametrize("q", ["КОШКА", "кош", "100%", "_X", "BLUR"])
def test_past_prompts_are_found_by_what_they_hold(store, q):
    store.add(job("a", prompt="рыжая Кошка 100% _x", negative_prompt="Blur"))
    store.add(job("b", prompt="a dog 100 times, x"))
    assert [past.prompt for past in store.prompts("me", q, 10)] == ["рыжая Кошка 100% _x"]


def test_threads_may_write_at_once(store, file):
    def write(owner):
        for number in range(20):
            name = f"{owner}{number}"
            store.add(job(name, owner))
            store.start(name)
            store.add_picture(name, SavedPicture(0, "file", number, "text"))
            store.end(name, "done")
            assert store.get(name).state == "done"

    threads = [threading.Thread(target=write, args=(owner,)) for owner in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for owner in "abcd":
        kept = store.of_owner(owner, limit=100)
        assert [known.id for known in kept] == [f"{owner}{number}" for number in reversed(range(20))]
        assert all(known.state == "done" and len(known.pictures) == 1 for known in kept)


def test_a_second_server_waits_for_the_first_to_close(store, file):
    threading.Timer(0.5, store.close).start()
    JobStore(file).close()


def test_a_file_that_is_no_database_gives_a_sentence(tmp_path):
    file = tmp_path / "jobs.sqlite3"
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match=r"can't be kept in .*jobs\.sqlite3"):
        JobStore(file)


# A full disk


def test_a_full_disk_refuses_new_jobs_with_a_sentence(tiny_disk):
    store = JobStore(tiny_disk.folder / "jobs.sqlite3")
    store.add(job("before"))
    tiny_disk.fill()
    for _ in range(2):
        with pytest.raises(StoreError, match="The disk is full"):
            store.add(job("refused", prompt="x" * 10_000))
    assert store.get("refused") is None
    assert [known.id for known in store.queued()] == ["before"]
    tiny_disk.empty()
    store.add(job("after"))
    assert [known.id for known in store.queued()] == ["before", "after"]
    store.close()


def test_a_full_disk_does_not_keep_jobs_from_ending(tiny_disk):
    file = tiny_disk.folder / "jobs.sqlite3"
    store = JobStore(file)
    for name in ("ran", "cancelled", "waits"):
        store.add(job(name))
    tiny_disk.fill()
    fill_log(store)
    store.start("ran")
    store.end("ran", "failed", "a sentence")
    store.end("cancelled", "interrupted")
    assert (store.get("ran").state, store.get("ran").error) == ("failed", "a sentence")
    assert [known.id for known in store.queued()] == ["waits"]

    tiny_disk.empty()
    store.start("waits")  # the next change takes along those that could not be written
    store.close()
    again = JobStore(file)
    assert {known.id: known.state for known in again.of_owner("me")} == {
        "ran": "failed",
        "cancelled": "interrupted",
        "waits": "running",
    }
    again.close()


def fill_log(store):
    """Use up what room the write-ahead log still has."""
    for number in range(1000):
        try:
            store.add(job(f"filler {number}"))
        except StoreError:
            return
