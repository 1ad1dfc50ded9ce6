"""The index: it remembers, and whatever happens to its file costs time only."""

import logging
import os
import sqlite3
import threading

import pytest

from webui.catalog.entry import Identity
from webui.catalog.index import Key, ModelIndex

KEY = Key("/models/a.safetensors", 7, 1000)
LORA = Identity("lora", "sdxl", dtype="fp16", problem=None)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "cache" / "models.sqlite3"


def reopened(file):
    index = ModelIndex(file)
    index.close()
    return index


def test_what_was_found_out_outlives_the_server(file):
    index = ModelIndex(file)
    index.keep_identities([(KEY, LORA)])
    index.keep_sha256(KEY, "ab" * 32)
    index.close()
    again = reopened(file)
    assert again.identity(KEY) == LORA
    assert again.sha256(KEY) == "ab" * 32


@pytest.mark.parametrize(
    "other", [KEY._replace(size=8), KEY._replace(mtime_ns=1001), KEY._replace(path="/b")]
)
def test_a_changed_file_is_another(file, other):
    index = ModelIndex(file)
    index.keep_identities([(KEY, LORA)])
    assert index.identity(other) is None


def test_what_a_file_was_before_is_forgotten(file):
    index = ModelIndex(file)
    index.keep_sha256(KEY, "ab" * 32)
    index.keep_identities([(KEY, LORA)])
    changed = KEY._replace(mtime_ns=2000)
    index.keep_identities([(changed, Identity("vae"))])
    index.close()
    again = reopened(file)
    assert again.identity(changed) == Identity("vae")
    assert again.sha256(changed) is None
    assert again.identity(KEY) is None


def test_without_a_file_it_remembers_as_long_as_it_lives():
    index = ModelIndex()
    index.keep_identities([(KEY, LORA)])
    assert index.identity(KEY) == LORA


@pytest.mark.parametrize("damage", [b"not a database at all" * 100, b"SQLite format 3\0" + bytes(200), b""])
def test_a_damaged_file_is_made_anew(file, damage, caplog):
    index = ModelIndex(file)
    index.keep_identities([(KEY, LORA)])
    index.close()
    file.write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        index = ModelIndex(file)
    assert index.identity(KEY) is None
    assert bool(damage) == any(str(file) in record.getMessage() for record in caplog.records)
    index.keep_identities([(KEY, LORA)])
    index.close()
    assert reopened(file).identity(KEY) == LORA


def test_rows_that_another_version_wrote_are_let_go(file):
    ModelIndex(file).close()
    with sqlite3.connect(file) as db:
        db.execute('INSERT INTO files VALUES (\'/a\', 1, 1, \'{"kind": "lora", "colour": 3}\', NULL)')
    db.close()
    assert reopened(file).identity(Key("/a", 1, 1)) is None
    with sqlite3.connect(file) as db:
        db.execute("DROP TABLE files")
        db.execute("CREATE TABLE files (something TEXT)")
        db.execute("PRAGMA user_version = 99")
    db.close()
    index = ModelIndex(file)
    index.keep_identities([(KEY, LORA)])
    index.close()
    assert reopened(file).identity(KEY) == LORA


def test_where_nothing_can_be_written_it_still_works(tmp_path, caplog):
    (tmp_path / "cache").write_text("a file where the folder should be")
    index = ModelIndex(tmp_path / "cache" / "models.sqlite3")
    index.keep_identities([(KEY, LORA)])
    assert index.identity(KEY) == LORA
    assert caplog.records


def test_a_name_that_is_no_text_is_remembered_in_memory(file):
    index = ModelIndex(file)
    odd = KEY._replace(path=os.fsdecode(b"/models/\xff.pt"))
    index.keep_identities([(odd, LORA), (KEY, LORA)])
    assert index.identity(odd) == LORA
    index.close()
    assert reopened(file).identity(KEY) == LORA


def test_many_threads_at_once(file):
    index = ModelIndex(file)

    def keep(number):
        for step in range(20):
            index.keep_sha256(Key(f"/{number}/{step}", 1, 1), "ab" * 32)

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index.close()
    again = reopened(file)
    assert all(again.sha256(Key(f"/{number}/{step}", 1, 1)) for number in range(4) for step in range(20))
