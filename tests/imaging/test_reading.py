"""Whatever people bring becomes upright RGB or RGBA, or a sentence."""

import io
import random
import struct
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.imaging.pictures import file, noise, smooth, values
from webui.imaging.reading import PictureError, read_mask, read_picture

KINDS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
FILES = {kind: file(smooth(40, 30), kind) for kind in KINDS}
GIF_FRAME = 13 + 3 * 256
"""Where the first frame begins, behind 256 colours."""
ORIENTATION = 274


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file(kind):
    read = read_picture(FILES[kind])
    assert (read.mode, read.size) == ("RGB", (40, 30))
    assert np.abs(values(read) - values(smooth(40, 30))).mean() < 8
    assert read.info == {}


def test_a_stream_will_do():
    assert read_picture(io.BytesIO(FILES["PNG"])).tobytes() == smooth(40, 30).tobytes()


def turned(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(kind, orientation):
    """As Pillow turns them, whose own reading of EXIF isn't used."""
    from PIL import ImageOps

    data = file(smooth(40, 30), kind, exif=turned(orientation))
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert np.abs(values(read_picture(data)) - values(expected)).max() <= 1
    assert expected.size == ((40, 30) if orientation < 5 else (30, 40))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits"])
def test_packed_tiffs_stand_upright_once(compression):
    data = file(smooth(40, 30), "TIFF", exif=turned(6), compression=compression)
    expected = smooth(40, 30).transpose(Image.Transpose.ROTATE_270)
    assert read_picture(data).tobytes() == expected.tobytes()


def test_nonsense_for_an_orientation_changes_nothing():
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\xff\xff\0\0\0\0\0\0"
    assert read_picture(file(noise(9, 5), "PNG", exif=exif)).size == (9, 5)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "TIFF"])
def test_transparent_pictures_keep_their_alpha(kind):
    image = smooth(40, 30).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((40, 30)))
    options = {"lossless": True} if kind == "WEBP" else {}
    read = read_picture(file(image, kind, **options))
    assert read.mode == "RGBA"
    assert np.abs(values(read.getchannel("A")) - values(image.getchannel("A"))).max() <= 4


def test_alpha_that_hides_nothing_is_none():
    assert read_picture(file(noise(8, 8).convert("RGBA"), "PNG")).mode == "RGB"


def test_a_transparent_colour_is_alpha():
    grey = Image.fromarray(np.array([[0, 10], [20, 30]], np.uint8))
    read = read_picture(file(grey, "PNG", transparency=10))
    assert values(read.getchannel("A")).tolist() == [[255, 0], [255, 255]]
    palette = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "P")
    palette.putpalette([255, 0, 0, 0, 255, 0])
    for kind in ("PNG", "GIF"):
        read = read_picture(file(palette, kind, transparency=1))
        assert values(read.getchannel("A")).tolist() == [[255, 0], [0, 255]], kind
        assert read.getpixel((0, 0)) == (255, 0, 0, 255)


def test_greys_of_16_bits_are_scaled_not_clipped():
    deep = Image.fromarray(np.array([[0, 257, 32_768, 65_535]], np.uint16))
    for kind in ("PNG", "TIFF"):
        assert values(read_picture(file(deep, kind)).getchannel("R")).tolist() == [[0, 1, 128, 255]]


@pytest.mark.parametrize(
    ("greys", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 128.0, 255.0], [0, 128, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([0.0, 5e8, 1e9], [0, 128, 255]),
        ([0.0, np.nan, 1.0], [0, 0, 255]),
        ([0.0, -np.inf, np.inf], [127, 0, 255]),
    ],
)
def test_floating_greys(greys, expected):
    read = read_picture(file(Image.fromarray(np.array([greys], np.float32)), "TIFF"))
    assert values(read.getchannel("R")).tolist() == [expected]


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "I"])
def test_every_mode(mode):
    image = smooth(16, 16).convert(mode)
    read = read_picture(file(image, "TIFF"))
    assert read.mode == "RGB"
    if mode in ("1", "L", "P", "CMYK"):
        assert np.abs(values(read) - values(image.convert("RGB"))).max() <= 1


