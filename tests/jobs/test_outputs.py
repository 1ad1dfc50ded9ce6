import os
import stat
import subprocess
import sys
import threading
import time

import pytest
from PIL import Image

from tests.serving import ROOT
from webui.engine.protocol import EngineError, Picture
from webui.infotext.carriers import items_of
from webui.jobs.outputs import OutputError, Outputs, is_live, kind_of, media_type
from webui.params import GenerationParams
from webui.settings import Settings

INFOTEXT = "a panda\nNegative prompt: blur\nSteps: 4, Seed: 7"


def picture(seed=7, infotext=INFOTEXT, side=8):
    return Picture(Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)), seed, infotext)


@pytest.fixture
def outputs(tmp_path):
    return Outputs(tmp_path / "outputs")


def names(outputs):
    return sorted(
        path.relative_to(outputs.folder).as_posix() for path in outputs.folder.rglob("*") if path.is_file()
    )


def test_pictures_lie_where_a1111_puts_them(outputs):
    today = time.strftime("%Y-%m-%d")
    assert outputs.save(picture(7)) == f"txt2img-images/{today}/00000-7.png"
    assert outputs.save(picture(8)) == f"txt2img-images/{today}/00001-8.png"
    assert names(outputs) == [f"txt2img-images/{today}/0000{number}-{number + 7}.png" for number in (0, 1)]


def test_numbers_go_on_after_what_is_there(outputs):
    folder = (outputs.folder / outputs.save(picture())).parent
    (folder / "00041-of another program.png").touch()
    (folder / "notes.txt").touch()
    assert Outputs(outputs.folder).save(picture()).endswith("/00042-7.png")


def test_the_folder_is_looked_through_once(outputs):
    folder = (outputs.folder / outputs.save(picture())).parent
    for number in (1, 2):  # by another program that uses the folder at the same time
        (folder / f"0000{number}-7.png").touch()
    assert outputs.save(picture()).endswith("/00003-7.png")
    (folder / "00041-7.png").touch()
    assert outputs.save(picture()).endswith("/00004-7.png")


def test_grids_have_a_folder_and_numbers_of_their_own(outputs):
    today = time.strftime("%Y-%m-%d")
    image = picture().image
    outputs.save(picture())
    assert outputs.save_grid(image, INFOTEXT) == f"txt2img-grids/{today}/grid-0000.png"
    assert Outputs(outputs.folder).save_grid(image, INFOTEXT) == f"txt2img-grids/{today}/grid-0001.png"
    with Image.open(outputs.path(f"txt2img-grids/{today}/grid-0001.png")) as grid:
        assert grid.info["parameters"] == INFOTEXT


@pytest.mark.parametrize(
    ("name", "kind"),
    [("png", "image/png"), ("jpg", "image/jpeg"), ("webp", "image/webp"), ("avif", "image/avif")],
)
def test_pictures_are_saved_in_the_format_of_the_settings(tmp_path, name, kind):
    outputs = Outputs(tmp_path, lambda: Settings(samples_format=name))
    path = outputs.path(outputs.save(picture(side=32)))
    assert path.suffix == f".{name}"
    assert media_type(path) == kind
    with Image.open(path) as image:
        assert items_of(image)["parameters"] == INFOTEXT


def test_quality_is_heeded(tmp_path):
    sizes = []
    for quality in (20, 95):
        outputs = Outputs(
            tmp_path, lambda quality=quality: Settings(samples_format="jpg", jpeg_quality=quality)
        )
        sizes.append(outputs.path(outputs.save(picture(side=64))).stat().st_size)
    assert sizes[1] > 2 * sizes[0]


def test_webp_may_keep_every_pixel(tmp_path):
    outputs = Outputs(tmp_path, lambda: Settings(samples_format="webp", webp_lossless=True))
    wished = picture(side=16)
    with Image.open(outputs.path(outputs.save(wished))) as image:
        assert image.convert("RGB").tobytes() == wished.image.tobytes()


def test_the_infotext_may_be_left_out_and_laid_beside(tmp_path):
    outputs = Outputs(tmp_path, lambda: Settings(enable_pnginfo=False, save_txt=True))
    path = outputs.path(outputs.save(picture()))
    with Image.open(path) as image:
        assert "parameters" not in image.info
    assert path.with_suffix(".txt").read_text(encoding="utf-8") == f"{INFOTEXT}\n"
    assert outputs.save(picture()).endswith("/00001-7.png")


def test_what_a_format_can_not_hold_gives_a_sentence(tmp_path):
    outputs = Outputs(tmp_path, lambda: Settings(grid_format="webp"))
    assert outputs.max_grid_side == 16_383
    with pytest.raises(OutputError, match="16384x1 can't be saved as webp"):
        outputs.save_grid(Image.new("RGB", (16_384, 1)), INFOTEXT)
    assert names(outputs) == []


