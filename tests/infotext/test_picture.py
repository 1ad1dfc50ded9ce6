"""What pictures tell, wherever they tell it."""

import gzip
import io
import json
import zlib
from contextlib import suppress
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from webui.infotext import stealth
from webui.infotext.picture import InfotextError, read_picture

SIGNS = st.characters(categories=["L", "P", "Cs"])
TEXT = "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5"


def png(size=(16, 8), mode="RGB", **texts):
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    file = io.BytesIO()
    Image.new(mode, size, "teal").save(file, "PNG", pnginfo=info)
    return file.getvalue()


def chunk(kind, data):
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def hidden(text, *, packed=True, size=(64, 64)):
    """A picture with `text` in the lowest bits of its alpha, column by column."""
    data = gzip.compress(text.encode()) if packed else text.encode()
    mark = b"stealth_pngcomp" if packed else b"stealth_pnginfo"
    bits = np.unpackbits(np.frombuffer(mark + (8 * len(data)).to_bytes(4) + data, np.uint8))
    alpha = np.full(size[0] * size[1], 254, np.uint8)
    alpha[: len(bits)] |= bits
    pixels = np.full((size[1], size[0], 4), 200, np.uint8)
    pixels[:, :, 3] = alpha.reshape(size).T
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_png_of_a1111():
    info = read_picture(png(parameters=TEXT, other="x"))
    assert (info.text, info.source, info.format) == (TEXT, "AUTOMATIC1111", "PNG")
    assert (info.width, info.height) == (16, 8)
    assert info.items == {"parameters": TEXT, "other": "x"}
    assert info.infotext.fields["prompt"] == "a cat"
    assert info.infotext.fields["seed"] == 5


def test_a_stream_is_as_good_as_bytes():
    assert read_picture(io.BytesIO(png(parameters=TEXT))) == read_picture(png(parameters=TEXT))


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt"])
def test_every_kind_of_chunk(kind):
    body = {
        "tEXt": b"parameters\0" + TEXT.encode("latin-1"),
        "zTXt": b"parameters\0\0" + zlib.compress(TEXT.encode("latin-1")),
        "iTXt": b"parameters\0\1\0\0\0" + zlib.compress(TEXT.encode()),
    }[kind]
    plain = png()
    data = plain[:33] + chunk(kind.encode(), body) + plain[33:]
    assert read_picture(data).text == TEXT


def test_a_chunk_behind_the_pixels():
    data = png()[:-12] + chunk(b"tEXt", b"parameters\0" + TEXT.encode()) + chunk(b"IEND", b"")
    assert read_picture(data).text == TEXT


def test_a_picture_that_tells_nothing():
    info = read_picture(png())
    assert (info.infotext, info.text, info.source, info.items) == (None, "", "", {})


@pytest.mark.parametrize("packed", [True, False])
def test_a_text_hidden_in_the_alpha_channel(packed):
    info = read_picture(hidden(TEXT, packed=packed))
    assert (info.text, info.infotext.fields["seed"]) == (TEXT, 5)


def test_novelais_hidden_json():
    comment = json.dumps(
        {"steps": 28, "sampler": "k_euler", "seed": 3, "scale": 5.0, "uc": "bad", "prompt": "a"}
    )
    info = read_picture(
        hidden(json.dumps({"Software": "NovelAI", "Description": "a fox", "Comment": comment}))
    )
    assert info.source == "NovelAI"
    assert info.infotext.fields["prompt"] == "a fox"
    assert info.infotext.fields["sampler_name"] == "Euler"


@given(st.dictionaries(st.text(SIGNS, max_size=5), st.text(SIGNS, max_size=5), max_size=4))
@example({"parameters": "a\ud800\nSteps: 1, Sampler: \udc00, Seed: 2", "\ud800": "\udc00"})
@settings(max_examples=50)
def test_whatever_is_hidden_can_be_sent_on(told):
    info = read_picture(hidden(json.dumps(told)))
    assert set(info.items.values()) <= {value.encode("utf-8", "replace").decode() for value in told.values()}
    json.dumps(asdict(info), ensure_ascii=False).encode()


def test_hidden_bombs_do_not_go_off(monkeypatch):
    monkeypatch.setattr(stealth, "MAX_HIDDEN", 1000)
    assert read_picture(hidden(TEXT + "a" * 2000)).infotext is None
    monkeypatch.setattr(stealth, "MAX_PIXELS", 100)
    assert read_picture(hidden(TEXT)).infotext is None


def test_a_hidden_length_beyond_the_picture():
    data = np.frombuffer(b"stealth_pnginfo" + b"\xff" * 4, np.uint8)
    pixels = np.full((32, 32, 4), 254, np.uint8)
    pixels[:, :, 3] = (
        np.concatenate([254 | np.unpackbits(data), np.full(1024 - 8 * len(data), 254)]).reshape(32, 32).T
    )
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    assert read_picture(file.getvalue()).text == "\0" * ((1024 - 8 * len(data)) // 8)


def commented(kind, text):
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, kind, comment=text.encode())
    return read_picture(file.getvalue())


def test_a_gif_of_a1111():
    assert commented("GIF", TEXT).infotext.fields["seed"] == 5


def test_what_a_photograph_says_of_itself_is_no_prompt():
    info = commented("JPEG", "CREATOR: gd-jpeg v1.0, quality = 90")
    assert (info.infotext, info.text) == (None, "")
    assert info.items == {"comment": "CREATOR: gd-jpeg v1.0, quality = 90"}


def test_a_text_file():
    info = read_picture(b"\xef\xbb\xbf" + TEXT.encode())
    assert (info.text, info.format, info.width) == (TEXT, "TXT", 0)


@pytest.mark.parametrize(
    "data",
    [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe", png()[:20], b"\xff\xd8\xff", b"GIF89a"],
)
def test_what_is_no_picture_is_told(data):
    with pytest.raises(InfotextError, match=r"\.$"):
        read_picture(data)


def test_a_picture_of_too_many_pixels_is_told():
    header = chunk(b"IHDR", (60_000).to_bytes(4) * 2 + b"\x08\x02\0\0\0")
    with pytest.raises(InfotextError, match="too many pixels"):
        read_picture(png()[:8] + header + png()[33:])


def test_a_broken_picture_still_tells_its_text():
    data = png(size=(256, 256), parameters=TEXT)
    assert read_picture(data[:-300]).text == TEXT


@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_damaged_files_are_read_or_refused(at, damage):
    data = bytearray(png(size=(8, 8), parameters=TEXT))
    data[at : at + len(damage)] = damage
    with suppress(InfotextError):
        assert read_picture(bytes(data)).format == "PNG"
