from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.params import MAX_SEED, GenerationParams, InvalidParamsError
from webui.params.scripts import XYZPlot
from webui.scripts.planning import plan


def planned(seed=5, subseed=9, params=None, **script):
    script = {"x_axis": "Nothing", **script}
    return plan(GenerationParams(prompt="a cat", script=XYZPlot(**script), **(params or {})), seed, subseed)


def cells(*args, **kwargs):
    return list(planned(*args, **kwargs).cells())


def refused(**kwargs):
    with pytest.raises(InvalidParamsError) as refusal:
        cells(**kwargs)
    assert refusal.value.field == "script"
    return str(refusal.value)


def test_every_combination_is_drawn_once_in_its_place():
    found = cells(
        x_axis="Steps",
        x_values="10,20,30",
        y_axis="CFG Scale",
        y_values="4, 8",
        z_axis="Sampler",
        z_values="Euler",
    )
    told = {(cell.params.steps, cell.params.cfg_scale): cell.place for cell in found}
    expected = product(enumerate((10, 20, 30)), enumerate((4.0, 8.0)))
    assert told == {(steps, scale): (x, y, 0) for (x, steps), (y, scale) in expected}
    assert [cell.place for cell in found][:4] == [(0, 0, 0), (1, 0, 0), (2, 0, 0), (0, 1, 0)]
    assert all(cell.params.script is None and cell.params.prompt == "a cat" for cell in found)
    assert found[0].name == "Steps: 10, CFG Scale: 4, Sampler: Euler"


def test_the_costliest_axis_changes_least():
    found = cells(
        x_axis="Checkpoint name", x_values="a,b", y_axis="VAE", y_values="v,w", z_axis="Seed", z_values="1,2"
    )
    assert [cell.params.checkpoint for cell in found] == list("aaaabbbb")
    assert [cell.params.vae for cell in found] == list("vvwwvvww")
    assert [cell.params.seed for cell in found] == [1, 2] * 4


@given(
    st.lists(st.integers(1, 5), min_size=3, max_size=3), st.permutations(["Steps", "Checkpoint name", "VAE"])
)
@settings(max_examples=30)
def test_each_place_is_met_once_whatever_the_axes(sizes, names):
    lines = {
        f"{letter}_{part}": value
        for letter, size, name in zip("xyz", sizes, names, strict=True)
        for part, value in (("axis", name), ("values", ",".join(str(number + 1) for number in range(size))))
    }
    places = [cell.place for cell in cells(**lines)]
    assert sorted(places) == sorted(product(*map(range, sizes)))


def test_what_stands_beside_the_grid():
    layout = planned(
        x_axis="Steps", x_values="10,20", z_axis="Prompt S/R", z_values="cat, dog", margin_size=4
    ).layout
    assert [[label.text for label in labels] for labels in layout.columns] == [["Steps: 10"], ["Steps: 20"]]
    assert layout.rows == ((),)
    assert [[label.text for label in labels] for labels in layout.layers] == [["cat"], ["dog"]]
    assert (layout.margin, layout.sub_grids) == (4, False)


def test_without_legend_the_grid_has_its_size_and_no_texts():
    layout = planned(x_axis="Steps", x_values="10,20", draw_legend=False).layout
    assert layout.columns == ((), ())


def test_sub_grids_are_for_layers():
    assert planned(z_axis="Steps", z_values="1,2", include_sub_grids=True).layout.sub_grids
    assert not planned(x_axis="Steps", x_values="1,2", include_sub_grids=True).layout.sub_grids


def test_the_grid_tells_how_it_was_made_as_a1111_does():
    facts = dict(planned(x_axis="Seed", x_values="-1, 3", y_axis="Steps", y_values="1-2").facts)
    assert facts["Script"] == "X/Y/Z plot"
    assert (facts["X Type"], facts["X Values"]) == ("Seed", "-1, 3")
    assert facts["Fixed X Values"].endswith(", 3")
    assert (facts["Y Type"], facts["Y Values"]) == ("Steps", "1-2")
    assert "Z Type" not in facts


# Seeds


@pytest.mark.parametrize(
    "values", ["1-99999999999999999999999999 [5]", f"{'9' * 5000}-{'9' * 5000}", "9" * 5000]
)
@pytest.mark.parametrize("axis", ["Seed", "Steps", "CFG Scale", "Size"])
def test_numbers_beyond_measure_are_refused(axis, values):
    refused(x_axis=axis, x_values=values)


