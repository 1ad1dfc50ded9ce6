"""What goes wrong while files are moved: nothing is lost, and it is said."""

from contextlib import contextmanager

import pytest

from tests.jobs.conftest import mounted
from tests.jobs.histories import Room
from tests.jobs.test_store import fill_log
from webui.jobs.store import StoreError
from webui.jobs.trash import TrashError
from webui.settings import Settings


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path, Settings(save_txt=True))
    yield room
    room.store.close()


@pytest.fixture
def pictures(room):
    return [room.picture(seed=seed) for seed in range(3)]


def test_all_are_thrown_away_or_none(room, pictures):
    before = room.kept()
    job = pictures[2].split("/")[0]
    (room.outputs.folder / ".trash").mkdir()
    (room.outputs.folder / ".trash" / job).write_text("in the way")
    with pytest.raises(TrashError, match=r"can't be put into the trash in .*: File exists"):
        room.history.trash("me", pictures)
    assert sorted(room.found()) == sorted(pictures)
    assert room.found(trash=True) == []
    assert room.kept() == sorted([*before, f".trash/{job}"])


def test_all_come_back_or_none(room, pictures):
    folder = room.file(pictures[0]).parent
    room.history.trash("me", pictures)
    before = room.kept()
    folder.rmdir()
    folder.write_text("in the way")
    with pytest.raises(
        TrashError, match=r"can't be brought back from the trash in .*: (File exists|Not a dir)"
    ):
        room.history.restore("me", pictures)
    assert room.found() == []
    assert sorted(room.found(trash=True)) == sorted(pictures)
    folder.unlink()
    assert room.kept() == before
    assert room.history.restore("me", pictures) == 3


def test_what_could_be_deleted_is_gone_from_the_list(room, pictures):
    room.history.trash("me", pictures)
    file = room.file(pictures[1])
    file.unlink()
    (file / "in the way").mkdir(parents=True)
    for names in (pictures[:2], None):
        with pytest.raises(TrashError, match=r"still in the trash: 1\. The pictures can't be deleted in"):
            room.history.empty_trash("me", names)
    assert room.found(trash=True) == [pictures[1]]
    (file / "in the way").rmdir()
    file.rmdir()
    assert room.history.empty_trash("me") == 1
    assert room.kept() == []


def test_texts_of_others_are_left_alone(room, pictures):
    file = room.file(pictures[0])
    room.history.trash("me", pictures[:1])
    file.with_suffix(".txt").write_text("notes")
    assert room.history.restore("me", pictures[:1]) == 1
    assert file.with_suffix(".txt").read_text() == "notes"
    assert room.file(pictures[0]) == file.with_stem(f"{file.stem} (2)")
    assert "a cat" in room.file(pictures[0]).with_suffix(".txt").read_text()


def test_a_move_that_a_crash_cut_short_is_no_loss(room, pictures):
    """As if the server had died after it was written down, and before the file was moved."""
    job, number = pictures[0].split("/")
    file = room.file(pictures[0])
    with room.store.database.transaction() as db:
        db.execute("UPDATE pictures SET trashed = 1 WHERE job = ? AND number = ?", (job, int(number)))
    assert room.file(pictures[0]) == file
    assert room.history.restore("me", [pictures[0]]) == 1
    assert room.file(pictures[0]) == file


def test_a_file_outside_the_outputs_is_never_touched(room, pictures):
    outside = room.folder / "secret.png"
    outside.write_bytes(b"secret")
    job = pictures[0].split("/")[0]
    with room.store.database.transaction() as db:
        db.execute("UPDATE pictures SET file = '../secret.png' WHERE job = ?", (job,))
    assert room.file(pictures[0]) is None
    room.history.trash("me", [pictures[0]])
    room.history.empty_trash("me")
    assert outside.read_bytes() == b"secret"


def test_the_trash_may_be_another_disk(room, pictures):
    trash = room.outputs.folder / ".trash"
    trash.mkdir()
    before = room.kept()
    with contextmanager(mounted)(trash, "64k") as disk:
        assert room.history.trash("me", pictures[:2]) == 2
        assert len(list(trash.rglob("*.png"))) == len(list(trash.rglob("*.txt"))) == 2
        disk.fill()
        with pytest.raises(TrashError, match="No space left on device"):
            room.history.trash("me", pictures[2:])
        assert room.found() == [pictures[2]]
        assert room.file(pictures[2]).stat().st_size > 0
        assert room.history.restore("me", pictures) == 2
        disk.empty()
    assert room.kept() == before


def test_a_full_disk_under_the_store_moves_nothing(tmp_path_factory, tiny_disk):
    room = Room(tmp_path_factory.mktemp("room"), Settings(), tiny_disk.folder / "jobs.sqlite3")
    here, thrown = room.picture(), room.picture()
    room.history.trash("me", [thrown])
    before = room.kept()
    tiny_disk.fill()
    fill_log(room.store)
    with pytest.raises(StoreError, match="The disk is full"):
        room.history.trash("me", [here])
    with pytest.raises(StoreError, match="The disk is full"):
        room.history.restore("me", [thrown])
    assert (room.found(), room.found(trash=True)) == ([here], [thrown])
    assert room.kept() == before
    tiny_disk.empty()
    assert room.history.restore("me", [thrown]) == 1
    room.store.close()
