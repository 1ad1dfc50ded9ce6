"""Regional prompts: how much each counts where, and what is drawn there."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from tests.conftest import Recorder
from webui.engine.batch import Batch
from webui.engine.conditioning import Conditioning
from webui.engine.encoding import PromptEncoder
from webui.engine.hires import _view, of_second_pass
from webui.engine.protocol import EngineError, Order
from webui.engine.regions import ALONE, Shares, shared
from webui.engine.tiled_drawing import TiledDrawing
from webui.imaging.views import WHOLE, View
from webui.params import GenerationParams
from webui.params.regions import Region
from webui.params.scripts import SDUpscale
from webui.prompting.prepared import PicturePrompt

CPU = torch.device("cpu")
BLUE, RED = "a solid blue background", "a solid red background"
LEFT, RIGHT = {"width": 0.5}, {"x": 0.5, "width": 0.5}


def order_of(demo, *regions, masks=(), view=WHOLE, **fields):
    given = tuple(region if isinstance(region, Region) else Region(**region) for region in regions)
    return Order(GenerationParams(regions=given, **fields), demo, 7, region_masks=masks, view=view)


def shares_of(order, height=16, width=16):
    return Shares.of(order, height, width, CPU)


def total(shares, height=16, width=16):
    parts = [shares.own, *shares.regions.values()]
    return sum(torch.as_tensor(part).expand(1, height, width) for part in parts)


edges = st.integers(0, 10)


@st.composite
def regions(draw):
    left, right = sorted(draw(st.lists(edges, min_size=2, max_size=2, unique=True)))
    top, bottom = sorted(draw(st.lists(edges, min_size=2, max_size=2, unique=True)))
    sides = {"x": left / 10, "y": top / 10, "width": (right - left) / 10, "height": (bottom - top) / 10}
    return Region(weight=draw(st.floats(0, 5)), **sides)


@given(
    given=st.lists(regions(), max_size=5),
    base=st.floats(0, 1),
    feather=st.floats(0, 0.5),
    view=st.sampled_from([WHOLE, View(0.25, 0.5, 0.5, 0.25), View(-0.1, 0.7, 0.6, 0.6)]),
)
def test_everywhere_the_shares_sum_up_to_one(demo, given, base, feather, view):
    order = order_of(demo, *given, view=view, regions_base=base, regions_feather=feather)
    shares = shares_of(order, 8, 12)
    torch.testing.assert_close(total(shares, 8, 12), torch.ones(1, 8, 12), rtol=0, atol=1e-3)
    for share in (shares.own, *shares.regions.values()):
        assert float(torch.as_tensor(share).min()) >= -1e-6


def test_inside_a_region_the_own_prompt_counts_as_its_base_and_outside_alone(demo):
    shares = shares_of(order_of(demo, LEFT, regions_base=0.3, regions_feather=0))
    left = torch.arange(16) < 8
    torch.testing.assert_close(shares.own[0, 5], torch.where(left, 0.3, 1.0))
    torch.testing.assert_close(shares.regions[0][0, 5], torch.where(left, 0.7, 0.0))


@pytest.mark.parametrize(("weight", "share"), [(1.0, 0.8), (2.0, 1.6 / 1.8), (0.5, 0.4 / 0.6)])
def test_a_weight_counts_against_the_own_prompt(demo, weight, share):
    shares = shares_of(order_of(demo, {"weight": weight}, regions_base=0.2))
    assert shares.regions[0] == pytest.approx(share)
    assert shares.own == pytest.approx(1 - share)


def test_regions_that_overlap_share_and_by_their_weights(demo):
    alike = shares_of(order_of(demo, {}, {}, regions_base=0.2))
    assert (alike.own, *alike.regions.values()) == (
        pytest.approx(0.2),
        pytest.approx(0.4),
        pytest.approx(0.4),
    )
    apart = shares_of(order_of(demo, {"weight": 3}, {}, regions_base=0))
    assert list(apart.regions.values()) == [pytest.approx(0.75), pytest.approx(0.25)]


@pytest.mark.parametrize("feather", [0, 0.1, 0.5])
def test_where_regions_meet_the_own_prompt_counts_no_more(demo, feather):
    """What one loses over their common edge the other gains."""
    shares = shares_of(order_of(demo, LEFT, RIGHT, regions_base=0.2, regions_feather=feather))
    assert shares.own == pytest.approx(0.2)


def test_edges_fade_over_a_share_of_the_shorter_side_and_not_at_the_pictures_own(demo):
    shares = shares_of(order_of(demo, LEFT, regions_base=0, regions_feather=0.25), 16, 32)
    row = shares.regions[0][0, 0]
    torch.testing.assert_close(row, shares.regions[0][0, 15])
    assert row[:14].eq(1).all()
    assert row[18:].eq(0).all()
    torch.testing.assert_close(row[14:18], torch.tensor([0.875, 0.625, 0.375, 0.125]))


def test_a_mask_counts_where_it_is_white_whatever_its_size(demo):
    mask = Image.new("L", (120, 60))
    ImageDraw.Draw(mask).rectangle((0, 0, 59, 59), fill=255)
    painted = shares_of(order_of(demo, {}, masks=(mask,), regions_base=0, regions_feather=0))
    boxed = shares_of(order_of(demo, LEFT, regions_base=0, regions_feather=0))
    torch.testing.assert_close(painted.regions[0], boxed.regions[0])
    soft = shares_of(order_of(demo, {}, masks=(mask,), regions_base=0, regions_feather=0.25))
    faded = shares_of(order_of(demo, LEFT, regions_base=0, regions_feather=0.25))
    torch.testing.assert_close(soft.regions[0], faded.regions[0], rtol=0, atol=0.05)
    half = shares_of(order_of(demo, {}, masks=(Image.new("L", (8, 8), 128),), regions_base=0))
    assert half.regions[0] == pytest.approx(128 / 255)


@pytest.mark.parametrize("view", [View(0.25, 0, 0.5, 0.5), View(-0.5, 0.5, 1, 1)])
def test_a_part_of_the_picture_has_that_part_of_the_maps(demo, view):
    """For tiles and what is drawn only masked. Beyond the picture it goes on as at its edge."""
    mask = Image.new("L", (64, 64))
    ImageDraw.Draw(mask).ellipse((8, 8, 50, 56), fill=255)
    for masks in ((), (mask,)):
        order = order_of(demo, {"x": 0.3, "y": 0.2, "width": 0.4, "height": 0.8}, masks=masks, regions_base=0)
        whole = shares_of(order, 32, 32).regions[0][0]
        part = shares_of(replace(order, view=view), round(32 * view.height), round(32 * view.width)).regions[
            0
        ][0]
        rows = (torch.arange(part.shape[0]) + round(32 * view.top)).clamp(0, 31)
        columns = (torch.arange(part.shape[1]) + round(32 * view.left)).clamp(0, 31)
        torch.testing.assert_close(part, whole[rows][:, columns], rtol=0, atol=0.01)


def test_what_has_no_say_is_left_out(demo):
    nothing = Image.new("L", (8, 8))
    order = order_of(demo, {"weight": 0}, {}, LEFT, masks=(None, nothing, None), view=View(0.6, 0, 0.4, 1))
    assert shares_of(order) is ALONE
    assert list(shares_of(replace(order, view=WHOLE)).regions) == [2]
    assert shares_of(order_of(demo)) is ALONE


@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), st.floats(0, 1))
def test_shares_hold_for_single_places(covers, base):
    own, others = shared([np.full((1, 1), cover) for cover in covers], [1.0] * len(covers), base)
    assert float(own[0, 0] + sum(other[0, 0] for other in others)) == pytest.approx(1)
    if sum(covers) >= 1:
        assert float(own[0, 0]) == pytest.approx(base)


# What is drawn


@pytest.fixture(scope="module")
def drawn(engine, demo):
    """The picture, as whole numbers, that the demo model draws; the same again is not drawn anew."""
    known = {}

    def drawn(prompt="", *regions, masks=(), **fields):
        fields = {"width": 128, "height": 128, "steps": 8, "cfg_scale": 4.0, **fields}
        order = order_of(demo, *regions, masks=masks, prompt=prompt, **fields)
        if masks or order.params not in known:
            recorder = Recorder()
            engine.draw(order, recorder)
            known[order.params] = recorder.images[0]
        return known[order.params]

    return drawn


def off(one, other, part):
    """How far two pictures are from each other, in a part of them."""
    return np.abs(one[part] - other[part]).mean()


@pytest.mark.parametrize("fields", [{}, {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.6}])
def test_each_half_is_as_its_own_prompt_draws_it(drawn, fields):
    both = drawn("", {"prompt": BLUE, **LEFT}, {"prompt": RED, **RIGHT}, regions_base=0, **fields)
    blue, red = drawn(BLUE, **fields), drawn(RED, **fields)
    middle = both.shape[1] // 2
    left, right = np.s_[:, : middle - 8], np.s_[:, middle + 8 :]
    assert off(both, blue, left) < 0.7 * off(both, red, left)
    assert off(both, red, right) < 0.7 * off(both, blue, right)
    # Blue is blue and red is red.
    assert both[left][..., 2].mean() > both[left][..., 0].mean() + 20
    assert both[right][..., 0].mean() > both[right][..., 2].mean() + 20


def test_a_painted_mask_divides_the_picture_as_a_rectangle_does(drawn):
    mask = Image.new("L", (32, 32))
    ImageDraw.Draw(mask).rectangle((0, 0, 15, 31), fill=255)
    fields = {"regions_base": 0, "regions_feather": 0}
    boxed = drawn(RED, {"prompt": BLUE, **LEFT}, **fields)
    painted = drawn(RED, {"prompt": BLUE}, masks=(mask,), **fields)
    assert np.abs(boxed - painted).max() <= 1


@pytest.mark.parametrize("prompt", [BLUE, f"{BLUE} AND a 3d owl:0.5", f"[{RED}:{BLUE}:0.5]"])
def test_a_region_that_is_everywhere_is_the_picture(drawn, prompt):
    region = drawn("an owl", {"prompt": prompt}, regions_base=0)
    assert (region == drawn(prompt)).all()


def test_without_a_say_regions_change_nothing(drawn):
    plain = drawn(BLUE)
    assert (drawn(BLUE, {"prompt": RED, "weight": 0}) == plain).all()
    assert (drawn(BLUE, {"prompt": RED}, regions_base=1) == plain).all()


def test_each_region_costs_a_row(engine, demo, studio, count_rows):
    rows = count_rows(studio.model.unet)
    small = {"width": 64, "height": 64, "steps": 1, "sampler_name": "Euler"}
    for regions, base, cost in (
        ((), 0.2, 2),
        ((LEFT,), 0.2, 3),
        ((LEFT, RIGHT), 0.2, 4),
        ((LEFT, RIGHT), 0, 3),
    ):
        rows.clear()
        engine.draw(order_of(demo, *regions, prompt="owl", regions_base=base, **small), Recorder())
        assert rows == [cost]


def test_regions_of_a_picture_that_is_drawn_over_lie_on_the_whole_of_it(drawn, engine, demo):
    """Only masked: the part that is drawn lies in the right half, and hears the right region alone."""
    picture = Image.new("RGB", (128, 128), "grey")
    mask = Image.new("L", (128, 128))
    ImageDraw.Draw(mask).rectangle((80, 40, 120, 80), fill=255)
    fields = {
        "prompt": "an owl", "init_images": ("x",), "inpaint_full_res": True, "inpaint_full_res_padding": 0,
        "denoising_strength": 0.9, "width": 64, "height": 64, "steps": 6, "mask_blur": 0, "regions_base": 0,
        "regions_feather": 0,
    }  # fmt: skip

    def painted(*regions, **others):
        order = order_of(demo, *regions, **{**fields, **others})
        recorder = Recorder()
        engine.draw(replace(order, inputs=replace(order.inputs, image=picture, mask=mask)), recorder)
        return recorder.images[0]

    regional = painted({"prompt": BLUE, **LEFT}, {"prompt": RED, **RIGHT})
    assert (regional == painted(prompt=RED)).all()
    assert not (regional == painted(prompt=BLUE)).all()


def test_tiles_hear_the_regions_that_lie_in_them(demo):
    """SD upscale: which part of the large picture each tile is."""
    seen = []

    class Watching:
        def draw(self, order, observer, already=0, helpers=None):
            seen.append((order.view, list(shares_of(order).regions)))

            class Done:
                image, seed, infotext = order.inputs.image, 1, ""

            observer.picture(Done)

    script = SDUpscale(scale_factor=2, overlap=0, upscaler="None")
    order = order_of(demo, LEFT, RIGHT, init_images=("x",), width=64, height=64, regions_feather=0)
    order = replace(order, inputs=replace(order.inputs, image=Image.new("RGB", (128, 64))))
    TiledDrawing(order, script).draw(Watching(), Recorder(), 0, None)
    assert seen == [(View(0, 0, 0.5, 1), [0]), (View(0.5, 0, 0.5, 1), [1])]


def test_what_hires_fix_cuts_off_is_cut_off_the_maps():
    params = GenerationParams(width=128, height=64, enable_hr=True, hr_resize_x=128, hr_resize_y=128)
    enlargement = params.enlargement()
    assert enlargement.covering == (256, 128)
    assert _view(enlargement) == View(0.25, 0, 0.5, 1)
    batch = Batch(Order(params, None, 1), 1, range(1))
    assert of_second_pass(batch, enlargement.size, _view(enlargement)).order.view == View(0.25, 0, 0.5, 1)


# What is heard


def heard(model, prompt, *regions, shares):
    said = PicturePrompt(prompt, "flat <lora:never:1>", regions=regions)
    return Conditioning(PromptEncoder(model), [said], 4, shares=shares)


def names(part):
    return [(network.name, network.args) for network in part.networks]


def test_networks_of_a_region_are_heard_in_its_row_alone(model):
    shares = Shares(torch.full((1, 2, 2), 0.2), {0: torch.full((1, 2, 2), 0.8), 2: 0.5})
    said = heard(
        model,
        "owl <lora:style:1>",
        "cat <lora:pet:0.5>",
        "unheard <lora:no:1>",
        "<lora:style:0.3>",
        shares=shares,
    )
    with torch.inference_mode():
        own, first, second = said.at(0)[0].wanted
        unwanted = said.at(0)[0].unwanted
    style = ("style", ("1",))
    assert names(own) == names(unwanted) == [style]
    assert names(first) == [style, ("pet", ("0.5",))]
    assert names(second) == [("style", ("0.3",))]


def test_parts_of_a_regions_prompt_keep_their_weights(model):
    share = torch.full((1, 2, 2), 0.5)
    said = heard(model, "owl", "cat AND dog:0.5", shares=Shares(0.5, {0: share}))
    own, cat, dog = said.at(0)[0].wanted
    assert own.weight == 0.5
    assert torch.equal(cat.weight, share)
    assert torch.equal(dog.weight, share / 2)
    assert said.at(1)[0].wanted[1] is cat


def test_too_many_parts_are_refused(model):
    with pytest.raises(EngineError, match="34 parts by AND and regions"):
        heard(model, "owl", *[" AND ".join("abc")] * 11, shares=Shares(1.0, dict.fromkeys(range(11), 0.1)))


# What is told


def test_a_picture_tells_its_regions_and_masks_as_rectangles(demo):
    mask = Image.new("L", (100, 50))
    ImageDraw.Draw(mask).rectangle((10, 10, 29, 39), fill=255)
    order = order_of(demo, {"prompt": "a"}, {"prompt": "__x__", "mask": "ab" * 16}, masks=(None, mask))
    order = replace(order, prompts=(PicturePrompt("p", "n", regions=("a", "cat")),))
    first, second = order.told(0, "Karras").regions
    assert first == Region(prompt="a")
    assert second == Region(prompt="cat", x=0.1, y=0.2, width=0.2, height=0.6)
