"""Names of upscalers: files by their stems, A1111's names, in any letter case."""

import pytest

from tests.catalog import samples
from tests.engine.upscaling.weights import BSRGAN, FIRST, REAL, compact, esrgan
from webui.catalog.catalog import Catalog
from webui.catalog.identify import identify
from webui.catalog.upscalers import (
    LATENT,
    WITHOUT_FILE,
    find_hires_upscaler,
    find_upscaler,
    hires_upscaler_names,
    upscaler_names,
)
from webui.params import InvalidParamsError

LAYOUTS = (FIRST, BSRGAN, REAL)


def shapes_of(weights):
    return {name: tuple(weight.shape) for name, weight in weights.items()}


ESRGAN, COMPACT = shapes_of(esrgan()), shapes_of(compact())


@pytest.fixture
def folder(tmp_path):
    samples.write(tmp_path / "4x-UltraSharp.pth", ESRGAN)
    samples.write(tmp_path / "photos" / "RealESRGAN_x4plus.safetensors", ESRGAN)
    samples.write(tmp_path / "a" / "same.pth", COMPACT)
    samples.write(tmp_path / "b" / "same.pth", COMPACT)
    samples.write(tmp_path / "Nearest.pth", COMPACT)
    (tmp_path / "broken.pth").write_bytes(b"PK\3\4 not one")
    return tmp_path


@pytest.fixture
def catalog(folder):
    return Catalog.over([folder], "upscaler")


def test_files_are_listed_by_their_stems_after_those_that_need_none(catalog):
    named = ["4x-UltraSharp", "a/same.pth", "b/same.pth", "Nearest.pth", "RealESRGAN_x4plus"]
    assert upscaler_names(catalog) == [*WITHOUT_FILE, *named]
    assert hires_upscaler_names(catalog) == [*LATENT, *WITHOUT_FILE, *named]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("", "None"),
        ("none", "None"),
        ("LANCZOS", "Lanczos"),
        ("nearest", "Nearest"),
        ("4X-ultrasharp", "4x-UltraSharp"),
        ("4x-UltraSharp.pth", "4x-UltraSharp"),
        ("photos/RealESRGAN_x4plus", "RealESRGAN_x4plus"),
        ("R-ESRGAN 4x+", "RealESRGAN_x4plus"),
        ("b/same", "b/same.pth"),
        ("nearest.pth", "Nearest.pth"),
    ],
)
def test_names_are_found_in_any_way_of_writing_them(catalog, told, name):
    found = find_upscaler(catalog, told)
    assert found.name == name
    assert (found.file is None) == (name in WITHOUT_FILE)
    assert found.file is None or found.file.kind == "upscaler"
    assert find_hires_upscaler(catalog, told or "none") == found


def test_hires_fix_knows_latent_ones_too(catalog):
    assert find_hires_upscaler(catalog, "").name == "Latent"
    assert find_hires_upscaler(catalog, "latent (BICUBIC)") == ("Latent (bicubic)", None)
    with pytest.raises(InvalidParamsError) as caught:
        find_upscaler(catalog, "Latent", "upscaler_1")
    assert caught.value.field == "upscaler_1"


def test_unknown_and_broken_ones_are_refused_with_the_way_out(catalog):
    with pytest.raises(InvalidParamsError) as caught:
        find_hires_upscaler(catalog, "8x")
    assert caught.value.field == "hr_upscaler"
    assert str(caught.value) == (
        'There is no upscaler "8x". Found: None, Lanczos, Nearest, 4x-UltraSharp, a/same.pth, b/same.pth, '
        "Nearest.pth, RealESRGAN_x4plus. Others go into models/ESRGAN."
    )
    with pytest.raises(InvalidParamsError, match="damaged"):
        find_upscaler(catalog, "broken")


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
@pytest.mark.parametrize(
    "shapes",
    [shapes_of(esrgan(layout, **how)) for layout in LAYOUTS for how in ({}, {"plus": True}, {"doublings": 1})]
    + [shapes_of(esrgan(unshuffle=4)), shapes_of(compact()), shapes_of(compact(scale=1, convolutions=0))],
    ids=range(12),
)
def test_every_layout_is_told_by_its_header(tmp_path, prefix, ending, shapes):
    named = {f"{prefix}{name}": shape for name, shape in shapes.items()}
    identity = identify(samples.write(tmp_path / f"any.{ending}", named))
    assert (identity.kind, identity.problem, identity.dtype) == ("upscaler", None, "fp16")
