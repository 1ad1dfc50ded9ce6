import pytest

from tests.imaging.pictures import boxes, scene, square
from webui.imaging.boxes import Box
from webui.imaging.detectors import BUILT_IN, Detector, detector_names, find_detector
from webui.imaging.regions import Region
from webui.params import GenerationParams, InvalidParamsError


def found_by(name, mask=None, **fields):
    return find_detector(name).find(scene(), GenerationParams(**fields), mask)


def test_detectors_heed_the_wish():
    red = {"detailer_color": "#dc1e1e", "detailer_threshold": 0.1}
    assert boxes(found_by("Color", **red, detailer_min_area=0.0)) == [(20, 30, 70, 80), (150, 100, 170, 120)]
    assert len(found_by("Color", **red, detailer_min_area=0.02)) == 1
    assert len(found_by("Saliency", detailer_threshold=0.5, detailer_max_regions=1)) == 1


def test_a_mask_of_another_size_is_brought_to_the_pictures():
    assert found_by("Mask", square((100, 75), (0, 0, 50, 75)))[0].box == pytest.approx(
        (0, 0, 100, 150), abs=1
    )
    assert found_by("Mask") == []


def test_detectors_have_names():
    assert detector_names() == ["None", "Saliency", "Color", "Mask"]
    assert find_detector("None") is None
    assert find_detector(" color ") is BUILT_IN[1]
    with pytest.raises(
        InvalidParamsError, match=r'no detector "face".*None, Saliency, Color, Mask'
    ) as refusal:
        find_detector("face")
    assert refusal.value.field == "detailer"


def test_a_longer_table_holds_more():
    whole = Detector(
        "Whole", lambda image, _params, _mask: [Region(Box(0, 0, *image.size), image.convert("L"))]
    )
    assert find_detector("whole", (*BUILT_IN, whole)) is whole