def test_cmyk_jpegs_are_not_inverted():
    image = Image.new("RGB", (16, 16), (200, 40, 40)).convert("CMYK")
    assert np.abs(values(read_picture(file(image, "JPEG"))) - [200, 40, 40]).max() < 12


def test_of_an_animation_the_first_frame():
    frames = [Image.new("RGB", (12, 8), colour) for colour in ("red", "green", "blue")]
    for kind in ("GIF", "WEBP", "PNG", "AVIF", "TIFF"):
        data = file(frames[0], kind, save_all=True, append_images=frames[1:])
        assert np.abs(values(read_picture(data)) - [255, 0, 0]).max() < 8, kind


def test_a_gif_frame_may_cover_a_part_only():
    data = bytearray(FILES["GIF"])
    data[6:10] = struct.pack("<HH", 50, 40)
    assert read_picture(bytes(data)).size == (50, 40)


# Refusals


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"hello", "is not a picture"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<SVG></SVG>", "SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\xff\x0a" + bytes(40), "JPEG XL"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture"),
        (b"%PDF-1.7", "is not a picture"),
        (b"\x89PNG\r\n\x1a\n", "is damaged"),
        (b"\xff\xd8\xff", "is damaged"),
        (b"GIF89a", "is damaged"),
        (b"RIFF\0\0\0\0WEBP", "pixels"),
        (b"BM", "is damaged"),
        (b"II*\0", "is damaged"),
    ],
)
def test_what_is_no_picture_is_said(data, told):
    with pytest.raises(PictureError, match=told) as refusal:
        read_picture(data, "cat.bin")
    assert str(refusal.value).startswith('"cat.bin" ')
    assert str(refusal.value).endswith(".")


def test_without_a_name_it_is_this_picture():
    with pytest.raises(PictureError, match=r"^This file is not a picture"):
        read_picture(b"?")


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_pixels_are_refused(kind):
    assert read_picture(FILES[kind], max_pixels=1200).size == (40, 30)
    with pytest.raises(PictureError, match="has 40x30 pixels, and 1,199 in all are the limit"):
        read_picture(FILES[kind], max_pixels=1199)


