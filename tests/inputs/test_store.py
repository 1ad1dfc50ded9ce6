import io
import os
import shutil
import threading
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.jobs.conftest import mounted
from webui.imaging.reading import PictureError
from webui.inputs import files
from webui.inputs import store as module
from webui.inputs.files import NoRoomError
from webui.inputs.store import DAY, InputStore, UnknownInputError, Upload

INFOTEXT = "a cat, «大熊猫»\nSteps: 4, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 8x8"
PARENT = "0123456789abcdef" * 2 + "/3"


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(size=(8, 6), mode="RGB"):
    return Image.frombytes(mode, size, os.urandom(len(mode) * size[0] * size[1]))


@pytest.fixture
def store(tmp_path):
    return InputStore(tmp_path / "inputs")


def kept(store):
    return sorted(path.name for path in store._folder.rglob("*") if path.is_file())


def opened(store, owner, upload):
    with Image.open(store.path(owner, upload.id)) as image:
        image.load()
        return image


def aged(path, days):
    os.utime(path, (time.time() - days * DAY,) * 2)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_is_kept_to_the_bit(store, mode):
    image = noise(mode=mode)
    upload = store.add("me", encoded(image))
    assert upload == Upload(upload.id, 8, 6, mode == "RGBA")
    assert opened(store, "me", upload).tobytes() == image.tobytes()
    assert store.look("me", upload.id) == upload


def test_what_a_picture_tells_and_comes_from_is_kept(store):
    info = PngInfo()
    info.add_itxt("parameters", INFOTEXT)
    upload = store.add("me", encoded(noise(), pnginfo=info), PARENT)
    assert (upload.infotext, upload.parent) == (INFOTEXT, PARENT)
    assert store.look("me", upload.id) == upload
    assert opened(store, "me", upload).info["parameters"] == INFOTEXT


def test_other_formats_become_png_upright(store):
    exif = Image.Exif()
    exif[0x0112] = 6
    upload = store.add("me", encoded(Image.new("CMYK", (8, 6)), "JPEG", exif=exif))
    assert (upload.width, upload.height) == (6, 8)
    assert opened(store, "me", upload).mode == "RGB"


def test_the_same_picture_is_kept_once_for_each_owner_and_parent(store):
    data = encoded(noise())
    ids = [
        store.add(*given).id for given in (("me", data), ("me", data), ("you", data), ("me", data, PARENT))
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert len(kept(store)) == 3


def test_anothers_picture_is_unknown(store):
    upload = store.add("me", encoded(noise()))
    for asked in (store.path, store.look, store.use):
        for owner, name in (("you", upload.id), ("me", "0" * 32), ("me", "../" + upload.id), ("me", "")):
            with pytest.raises(UnknownInputError):
                asked(owner, name)


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(noise((64, 64)))[:2000], b"<svg/>"])
def test_what_is_no_picture_is_refused_and_leaves_nothing(store, data):
    with pytest.raises(PictureError, match=r"\.$"):
        store.add("me", data)
    assert kept(store) == []


def test_a_bomb_is_refused_before_it_is_decoded(store):
    with pytest.raises(PictureError, match="12,000x12,000 pixels"):
        store.add("me", encoded(Image.new("1", (12_000, 12_000))))
    assert kept(store) == []


