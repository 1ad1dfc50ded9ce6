"""Names, sizes and numbers of preprocessors."""

import pytest
from PIL import Image

from webui.imaging.preprocessors.built_in import BUILT_IN, weightless
from webui.imaging.preprocessors.control_types import CONTROL_TYPES
from webui.imaging.preprocessors.preprocessor import Preprocessor, Slider
from webui.imaging.preprocessors.table import MAX_MAP, Preprocessors, pixel_perfect, settled
from webui.params import InvalidParamsError
from webui.params.control import ControlUnit


class Kept:
    """A preprocessor that keeps what it was given."""

    def __init__(self, **fields):
        self.table = Preprocessors([Preprocessor("kept", "Kept", "All", self.run, **fields)])

    def run(self, image, mask, options):
        self.image, self.mask, self.options = image, mask, options
        return image

    def maps(self, image, mask=None, size=(512, 512), **fields):
        return self.table.maps(ControlUnit(module="kept", **fields), image, mask, size)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("canny", "canny"),
        (" Canny ", "canny"),
        ("invert (from white bg & black line)", "invert"),
        ("lineart_standard (from white bg & black line)", "lineart_standard"),
        ("None", "none"),
        ("binary", "threshold"),
    ],
)
def test_names_titles_and_aliases_are_found(name, found):
    assert weightless().find(name).name == found


def test_unknown_names_are_refused_in_a_sentence():
    with pytest.raises(InvalidParamsError, match='no preprocessor "canyon"') as refusal:
        weightless().find("canyon")
    assert refusal.value.field == "control"


def test_of_two_with_one_name_the_first_is_kept():
    others = [Preprocessor("canny", title, "Canny", BUILT_IN[0].run) for title in ("One", "Two")]
    table = Preprocessors(others)
    assert [one.title for one in table.all()] == ["One"]
    with pytest.raises(InvalidParamsError):
        table.find("Two")


def test_what_is_missing_is_said():
    kept = Kept(missing=lambda: "kept needs a file.")
    with pytest.raises(InvalidParamsError, match=r"kept needs a file\."):
        kept.maps(Image.new("RGB", (8, 8)))


@pytest.mark.parametrize(("size", "brought"), [((100, 50), (200, 100)), ((300, 600), (100, 200))])
def test_the_shorter_side_is_brought_to_the_resolution(size, brought):
    kept = Kept()
    assert kept.maps(Image.new("RGB", size), processor_res=100).size == brought
    assert kept.options.resolution == 100


def test_without_a_resolution_the_size_stays():
    assert Kept(has_resolution=False).maps(Image.new("RGB", (30, 20)), processor_res=100).size == (30, 20)


def test_the_mask_has_the_pictures_size():
    kept = Kept()
    kept.maps(Image.new("RGBA", (40, 20)), Image.new("L", (7, 9), 255), processor_res=64)
    assert (kept.image.mode, kept.mask.mode) == ("RGB", "L")
    assert kept.image.size == kept.mask.size == (128, 64)


@pytest.mark.parametrize("size", [(12000, 8000), (1, 50_000)])
@pytest.mark.parametrize("has_resolution", [True, False])
def test_no_map_is_larger_than_the_limit(size, has_resolution):
    made = Kept(has_resolution=has_resolution).maps(Image.new("RGB", size), processor_res=4096)
    assert made.width * made.height <= MAX_MAP * 1.01


@pytest.mark.parametrize(
    ("image", "size", "fill", "expected"),
    [
        ((1024, 512), (512, 512), False, 512),
        ((1024, 512), (512, 512), True, 256),
        ((300, 400), (768, 512), False, 768),
        ((300, 400), (768, 512), True, 384),
    ],
)
def test_pixel_perfect_suits_the_picture(image, size, fill, expected):
    assert pixel_perfect(image, size, fill) == expected
    mode = "Resize and Fill" if fill else "Crop and Resize"
    unit = ControlUnit(pixel_perfect=True, processor_res=64, resize_mode=mode)
    assert settled(BUILT_IN[0], unit, image, size).resolution == expected


@pytest.mark.parametrize(
    ("asked", "used"), [(None, 100), (-1, 100), (0, 100), (256, 100), (1, 1), (255, 255)]
)
def test_thresholds_out_of_range_are_the_usual_ones(asked, used):
    assert Slider("Low", 100, 1, 255).settled(asked) == used
    options = settled(weightless().find("canny"), ControlUnit(threshold_a=asked), (8, 8), (8, 8))
    assert (options.threshold_a, options.threshold_b) == (used, 200)


def test_every_preprocessor_stands_under_a_type_and_every_default_is_there():
    types = {kind.name for kind in CONTROL_TYPES}
    assert {one.control_type for one in BUILT_IN} <= types
    assert len({one.name for one in BUILT_IN}) == len(BUILT_IN)
    for one in BUILT_IN:
        for slider in filter(None, (one.threshold_a, one.threshold_b)):
            assert slider.least <= slider.default <= slider.most


@pytest.mark.parametrize(
    ("kind", "model", "sort", "stands"),
    [
        ("All", "anything", "controlnet", True),
        ("Canny", "control_v11p_sd15_canny", "controlnet", True),
        ("Canny", "control_v11f1p_sd15_depth", "controlnet", False),
        ("Canny", "xinsir-union-sdxl-promax", "controlnet", True),
        ("NormalMap", "control_v11p_sd15_normalbae", "controlnet", True),
        ("Segmentation", "control_v11p_sd15_seg", "controlnet", True),
        ("Tile/Blur", "control_v11f1e_sd15_tile", "controlnet", True),
        ("InstructP2P", "control_v11e_sd15_ip2p", "controlnet", True),
        ("T2I-Adapter", "t2iadapter_canny_sd15v2", "t2i-adapter", True),
        ("Canny", "t2iadapter_canny_sd15v2", "t2i-adapter", True),
        ("IP-Adapter", "ip-adapter-plus_sd15", "ip-adapter", True),
        ("Canny", "ip-adapter-canny", "ip-adapter", False),
        ("Reference", "control_v11p_sd15_canny", "controlnet", False),
    ],
)
def test_models_stand_under_the_type_that_their_names_tell(kind, model, sort, stands):
    found = next(one for one in CONTROL_TYPES if one.name == kind)
    assert found.has_model(f"{model}.safetensors", sort) is stands


def test_a_type_begins_with_a_model_of_its_own():
    canny = next(one for one in CONTROL_TYPES if one.name == "Canny")
    assert canny.model(["union", "my_canny"]) == "my_canny"
    assert canny.model(["union"]) == "union"
    assert canny.model([]) == CONTROL_TYPES[0].model(["any"]) == "None"