def test_random_seeds_that_stay_random_are_not_told_as_fixed():
    facts = dict(planned(x_axis="Seed", x_values="-1,5", no_fixed_seeds=True).facts)
    assert "Fixed X Values" not in facts
    assert "Fixed X Values" not in dict(planned(x_axis="Seed", x_values="10-12").facts)
    assert "Fixed X Values" in dict(planned(x_axis="Seed", x_values="-1,5").facts)


def test_one_random_seed_serves_all_cells():
    assert {(cell.seed, cell.subseed) for cell in cells(x_axis="Steps", x_values="1-3")} == {(5, 9)}
    assert {cell.seed for cell in cells(x_axis="Steps", x_values="1-3", params={"seed": 77})} == {77}


def test_minus_one_on_the_seed_axis_is_random_but_the_same_along_the_others():
    found = cells(x_axis="Seed", x_values="-1,-1,3", y_axis="Steps", y_values="1,2")
    first, second, third, *again = [cell.seed for cell in found]
    assert len({first, second, third}) == 3
    assert third == 3
    assert again == [first, second, third]
    assert [cell.seed for cell in cells(x_axis="Seed", x_values="-1,-1,3")] == [first, second, third]
    assert cells(seed=6, x_axis="Seed", x_values="-1")[0].seed != first


def test_seeds_may_be_kept_random():
    found = cells(x_axis="Steps", x_values="1-20", no_fixed_seeds=True)
    assert len({cell.seed for cell in found}) == 20
    assert [cell.seed for cell in cells(x_axis="Steps", x_values="1-20", no_fixed_seeds=True)] == [
        cell.seed for cell in found
    ]
    assert all(cell.params.seed == cell.seed >= 0 for cell in found)


def test_seeds_vary_along_the_axes_that_say_so():
    lines = {"x_axis": "Steps", "x_values": "1,2,3", "y_axis": "CFG Scale", "y_values": "1,2"}

    def seeds(**vary):
        return [cell.seed - 5 for cell in cells(**lines, **vary)]

    assert seeds(vary_seeds_x=True) == [0, 1, 2, 0, 1, 2]
    assert seeds(vary_seeds_y=True) == [0, 0, 0, 1, 1, 1]
    assert seeds(vary_seeds_x=True, vary_seeds_y=True) == [0, 1, 2, 3, 4, 5]


def test_the_largest_seed_goes_round():
    found = cells(x_axis="Steps", x_values="1,2", vary_seeds_x=True, params={"seed": MAX_SEED})
    assert [cell.seed for cell in found] == [MAX_SEED, 0]


# Prompts


def test_replacements_follow_one_another():
    found = cells(x_axis="Prompt S/R", x_values="cat, dog", y_axis="Prompt S/R", y_values="a, two")
    assert [cell.params.prompt for cell in found] == ["a cat", "a dog", "two ctwot", "two dog"]


# What is refused


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ({"x_axis": "Stps"}, 'knows no axis "Stps"'),
        ({"x_axis": "Steps"}, 'X values are empty: say which Steps, or choose "Nothing".'),
        ({"y_axis": "Steps", "y_values": "1, many"}, 'Y axis, Steps: "many" is no number'),
        ({"x_axis": "Steps", "x_values": "100-200 [2]"}, "X axis, Steps: Sampling steps should be less than"),
        (
            {"z_axis": "Size", "z_values": "500x512"},
            "Z axis, Size: Width should be a multiple of 8 (it is 500).",
        ),
        ({"z_axis": "Size", "z_values": "8192x8192"}, "Lower the width, the height or the batch size"),
        ({"x_axis": "Prompt S/R", "x_values": "dog, cow"}, 'X axis, Prompt S/R: "dog" is neither in'),
        ({"x_axis": "Sampler", "x_values": "Eulr"}, 'X axis, Sampler: There is no sampler "Eulr"'),
        (
            {"x_axis": "Steps", "x_values": "1-150", "y_axis": "Seed", "y_values": "1-100"},
            "would make 30,000 pictures; the limit is 10,000",
        ),
    ],
)
def test_what_can_not_be_drawn_is_said_in_a_sentence(script, sentence):
    text = refused(params={"batch_size": 2}, **script)
    assert sentence in text
    assert text.endswith(".")
    assert ".." not in text
