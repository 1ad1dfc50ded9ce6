"""Thumbnails of real files, on request and in the background."""

import io
import os
import shutil
import struct
import threading
import zlib

import pytest
from PIL import Image, PngImagePlugin

from tests.jobs.histories import Room
from tests.serving import wait_until
from webui.jobs.thumbnail_maker import ThumbnailMaker
from webui.jobs.thumbnails import AT_ONCE, SIDE, Thumbnails
from webui.settings import Settings


@pytest.fixture
def thumbnails(tmp_path):
    return Thumbnails(tmp_path / "cache" / "thumbnails")


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path, Settings())
    yield room
    room.store.close()


def opened(thumbnail):
    image = Image.open(io.BytesIO(thumbnail.data))
    image.load()
    assert image.format == "WEBP"
    return image


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1024, 768), (SIDE, 192)), ((500, 2000), (64, SIDE)), ((100, 50), (100, 50)), ((1, 4000), (1, SIDE))],
)
@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_a_thumbnail_is_the_picture_made_small(tmp_path, thumbnails, size, expected, ending):
    file = tmp_path / f"a.{ending}"
    Image.new("RGB", size, (200, 100, 50)).save(file)
    made = thumbnails.get(thumbnails.key("a", file), file)
    image = opened(made)
    assert image.size == expected
    assert (made.width, made.height) == size
    assert all(abs(got - was) < 8 for got, was in zip(image.getpixel((0, 0)), (200, 100, 50), strict=True))


@pytest.mark.parametrize(
    ("mode", "kept"), [("RGBA", "RGBA"), ("LA", "RGBA"), ("L", "RGB"), ("P", "RGB"), ("1", "RGB")]
)
def test_pictures_of_all_modes_have_thumbnails(tmp_path, thumbnails, mode, kept):
    file = tmp_path / "a.png"
    Image.new(mode, (300, 300)).save(file)
    assert opened(thumbnails.get(thumbnails.key("a", file), file)).mode == kept


def test_a_thumbnail_is_made_once_and_anew_for_another_file(tmp_path, thumbnails):
    file = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(file)
    key = thumbnails.key("a", file)
    first = thumbnails.get(key, file)
    assert (tmp_path / "cache" / "thumbnails" / key[:2] / f"{key}.webp").read_bytes() == first.data
    data = file.read_bytes()
    file.write_bytes(b"damaged")
    assert thumbnails.get(key, file).data == first.data, "from the cache"
    assert thumbnails.key("a", file) != key
    file.write_bytes(data)
    os.utime(file, (1, 1))
    assert thumbnails.key("a", file) != key
    assert thumbnails.key("b", file) != thumbnails.key("a", file)
    assert thumbnails.key("a", tmp_path / "gone.png") is None


def test_the_cache_may_be_deleted_at_any_time(tmp_path, thumbnails):
    file = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(file)
    key = thumbnails.key("a", file)
    first = thumbnails.get(key, file)
    shutil.rmtree(tmp_path / "cache")
    assert thumbnails.get(key, file).data == first.data
    thumbnails.forget(key)
    thumbnails.forget(key)
    assert list((tmp_path / "cache").rglob("*.webp")) == []


def test_where_the_cache_cannot_be_written_thumbnails_are_made_each_time(tmp_path, thumbnails):
    file = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(file)
    (tmp_path / "cache").write_text("in the way")
    for _ in range(2):
        assert opened(thumbnails.get(thumbnails.key("a", file), file)).size == (8, 8)


def bomb():
    """A PNG of 100,000 x 100,000 pixels in a few hundred bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


def with_long_text():
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "x" * 3_000_000, zip=True)
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "PNG", pnginfo=info)
    return data.getvalue()


def truncated(ending, share):
    data = io.BytesIO()
    Image.effect_noise((300, 300), 90).convert("RGB").save(data, ending)
    return data.getvalue()[: int(len(data.getvalue()) * share)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 1000,
        b"no picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        bomb(),
        with_long_text(),
        *(truncated(ending, share) for ending in ("PNG", "JPEG", "WEBP") for share in (0.01, 0.5)),
    ],
    ids=str,
)
def test_what_is_no_whole_picture_has_no_thumbnail(tmp_path, thumbnails, data):
    file = tmp_path / "a.png"
    file.write_bytes(data)
    assert thumbnails.get(thumbnails.key("a", file), file) is None
    assert list((tmp_path / "cache").rglob("*")) == []


def test_a_folder_has_no_thumbnail(tmp_path, thumbnails):
    assert thumbnails.get(thumbnails.key("a", tmp_path), tmp_path) is None


def test_many_may_ask_for_the_same_at_once(tmp_path, thumbnails):
    file = tmp_path / "a.png"
    Image.new("RGB", (600, 600)).save(file)
    key = thumbnails.key("a", file)
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(thumbnails.get(key, file))) for _ in range(4 * AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({thumbnail.data for thumbnail in made}) == 1
    assert len(list((tmp_path / "cache").rglob("*"))) == 3, "two folders and one file"


# In the background


@pytest.fixture
def maker(room):
    made = []

    def make(busy=lambda: False):
        maker = ThumbnailMaker(room.history, room.thumbnails, busy)
        maker.start()
        made.append(maker)
        return maker

    yield make
    for maker in made:
        maker.stop()


def made(room):
    return len(list((room.folder / "cache").rglob("*.webp")))


def test_thumbnails_are_made_in_the_background_and_sizes_found_out(room, maker):
    old = room.picture()
    new = room.picture(width=7, height=9)
    maker()
    wait_until(lambda: not room.history.without_thumbnail(1))
    assert made(room) == 2
    picture = room.history.get("me", old).picture
    assert (picture.width, picture.height) == (40, 24)
    assert room.history.get("me", new).picture.width == 7, "it was known"


def test_the_newest_come_first(room):
    names = [room.picture() for _ in range(3)]
    assert [entry.id for entry in room.history.without_thumbnail(2)] == [names[2], names[1]]


def test_nothing_is_made_while_a_picture_is_drawn(room, maker):
    room.picture()
    drawing = threading.Event()
    drawing.set()
    asked = threading.Event()

    def busy():
        asked.set()
        return drawing.is_set()

    maker(busy)
    assert asked.wait(10)
    assert made(room) == 0
    drawing.clear()
    wait_until(lambda: made(room))


def test_what_cannot_be_read_is_tried_once(room, maker):
    gone, damaged, whole = (room.picture(seed=seed) for seed in range(3))
    room.file(gone).unlink()
    room.file(damaged).write_bytes(b"damaged")
    maker()
    wait_until(lambda: not room.history.without_thumbnail(1))
    assert made(room) == 1
    assert room.history.get("me", damaged).picture.width == 0
    assert room.file(whole).is_file()


def test_after_the_cache_was_deleted_all_are_made_anew(room, maker):
    room.picture()
    first = maker()
    wait_until(lambda: not room.history.without_thumbnail(1))
    first.stop()
    shutil.rmtree(room.folder / "cache")
    maker()
    wait_until(lambda: made(room))


def test_a_picture_in_the_trash_has_its_thumbnail_still(room):
    name = room.picture()
    before = room.thumbnails.key(name, room.file(name))
    room.history.trash("me", [name])
    assert room.thumbnails.key(name, room.file(name)) == before