def test_threads_never_share_a_number(outputs):
    threads = [threading.Thread(target=lambda: [outputs.save(picture()) for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [name.rsplit("/")[-1] for name in names(outputs)] == [
        f"{number:05d}-7.png" for number in range(20)
    ]


@pytest.mark.parametrize(
    "infotext",
    [INFOTEXT, "大熊猫 на велосипеде, façade 🐼\nSteps: 4", 'quotes ", commas: and\ttabs\nSteps: 1'],
)
def test_the_infotext_is_in_the_file(outputs, infotext):
    path = outputs.path(outputs.save(picture(infotext=infotext)))
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.info["parameters"] == infotext


def test_the_pixels_are_kept(outputs):
    wished = picture(side=16)
    with Image.open(outputs.path(outputs.save(wished))) as image:
        assert image.tobytes() == wished.image.tobytes()


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_others_may_read_the_files(outputs):
    path = outputs.path(outputs.save(picture()))
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_only_what_is_inside_is_found(outputs, tmp_path):
    inside = outputs.save(picture())
    secret = tmp_path / "secret.png"
    secret.touch()
    (outputs.folder / "link.png").symlink_to(secret)
    (outputs.folder / "out").symlink_to(tmp_path)
    assert outputs.path(inside).is_file()
    for outside in (
        "../secret.png",
        "txt2img-images/../../secret.png",
        str(secret),
        "link.png",
        "out/secret.png",
    ):
        assert outputs.path(outside) is None
    assert outputs.path("txt2img-images") is None  # a folder
    assert outputs.path("gone.png") is None


def test_a_full_disk_leaves_no_part_of_a_picture(tiny_disk):
    outputs = Outputs(tiny_disk.folder / "outputs")
    first = outputs.save(picture())
    tiny_disk.fill()
    with pytest.raises(EngineError, match="The disk is full: the picture could not be saved in"):
        outputs.save(picture(side=128))
    assert names(outputs) == [first]
    tiny_disk.empty()
    assert outputs.save(picture(side=128)).endswith("/00001-7.png")


def test_too_little_room_is_noticed_before_drawing(tiny_disk, outputs):
    with pytest.raises(EngineError, match=r"The disk is full: \d+ MB are free .* Make room and try again"):
        Outputs(tiny_disk.folder / "outputs").check_space()


def test_there_is_room(outputs):
    outputs.check_space()


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX limits")
def test_a_write_that_breaks_off_leaves_no_part_of_a_picture(tmp_path):
    """The same as a full disk, but without being root: the process may write small files only."""
    script = f"""
import os, resource
from pathlib import Path
from PIL import Image
from webui.engine.protocol import EngineError, Picture
from webui.jobs.outputs import Outputs
outputs = Outputs(Path({str(tmp_path)!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
outputs.save(Picture(Image.new("RGB", (8, 8)), 7, "small"))
try:
    outputs.save(Picture(Image.frombytes("RGB", (128, 128), os.urandom(3 * 128 * 128)), 7, "large"))
except EngineError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.startswith("Pictures can't be saved in")
    assert [name.rsplit("/")[-1] for name in names(Outputs(tmp_path))] == ["00000-7.png"]


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ({}, "txt2img"),
        ({"enable_hr": True}, "txt2img"),
        ({"init_images": ["a"]}, "img2img"),
        ({"init_images": ["a"], "extras": {}}, "extras"),
    ],
)
def test_each_kind_of_job_has_folders_of_its_own(outputs, params, kind):
    assert kind_of(GenerationParams(**params)) == kind
    name = "00000.png" if kind == "extras" else "00000-7.png"
    today = time.strftime("%Y-%m-%d")
    assert outputs.save(picture(7), f"{kind}-images") == f"{kind}-images/{today}/{name}"


# Live pictures


def test_live_pictures_lie_elsewhere_and_can_be_removed(tmp_path):
    outputs = Outputs(tmp_path / "outputs", live=tmp_path / "live")
    first, second, third = (outputs.save_live(picture(side=16)) for _ in range(3))
    assert outputs.path(first).is_relative_to(tmp_path / "live")
    with Image.open(outputs.path(first)) as image:
        assert image.info["parameters"] == INFOTEXT
    assert (is_live(first), is_live("txt2img-images/1.png")) == (True, False)
    assert outputs.path("live:../outputs") is None
    outputs.remove_live(first)
    outputs.remove_live(first)
    assert [outputs.path(file) is None for file in (first, second, third)] == [True, False, False]
    outputs.remove_live()
    assert list((tmp_path / "live").iterdir()) == []


def test_a_full_disk_is_told_of_live_pictures_too(tiny_disk):
    outputs = Outputs(tiny_disk.folder / "outputs")
    with pytest.raises(OutputError, match="The disk is full"):
        outputs.save_live(picture())