def png(width, height, depth, colour, pixels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def grown(kind, width, height):
    """A file that says that it is so large."""
    data = bytearray(FILES[kind])
    if kind == "JPEG":
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", width, height)
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", width, height)
    elif kind == "WEBP":
        at = data.index(b"VP8 ") + 14
        data[at : at + 4] = struct.pack("<HH", width, height)
    return bytes(data)


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP"])
def test_bombs_are_refused_before_they_are_decoded(kind):
    started = time.perf_counter()
    with pytest.raises(PictureError, match=r"60,000x60,000 pixels"):
        read_picture(grown(kind, 60_000, 60_000))
    assert time.perf_counter() - started < 1


def test_a_webp_bomb():
    with pytest.raises(PictureError, match=r"16,383x16,383 pixels"):
        read_picture(grown("WEBP", 16_383, 16_383))
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\xff\xff" * 2
    with pytest.raises(PictureError, match=r"16,777,216x16,777,216 pixels"):
        read_picture(b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas)


def test_a_png_of_a_single_colour_that_unpacks_to_gigabytes():
    with pytest.raises(PictureError, match=r"100,000x100,000 pixels"):
        read_picture(png(100_000, 100_000, 1, 0, zlib.compress(bytes(2**20))))


def test_a_gif_whose_frame_is_larger_than_itself():
    data, at = bytearray(FILES["GIF"]), GIF_FRAME
    data[at + 1 : at + 9] = struct.pack("<HHHH", 65_000, 65_000, 500, 500)
    with pytest.raises(PictureError):
        read_picture(bytes(data))


def test_metadata_that_would_fill_the_memory_is_not_read():
    """A TIFF of thousands of entries that all point at the same megabytes."""
    body = bytes(4 * 2**20)
    entries = b"".join(struct.pack("<HHII", 40_000 + number, 7, len(body), 8) for number in range(20_000))
    wide = struct.pack("<HHII", 256, 4, 1, 9) + struct.pack("<HHII", 257, 4, 1, 9)
    directory = struct.pack("<H", 20_002) + wide + entries + bytes(4)
    started = time.perf_counter()
    with pytest.raises(PictureError):
        read_picture(b"II*\0" + struct.pack("<I", 8 + len(body)) + body + directory)
    assert time.perf_counter() - started < 2


def test_texts_around_the_pixels_cost_no_time():
    jpeg, gif = FILES["JPEG"], FILES["GIF"]
    segments = b"\xff\xe1" + struct.pack(">H", 10) + b"Exif\0\0MM"
    comments = b"!\xfe" + (b"\xff" + b"x" * 255) * 20_000 + b"\0"
    started = time.perf_counter()
    assert read_picture(jpeg[:2] + segments * 9_000 + jpeg[2:]).size == (40, 30)
    assert read_picture(gif[:GIF_FRAME] + comments + gif[GIF_FRAME:]).size == (40, 30)
    with pytest.raises(PictureError, match="is damaged"):
        read_picture(jpeg[:2] + segments * 20_000 + jpeg[2:])
    assert time.perf_counter() - started < 2


def test_a_jpeg_of_endless_scans():
    with pytest.raises(PictureError, match="is damaged"):
        read_picture(FILES["JPEG"][:-2] + b"\xff\xda\0\x0c" * 5000)
    progressive = file(smooth(40, 30), "JPEG", progressive=True)
    assert read_picture(progressive).size == (40, 30)


def read_or_none(data):
    """The picture; None where it is refused in a sentence. Anything else fails."""
    try:
        return read_picture(data, max_pixels=2**20)
    except PictureError:
        return None


@pytest.mark.parametrize("kind", KINDS)
def test_files_cut_short_anywhere(kind):
    """Nothing but a sentence or, where nothing of the pixels is missing, the picture."""
    data = FILES[kind]
    for length in range(0, len(data), max(1, len(data) // 150)):
        read = read_or_none(data[:length])
        assert read is None or read.size == (40, 30)


def test_a_film_behind_a_phones_picture_is_no_matter():
    film = random.Random(0).randbytes(2**24)
    assert film.count(b"\xff\xda") > 100
    assert read_picture(FILES["JPEG"] + film).tobytes() == read_picture(FILES["JPEG"]).tobytes()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=40)
def test_files_with_bytes_changed(kind, data):
    spoilt = bytearray(FILES[kind])
    for _ in range(data.draw(st.integers(1, 8))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    read = read_or_none(bytes(spoilt))
    assert read is None or read.mode in ("RGB", "RGBA")


@given(st.sampled_from([data[:12] for data in FILES.values()]), st.binary(max_size=300))
@settings(max_examples=100)
def test_files_of_anything(start, rest):
    read = read_or_none(start + rest)
    assert read is None or read.width * read.height <= 2**20


# Masks


def test_a_mask_is_how_light_a_picture_is():
    grey = noise(20, 10, mode="L")
    assert read_mask(file(grey, "PNG")).tobytes() == grey.tobytes()
    assert read_mask(file(Image.new("RGB", (4, 4), "white"), "PNG")).getextrema() == (255, 255)


def test_of_a_picture_with_transparent_parts_the_opaque_ones_are_the_mask():
    strokes = Image.new("RGBA", (4, 2), (0, 0, 0, 0))
    strokes.putpixel((1, 1), (0, 0, 0, 255))
    assert values(read_mask(file(strokes, "PNG"))).tolist() == [[0, 0, 0, 0], [0, 255, 0, 0]]
