"""Texts in real files, written and read by Pillow and by what A1111 itself uses."""

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from webui.infotext import carriers
from webui.infotext.carriers import CarrierError, items_of, save
from webui.infotext.exif import user_comment

TEXT = "größer 東京 🌆\nNegative prompt: (x:1.2)\nSteps: 20, Sampler: Euler a, CFG scale: 7"
FORMATS = ["png", "jpg", "webp", *(["avif"] if features.check("avif") else [])]
ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: text.strip("\0") == text
)


def image(size=(16, 8), mode="RGB"):
    return Image.new(mode, size, "teal")


def saved(path, text, **options):
    how = {"format": path.suffix.removeprefix("."), "quality": 80, "lossless": False}
    save(options.pop("image", image()), path, text, **{**how, **options})
    return path


def carried(path):
    with Image.open(path) as opened:
        return items_of(opened)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_carries_the_text(tmp_path, kind):
    path = saved(tmp_path / f"a.{kind}", TEXT)
    assert carried(path)["parameters"] == TEXT
    with Image.open(path) as opened:
        assert opened.size == (16, 8)
        assert opened.format == carriers.FORMATS[kind]


@pytest.mark.parametrize("kind", FORMATS)
@given(text=ANYTHING)
@settings(max_examples=20)
def test_any_text_comes_back(tmp_path_factory, kind, text):
    text = f"{text}\nSteps: 20"  # as every infotext has: a lone sign may be of either byte order
    path = saved(tmp_path_factory.mktemp("any") / f"a.{kind}", text)
    assert carried(path)["parameters"] == text


@pytest.mark.parametrize("kind", FORMATS)
def test_none_writes_none(tmp_path, kind):
    assert carried(saved(tmp_path / f"a.{kind}", None)).keys().isdisjoint({"parameters", "UserComment"})


def test_the_format_does_not_go_by_the_name(tmp_path):
    path = tmp_path / ".a.webp.part"
    saved(path, TEXT, format="webp")
    assert carried(path)["parameters"] == TEXT


def test_lossless_webp_keeps_every_pixel(tmp_path):
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    for lossless in (True, False):
        path = saved(tmp_path / "a.webp", TEXT, image=noise, lossless=lossless)
        with Image.open(path) as opened:
            assert (opened.convert("RGB").tobytes() == noise.tobytes()) is lossless


def test_quality_makes_files_larger(tmp_path):
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    sizes = [saved(tmp_path / f"{q}.jpg", TEXT, image=noise, quality=q).stat().st_size for q in (30, 95)]
    assert sizes[0] < sizes[1]


def test_a_transparent_picture_becomes_a_jpeg(tmp_path):
    assert carried(saved(tmp_path / "a.jpg", TEXT, image=image(mode="RGBA")))["parameters"] == TEXT


@pytest.mark.parametrize(
    ("text", "kept"), [("a" * 32_000, True), ("a" * 60_000, True), ("é" * 40_000, False)]
)
def test_a_jpeg_keeps_as_much_text_as_it_has_room_for(tmp_path, text, kept):
    path = saved(tmp_path / "a.jpg", text)
    assert ("parameters" in carried(path)) is kept
    if kept:
        assert carried(path)["parameters"] == text


@pytest.mark.parametrize(
    ("kind", "size", "word"),
    [("bmp", (8, 8), '"bmp"'), ("../png", (8, 8), "png"), ("webp", (17_000, 1), "webp")],
)
def test_what_cannot_be_saved_is_told(tmp_path, kind, size, word):
    with pytest.raises(CarrierError, match=word):
        saved(tmp_path / "a.x", TEXT, format=kind, image=image(size))


def test_without_avif_a_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "check", lambda name: False)
    with pytest.raises(CarrierError, match="AVIF"):
        saved(tmp_path / "a.avif", TEXT)


@pytest.mark.parametrize(
    ("comment", "text"),
    [
        (b"UNICODE\0" + TEXT.encode("utf-16-be"), TEXT),
        (b"UNICODE\0" + TEXT.encode("utf-16-le"), TEXT),
        (b"UNICODE\0" + TEXT.encode("utf-16"), TEXT),
        (b"ASCII\0\0\0plain", "plain"),
        (b"\0" * 8 + TEXT.encode(), TEXT),
        (TEXT.encode(), TEXT),
        (b"", ""),
        (b"UNICODE\0\xd8", "\ufffd"),
    ],
)
def test_user_comments_in_every_way_they_are_written(comment, text):
    assert user_comment(comment) == text


@pytest.mark.parametrize("kind", ["jpg", "webp"])
def test_a1111s_own_library_reads_ours_and_we_read_its(tmp_path, kind):
    piexif = pytest.importorskip("piexif")
    helper = pytest.importorskip("piexif.helper")
    ours = saved(tmp_path / f"a.{kind}", TEXT)
    comment = piexif.load(str(ours))["Exif"][piexif.ExifIFD.UserComment]
    assert helper.UserComment.load(comment) == TEXT
    exif = {"Exif": {piexif.ExifIFD.UserComment: helper.UserComment.dump(TEXT, encoding="unicode")}}
    path = tmp_path / f"b.{kind}"
    image().save(path, exif=piexif.dump(exif))
    assert carried(path)["parameters"] == TEXT


def test_a_gifs_comment(tmp_path):
    image().save(tmp_path / "a.gif", comment=TEXT.encode())
    assert carried(tmp_path / "a.gif")["comment"] == TEXT


def test_comfyui_and_fooocus_write_into_the_main_tags(tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = 'workflow:{"a": 1}', 'prompt:{"b": 2}'
    image().save(tmp_path / "a.webp", exif=exif)
    assert carried(tmp_path / "a.webp") == {"workflow": '{"a": 1}', "prompt": '{"b": 2}'}
    exif = Image.Exif()
    exif[0x9286], exif[0x0131] = "a cat", "Fooocus v2.5"
    image().save(tmp_path / "b.jpg", exif=exif)
    assert carried(tmp_path / "b.jpg")["parameters"] == "a cat"


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, where EXIF is damaged
@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_hostile_exif_is_no_text(data):
    file = io.BytesIO()
    image().save(file, "JPEG", exif=b"Exif\0\0II*\0" + struct.pack("<I", 8) + data)
    with Image.open(file) as opened:
        assert isinstance(items_of(opened), dict)


def test_items_longer_than_a_text_can_be_are_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(carriers, "MAX_ITEM", 100)
    assert carried(saved(tmp_path / "a.png", "a" * 101)) == {}
    assert carried(saved(tmp_path / "b.png", "a" * 100)) == {"parameters": "a" * 100}
