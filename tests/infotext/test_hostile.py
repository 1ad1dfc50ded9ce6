"""No file takes long to read, or much memory."""

import zlib
from contextlib import suppress

import pytest
from PIL import features

from tests.infotext.hostile import (
    Thrift,
    avif_with,
    crowded,
    gif_with,
    jpeg_with,
    png_with,
    webp_with,
)
from tests.infotext.test_picture import TEXT, chunk, png
from webui.infotext.picture import InfotextError, read_picture

WITH_AVIF = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
CROWDED = crowded(3000, 1_000_000)


def in_hexadecimal(exif):
    return f"\nexif\n    {len(exif)}\n{exif.hex()}\n"


def many(kind, count, data=b""):
    """A PNG file with so many chunks of a kind."""
    plain = png()
    return plain[:33] + chunk(kind, data) * count + plain[33:]


def bombs(count):
    return many(b"zTXt", count, b"a\0\0" + zlib.compress(bytes(2**21)))


def split(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: png_with(CROWDED), id="png"),
        pytest.param(lambda: png(**{"Raw profile type exif": in_hexadecimal(CROWDED)}), id="png-profile"),
        pytest.param(lambda: jpeg_with(split(CROWDED, 65_000)), id="jpeg"),
        pytest.param(lambda: webp_with(CROWDED), id="webp"),
        pytest.param(lambda: avif_with(CROWDED), id="avif", marks=WITH_AVIF),
        pytest.param(lambda: jpeg_with([b"Exif\0\0" * 10_000] * 60), id="jpeg-headers"),
    ],
)
def test_exif_that_tells_the_same_again_and_again(make):
    data = make()
    with Thrift():
        info = read_picture(data)
    assert (info.width, info.height) == (16, 8)
    assert len(info.items.get("ImageDescription", "")) in (0, 1_000_000)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: gif_with([b"a" * 255] * 60_000), id="gif-long"),
        pytest.param(lambda: gif_with([b"a"] * 1_000_000), id="gif-many"),
        pytest.param(lambda: jpeg_with([b"a"] * 400_000), id="jpeg-exif"),
        pytest.param(lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 2_000_000, id="jpeg-comments"),
        pytest.param(lambda: b"\xff\xd8\xff" + b"a" * 10_000_000, id="jpeg-junk"),
        pytest.param(lambda: b"\xff\xd8" + b"\xff" * 10_000_000, id="jpeg-fill"),
        pytest.param(lambda: many(b"tEXt", 100_000, b"a\0b"), id="png-texts"),
        pytest.param(lambda: many(b"prVt", 1_000_000), id="png-private"),
        pytest.param(lambda: bombs(5000), id="png-bombs"),
    ],
)
def test_what_would_take_long(make):
    data = make()
    with Thrift(), suppress(InfotextError):
        assert len(read_picture(data).items) < 1000


@WITH_AVIF
@pytest.mark.parametrize("length", [12, 60, 200])
def test_a_broken_avif_is_told(length):
    with pytest.raises(InfotextError, match=r"^This picture is damaged and can't be read \(.*\)\.$"):
        read_picture(avif_with(bytes(20))[:length])


@pytest.mark.parametrize("kind", ["zTXt", "iTXt"])
def test_one_text_that_is_too_long_does_not_hide_the_others(kind):
    packed = zlib.compress(b"y" * 1_200_000)
    body = {"zTXt": b"workflow\0\0" + packed, "iTXt": b"workflow\0\1\0\0\0" + packed}[kind]
    plain = png(parameters=TEXT, other="x")
    for at in (33, len(plain) - 12):
        info = read_picture(plain[:at] + chunk(kind.encode(), body) + plain[at:])
        assert (info.items, info.infotext.fields["seed"]) == ({"parameters": TEXT, "other": "x"}, 5)


def test_other_chunks_and_what_follows_the_end_are_nothing_to_us():
    plain = png(parameters=TEXT)
    broken = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(3_000_000)))
    assert read_picture(plain[:33] + broken + plain[33:] + b"x" * 50).text == TEXT


def test_compressed_texts_that_are_no_such_are_left_out():
    plain = png(parameters=TEXT)
    for kind, body in ((b"zTXt", b"a\0\0oh"), (b"iTXt", b"a\0\1\0\0\0oh"), (b"iTXt", b"a"), (b"tEXt", b"")):
        info = read_picture(plain[:33] + chunk(kind, body) + plain[33:])
        assert info.items["parameters"] == TEXT
