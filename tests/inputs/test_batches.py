import os
import sys

import pytest

from webui.imaging.reading import PictureError
from webui.inputs.batches import BatchFolder, BatchFolders


@pytest.fixture
def folder(tmp_path):
    """A batch folder, with a secret beside it."""
    batch = tmp_path / "batch"
    files = (
        *("cats/2.png", "cats/10.JPG", "cats/1.webp", "cats/notes.txt", "cats/.hidden.png"),
        *("cats/big/x.gif", ".git/y.png", "top.png", "empty/readme.md"),
    )
    for name in files:
        (batch / name).parent.mkdir(parents=True, exist_ok=True)
        (batch / name).touch()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "z.png").touch()
    (batch / "out").symlink_to(tmp_path / "secret")
    (batch / "cats" / "linked.png").symlink_to(tmp_path / "secret" / "z.png")
    (batch / "round").symlink_to(batch / "round")
    return batch


@pytest.fixture
def folders(folder):
    return BatchFolders(folder)


def test_folders_are_listed_with_their_pictures(folders):
    assert folders.listed() == [BatchFolder(".", 1), BatchFolder("cats", 3), BatchFolder("cats/big", 1)]


def test_where_there_is_no_batch_folder_nothing_is_listed(tmp_path):
    folders = BatchFolders(tmp_path / "batch")
    assert folders.listed() == []
    with pytest.raises(PictureError, match='There is no folder "cats" in the batch folder'):
        folders.pictures("cats", 10)


def test_pictures_come_in_the_order_of_their_numbers(folders, folder):
    assert folders.pictures("cats", 10) == ["cats/1.webp", "cats/2.png", "cats/10.JPG"]
    assert folders.pictures("./cats/big/..", 10) == folders.pictures("cats", 10)
    assert folders.pictures(".", 10) == ["top.png"]
    assert folders.path("cats/10.JPG") == folder / "cats" / "10.JPG"


@pytest.mark.parametrize(
    "name",
    [
        *("../secret", "out", "cats/../../secret", "/etc", "/", "..", "round", ".git", "gone", "x" * 5000),
        *("cats\0", "cats/1.webp", "~", "C:\\", "\\\\server\\share", "cats/.hidden.png"),
    ],
)
def test_no_other_folder_is_reached(folders, name):
    with pytest.raises(PictureError, match="There is no folder"):
        folders.pictures(name, 10)


@pytest.mark.parametrize(
    "name",
    [
        *("../secret/z.png", "out/z.png", "cats/linked.png", "cats/.hidden.png", ".git/y.png", "cats"),
        *("cats/notes.txt", "/etc/passwd", "gone.png", "a\0.png", "round/a.png", "x" * 5000 + ".png"),
    ],
)
def test_no_other_file_is_reached(folders, name):
    with pytest.raises(PictureError, match="There is no picture"):
        folders.path(name)


def test_too_many_pictures_and_none_are_refused(folders):
    with pytest.raises(PictureError, match='There are 3 pictures in the folder "cats"; 2 at once'):
        folders.pictures("cats", 2)
    with pytest.raises(PictureError, match='There is no picture in the folder "empty"'):
        folders.pictures("empty", 2)


def test_pictures_named_beside_a_folder_count(folders):
    assert len(folders.pictures("cats", 4, 1)) == 3
    with pytest.raises(PictureError, match='in the folder "cats" and 4 beside it; 4 at once are the limit'):
        folders.pictures("cats", 4, 4)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such names")
def test_names_that_are_no_text_are_hidden(folders, folder):
    for name in (b"bad\xff/a.png", b"cats/a\xfe.png"):
        file = folder / os.fsdecode(name)
        file.parent.mkdir(exist_ok=True)
        file.touch()
    assert [one.name for one in folders.listed()] == [".", "cats", "cats/big"]
    assert folders.pictures("cats", 10) == ["cats/1.webp", "cats/2.png", "cats/10.JPG"]
    for ask in (lambda: folders.pictures("bad\udcff", 10), lambda: folders.path("cats/a\udcfe.png")):
        with pytest.raises(PictureError, match="There is no"):
            ask()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that can't be read")
def test_a_folder_that_may_not_be_read_holds_nothing(folders, folder):
    (folder / "cats").chmod(0)
    try:
        assert folders.listed() == [BatchFolder(".", 1)]
    finally:
        (folder / "cats").chmod(0o755)
