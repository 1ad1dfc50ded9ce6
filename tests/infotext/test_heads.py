"""The heads of JPEG and GIF files, against Pillow."""

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.infotext.hostile import jpeg_with
from webui.infotext.exif import exif_of
from webui.infotext.gif_blocks import read_gif
from webui.infotext.jpeg_segments import read_jpeg
from webui.infotext.picture import read_picture


def saved(kind, mode="RGB", size=(33, 17), **options):
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"comment": b"hi", "icc_profile": b"x" * 99_000}]
)
def test_jpegs_of_every_kind(mode, options):
    head = read_jpeg(saved("JPEG", mode, **options))
    assert head[:2] == (33, 17)
    assert head.info == ({"comment": b"hi"} if "comment" in options else {})


def test_jpegs_with_fill_and_junk_between_segments():
    data = saved("JPEG", comment=b"hi")
    assert read_jpeg(data[:2] + b"\xff\xff\xff" + data[2:]) == read_jpeg(data)
    assert read_jpeg(data[:2] + b"junk\xff\0" + data[2:]) == read_jpeg(data)


def test_exif_in_several_segments():
    exif = exif_of("a" * 60_000).removeprefix(b"Exif\0\0")
    assert read_picture(jpeg_with([exif[:60_000], exif[60_000:]])).items == {"parameters": "a" * 60_000}


def test_xmp():
    told = b"<x:xmpmeta/>"
    assert read_picture(saved("JPEG", xmp=told)).items == {"xmp": told.decode()}


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_gifs_of_every_kind(mode):
    head = read_gif(saved("GIF", mode, comment=b"a" * 700))
    assert head == (33, 17, b"a" * 700)
    frames = [Image.new(mode, (33, 17), shade) for shade in (50, 90)]
    moving = saved("GIF", mode, save_all=True, append_images=frames, loop=0, comment=b"hi")
    assert read_gif(moving) == (33, 17, b"hi")


def test_only_its_comment_is_told_of_a_gif():
    assert read_picture(saved("GIF", "L")).items == {}
    assert read_picture(saved("GIF", "L", comment=b"hi")).items == {"comment": "hi"}


@pytest.mark.parametrize("read", [read_jpeg, read_gif])
@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(read, data):
    start = {read_jpeg: b"\xff\xd8\xff", read_gif: b"GIF89a"}[read]
    with suppress(ValueError):
        assert 0 <= read(start + data).width <= 65_535
