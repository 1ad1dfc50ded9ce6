"""Regional prompts on their way to the engine: their masks are found, kept and opened."""

import pytest

from tests.jobs.test_pictures import done, enclosed, refusal, room, upload  # noqa: F401
from webui.jobs.regions import MOST
from webui.params import InvalidParamsError


def test_masks_are_opened_one_for_each_region(room):  # noqa: F811
    name = upload(room, "#ffffff", size=(20, 10))
    regions = [{"prompt": "cat", "width": 0.5}, {"prompt": "dog", "mask": name}]
    job = done(room, room.submit(regions=regions))
    (order,) = room.engine.orders
    first, second = order.region_masks
    assert first is None
    assert (second.mode, second.size, second.getpixel((5, 5))) == ("L", (20, 10), 255)
    assert [region.prompt for region in order.params.regions] == ["cat", "dog"]
    assert room.inputs.path("me", name).parent.name != "unused"
    assert job.params.regions[1].mask == name


def test_rectangles_need_no_masks(room):  # noqa: F811
    done(room, room.submit(regions=[{"prompt": "cat"}]))
    assert room.engine.orders[0].region_masks == ()
    done(room, room.submit())
    assert room.engine.orders[1].region_masks == ()


def test_an_enclosed_mask_becomes_an_upload_and_a_large_one_is_brought_to_size(room):  # noqa: F811
    job = done(room, room.submit(regions=[{"mask": enclosed("#ffffff", size=(4096, 16))}]))
    assert len(job.params.regions[0].mask) == 32
    (mask,) = room.engine.orders[0].region_masks
    assert mask.size == (MOST, 8)


def test_a_mask_that_isnt_there_is_refused_by_its_region(room):  # noqa: F811
    field, sentence = refusal(room, regions=[{"prompt": "cat"}, {"mask": "0" * 32}])
    assert field == "regions"
    assert sentence.startswith("Region 2: ")
    with pytest.raises(InvalidParamsError):
        room.submit(regions=[{"mask": upload(room, owner="you")}])