@given(st.binary(max_size=300), st.integers(0, 300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_brought_is_a_picture_or_a_sentence(store, garbage, at):
    data = encoded(Image.new("RGB", (9, 9), "red"))
    with_garbage = data[:at] + garbage + data[at + len(garbage) :]
    with suppress(PictureError):
        upload = store.add("me", with_garbage)
        assert opened(store, "me", upload).size == (upload.width, upload.height)


def test_threads_that_bring_the_same_picture_keep_it_once(store):
    data = encoded(noise((200, 200)))
    threads = [threading.Thread(target=store.add, args=("me", data)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept(store)) == 1


@pytest.mark.parametrize("size", [0, 20, 60, -12])
@pytest.mark.parametrize("used", [False, True])
def test_what_was_cut_short_on_disk_can_be_brought_again(store, size, used):
    data = encoded(noise())
    upload = store.add("me", data)
    if used:
        store.use("me", upload.id)
    path = store.path("me", upload.id)
    whole = path.read_bytes()
    path.write_bytes(whole[:size])
    if 0 <= size < 60:  # of a longer one the head is there
        with pytest.raises(UnknownInputError):
            store.look("me", upload.id)
    assert store.add("me", data) == upload
    assert store.path("me", upload.id) == path
    assert path.read_bytes() == whole


def test_a_picture_that_is_moved_meanwhile_is_found(store, monkeypatch):
    upload = store.add("me", encoded(noise()))
    find, moved = InputStore.path, []

    def found_too_early(self, owner, name):
        path = find(self, owner, name)
        if not moved:
            moved.append(path.rename(path.parent.parent / path.name))
        return path

    monkeypatch.setattr(InputStore, "path", found_too_early)
    assert store.look("me", upload.id) == upload
    assert moved


# How long pictures are kept


def test_what_a_job_uses_is_kept_longer(store):
    used, unused = (store.add("me", encoded(noise())) for _ in range(2))
    store.use("me", used.id)
    store.use("me", used.id)
    for upload in (used, unused):
        aged(store.path("me", upload.id), 2)
    store.sweep(30)
    assert kept(store) == [f"{used.id}.png"]
    aged(store.path("me", used.id), 31)
    store.sweep(0)
    assert kept(store) == [f"{used.id}.png"]
    store.sweep(30)
    assert kept(store) == []
    with pytest.raises(UnknownInputError):
        store.look("me", used.id)


def test_use_makes_it_young_again(store):
    upload = store.add("me", encoded(noise()))
    store.use("me", upload.id)
    for refresh in (
        lambda: store.use("me", upload.id),
        lambda: store.add("me", encoded(opened(store, "me", upload))),
    ):
        aged(store.path("me", upload.id), 40)
        refresh()
        store.use("me", upload.id)
        store.sweep(30)
        assert kept(store)[0] == f"{upload.id}.png"


def test_of_what_is_never_used_the_newest_are_kept(store, monkeypatch):
    monkeypatch.setattr(module, "MOST_UNUSED", 5)
    monkeypatch.setattr(module, "SWEEP_EVERY", 10)
    uploads = []
    for number in range(20):
        uploads.append(store.add("me", encoded(noise())))
        aged(store.path("me", uploads[-1].id), (20 - number) / 100)
    assert set(kept(store)) >= {f"{upload.id}.png" for upload in uploads[-5:]}
    assert len(kept(store)) <= 6


def test_what_a_crash_left_goes(store):
    upload = store.add("me", encoded(noise()))
    part = store.path("me", upload.id).with_name(".unfinished.part")
    part.touch()
    aged(part, 2)
    store.sweep(30)
    assert kept(store) == [f"{upload.id}.png"]


def test_sweeping_where_there_is_nothing(store):
    store.sweep(30)
    assert not store._folder.exists()


# A full disk


@pytest.fixture
def tiny_disk(tmp_path):
    yield from mounted(tmp_path, "1m")


def test_a_full_disk_is_a_sentence(tiny_disk, monkeypatch):
    store = InputStore(tiny_disk.folder / "inputs")
    with pytest.raises(NoRoomError, match="The disk is full: pictures can't be kept"):
        store.add("me", encoded(noise()))
    monkeypatch.setattr(files, "NEEDED_BYTES", 0)
    small = store.add("me", encoded(noise()))
    tiny_disk.fill()
    with pytest.raises(NoRoomError, match="The disk is full"):
        store.add("me", encoded(noise((600, 600))))
    assert kept(store) == [f"{small.id}.png"]


def test_a_folder_that_can_not_be_made_is_a_sentence(store):
    shutil.rmtree(store._folder, ignore_errors=True)
    store._folder.touch()
    with pytest.raises(NoRoomError, match="Pictures can't be kept in"):
        store.add("me", encoded(noise()))
