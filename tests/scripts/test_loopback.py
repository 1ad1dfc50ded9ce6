"""Each picture from the one before."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.params import MAX_SEED, GenerationParams, InvalidParamsError
from webui.params.scripts import Loopback
from webui.scripts.loopback import strength
from webui.scripts.planning import plan

NAME = "0" * 32


def planned(script=None, **fields):
    return plan(GenerationParams(init_images=(NAME,), script=script or Loopback(), **fields), 5, 9)


def test_loops_one_after_the_other():
    found = list(planned(Loopback(loops=3), batch_size=4, inpainting_fill=2).cells())
    assert [cell.from_last for cell in found] == [False, True, True]
    assert [cell.name for cell in found] == ["Loop 1 of 3", "Loop 2 of 3", "Loop 3 of 3"]
    assert [(cell.seed, cell.params.seed, cell.subseed) for cell in found] == [
        (5, 5, 9),
        (6, 6, 9),
        (7, 7, 9),
    ]
    assert [cell.pictures for cell in found] == [1, 1, 1]
    # What the first loop has drawn is what the others go on with.
    assert [cell.params.inpainting_fill for cell in found] == [2, 1, 1]


def test_batches_begin_anew():
    made = planned(Loopback(loops=2), n_iter=3)
    found = list(made.cells())
    assert [cell.from_last for cell in found] == [False, True] * 3
    assert [cell.seed for cell in found] == [5, 6, 7, 8, 9, 10]
    assert found[3].name == "Loop 2 of 2, batch 2 of 3"
    assert [cell.place for cell in found] == [(loop, batch, 0) for batch in range(3) for loop in range(2)]
    assert (len(made.layout.columns), len(made.layout.rows)) == (2, 3)


def test_a_single_loop_makes_no_grid():
    made = planned(Loopback(loops=1), denoising_strength=0.6)
    assert (made.count, made.layout) == (1, None)
    assert made.cell(0).params.denoising_strength == 0.6


@pytest.mark.parametrize(
    ("curve", "middle"),
    [("Linear", 0.5), ("Aggressive", math.sin(math.pi / 4)), ("Lazy", 1 - math.cos(math.pi / 4))],
)
def test_strengths_follow_the_curve(curve, middle):
    script = Loopback(loops=3, final_denoising_strength=0.2, denoising_curve=curve)
    found = [cell.params.denoising_strength for cell in planned(script, denoising_strength=0.8).cells()]
    assert found == [0.8, pytest.approx(0.8 - 0.6 * middle, abs=1e-6), 0.2]


@given(
    st.floats(0, 1), st.floats(0, 1), st.integers(1, 32), st.sampled_from(["Linear", "Aggressive", "Lazy"])
)
def test_strengths_stay_between_both_ends(first, final, loops, curve):
    script = Loopback(loops=loops, final_denoising_strength=final, denoising_curve=curve)
    found = [strength(first, script, loop) for loop in range(loops)]
    low, high = min(first, final) - 1e-6, max(first, final) + 1e-6
    assert all(low <= one <= high for one in found)
    assert found == sorted(found, reverse=final < first)


def test_a_picture_is_enlarged_once():
    found = [cell.params.scale_by for cell in planned(Loopback(loops=3), scale_by=2.0).cells()]
    assert found == [2.0, 1.0, 1.0]
    assert {cell.params.scale_by for cell in planned().cells()} == {0.0}


def test_room_to_paint_is_refused():
    with pytest.raises(InvalidParamsError, match="Outpaint first") as refusal:
        planned(outpaint_left=64)
    assert refusal.value.field == "script"


def test_the_pictures_tell_of_it():
    script = Loopback(loops=2)
    assert [cell.params.script for cell in planned(script).cells()] == [script, script]


def test_seeds_stay_seeds():
    assert [cell.seed for cell in planned(Loopback(loops=2), seed=MAX_SEED).cells()] == [MAX_SEED, 0]
