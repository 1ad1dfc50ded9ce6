import io
import sys

import pytest
from PIL import Image

from webui.imaging.reading import PictureError
from webui.inputs import datasets as module
from webui.inputs.datasets import MAX_CAPTION, DatasetError, Datasets, Example, UnknownDatasetError


def png(size=(8, 6), mode="RGB"):
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, "PNG")
    return stream.getvalue()


def inside(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def datasets(tmp_path):
    return Datasets(tmp_path / "datasets")


@pytest.fixture
def cats(datasets):
    datasets.make("cats")
    return datasets


def test_there_are_none_at_first(datasets):
    assert datasets.listed() == []


def test_a_folder_that_was_put_there_by_hand_is_one(datasets, tmp_path):
    folder = tmp_path / "datasets" / "10_my cats"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(png())
    (folder / "a.txt").write_text("\ufeffa cat,\n on a mat\n", encoding="utf-8")
    (folder / "b.PNG").write_bytes(png((4, 4)))
    (folder / "notes.md").write_text("x")
    (folder / ".hidden.png").write_bytes(png())
    assert [(one.name, one.pictures, one.captions) for one in datasets.listed()] == [("10_my cats", 2, 1)]
    assert list(datasets.examples("10_my cats")) == [
        Example("a.jpg", "a cat, on a mat", 8, 6),
        Example("b.PNG", "", 4, 4),
    ]


def test_pictures_come_and_go(cats, tmp_path):
    assert cats.add("cats", "tom.jpg", png()) == "tom.png"
    assert cats.add("cats", "tom.png", png()) == "tom 2.png"
    cats.caption("cats", "tom.png", " a cat \n")
    assert cats.example("cats", "tom.png").caption == "a cat"
    assert (tmp_path / "datasets/cats/tom.txt").read_text() == "a cat\n"
    cats.caption("cats", "tom.png", " ")
    assert not (tmp_path / "datasets/cats/tom.txt").exists()
    cats.caption("cats", "tom.png", "a cat")
    cats.take_out("cats", "tom.png")
    assert inside(tmp_path / "datasets/cats") == ["tom 2.png"]
    cats.remove("cats")
    assert cats.listed() == []


def test_a_caption_without_its_picture_is_not_given_to_another(cats, tmp_path):
    (tmp_path / "datasets/cats/tom.txt").write_text("someone else")
    assert cats.add("cats", "tom.png", png()) == "tom 2.png"


def test_what_is_kept_of_a_picture_is_its_pixels(cats, tmp_path):
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "my address"
    Image.new("RGB", (8, 6)).save(stream, "JPEG", exif=exif)
    cats.add("cats", "tom.jpg", stream.getvalue())
    assert b"my address" not in (tmp_path / "datasets/cats/tom.png").read_bytes()


@pytest.mark.parametrize("file", ["../../x.png", "/etc/x.png", "..", "", "con.png", "a/b\\c.png", "\0.png"])
def test_names_of_files_lead_nowhere_else(cats, tmp_path, file):
    kept = cats.add("cats", file, png())
    assert (tmp_path / "datasets" / "cats" / kept).is_file()
    assert inside(tmp_path / "datasets") == ["cats"]


@pytest.mark.parametrize(
    "name", ["..", ".", "", "a/b", "../cats", ".cats", "nul", "a\\b", "x" * 101, "a.", "a\n"]
)
def test_names_of_datasets_are_names_of_folders(cats, name):
    with pytest.raises(DatasetError, match="can't be a dataset's name"):
        cats.make(name)
    with pytest.raises(UnknownDatasetError):
        cats.files(name)


@pytest.mark.parametrize("file", ["../cats/tom.png", "..", "", "tom.txt", "gone.png", "\0", "/etc/passwd"])
def test_only_pictures_in_it_can_be_had(cats, file):
    cats.add("cats", "tom.png", png())
    cats.caption("cats", "tom.png", "a cat")
    with pytest.raises(UnknownDatasetError):
        cats.path("cats", file)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_to_pictures_are_passed_by(cats, tmp_path):
    (tmp_path / "secret.png").write_bytes(png())
    (tmp_path / "datasets/cats/link.png").symlink_to(tmp_path / "secret.png")
    assert cats.files("cats") == []
    with pytest.raises(UnknownDatasetError):
        cats.path("cats", "link.png")


def test_limits(cats, monkeypatch):
    monkeypatch.setattr(module, "MAX_PICTURES", 2)
    cats.add("cats", "1.png", png())
    cats.add("cats", "2.png", png())
    with pytest.raises(DatasetError, match="limit"):
        cats.add("cats", "3.png", png())
    with pytest.raises(DatasetError, match="at most"):
        cats.caption("cats", "1.png", "x" * (MAX_CAPTION + 1))
    monkeypatch.setattr(module, "MAX_PICTURES", 1)
    with pytest.raises(DatasetError, match="limit"):
        cats.files("cats")


def test_what_is_no_picture_is_refused(cats):
    with pytest.raises(PictureError, match=r"tom\.png"):
        cats.add("cats", "tom.png", b"nonsense")
    assert cats.files("cats") == []


def test_a_damaged_picture_is_listed_without_a_size(cats, tmp_path):
    (tmp_path / "datasets/cats/broken.png").write_bytes(b"nonsense")
    assert list(cats.examples("cats")) == [Example("broken.png", "", 0, 0)]


def test_there_is_one_of_each_name(cats):
    with pytest.raises(DatasetError, match="already"):
        cats.make("cats")
