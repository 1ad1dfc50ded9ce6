"""The scripts' controls: what they hold as params, brought back, and counted."""

import pytest

from webui.catalog.catalog import Catalog
from webui.config import BUILT_IN_CHECKPOINTS
from webui.params import GenerationParams, InvalidParamsError
from webui.params.scripts import Loopback, PromptMatrix, PromptsFromFile, SDUpscale, XYZPlot
from webui.scripts.axes import find_axis
from webui.ui.components.axes import written
from webui.ui.components.script_fields import SCRIPTS, script_id
from webui.ui.script_controls import ROWS, ScriptControls, count
from webui.ui.tabs import IMG2IMG

CATALOG = Catalog.over([BUILT_IN_CHECKPOINTS])


@pytest.fixture
def controls(lay_out):
    def choices(axis):
        return find_axis(axis).choices(CATALOG, ["film", "a, b"])

    # That of a tab with all scripts.
    return lay_out(lambda: ScriptControls(IMG2IMG, choices, CATALOG))


def held(controls, script):
    """The values by control, once `script` has been brought back."""
    values = {control: control.value for control in controls.inputs}
    for control, update in zip(controls.outputs, controls.shown(script), strict=True):
        if control not in values:
            continue
        if not isinstance(update, dict):
            values[control] = update
        elif "value" in update:
            values[control] = update["value"]
    return values


def test_every_field_of_a_script_has_a_control():
    for name, kind in SCRIPTS.items():
        axes = {field for field in kind.model_fields if field[1:] in ("_axis", "_values")}
        laid = [field for row in ROWS[name] for field in row]
        assert sorted(laid) == sorted({*kind.model_fields} - axes - {"name"})


def test_ids_are_a1111s():
    assert script_id("txt2img", "X/Y/Z plot", "x_type") == "script_txt2img_xyz_plot_x_type"
    assert script_id("txt2img", "Prompt matrix") == "script_txt2img_prompt_matrix"


def test_at_first_there_is_no_script(controls):
    assert controls.wish({control: control.value for control in controls.inputs}) is None
    assert controls.wish(held(controls, None)) is None


@pytest.mark.parametrize(
    "script",
    [
        XYZPlot(x_axis="Seed", x_values="1-3", y_axis="Sampler", y_values="Euler,Euler a", margin_size=4),
        XYZPlot(x_axis="Styles", x_values='film,"a, b"', draw_legend=False, vary_seeds_z=True),
        PromptMatrix(prompt_type="negative", different_seeds=True),
        Loopback(loops=3, final_denoising_strength=0.2, denoising_curve="Lazy"),
        SDUpscale(overlap=32, scale_factor=1.5, upscaler="Nearest"),
        PromptsFromFile(prompts="a\n--prompt b --steps 3", insert_at="end"),
    ],
)
def test_a_script_comes_back_as_it_was(controls, script):
    wish = controls.wish(held(controls, script))
    assert GenerationParams(script=wish).script == script


def test_only_the_chosen_script_is_shown(controls):
    updates = controls.shown(PromptMatrix())[1 : 1 + len(SCRIPTS)]
    assert [update["visible"] for update in updates] == [name == "Prompt matrix" for name in SCRIPTS]


def test_an_axis_with_choices_shows_a_list_and_a_button_that_fills_it(controls):
    axes = controls._axes
    axis, values, picked, fill = axes.shown_one("sampler", "euler, Heun")
    assert axis["value"] == "Sampler"
    assert (values["visible"], picked["visible"], fill["visible"]) == (False, True, True)
    assert picked["value"] == ["Euler", "Heun"]
    assert "DPM++ 2M" in picked["choices"]
    _, values, picked, fill = axes.shown_one("CFG Scale", "3-7 (+2)")
    assert (values["visible"], values["value"]) == (True, "3-7 (+2)")
    assert (picked["visible"], fill["visible"]) == (False, False)
    assert [update.get("visible") for update in axes.shown_one("No such axis", "")[1:]] == [False] * 3


def test_a_name_that_is_no_axis_offers_nothing(controls):
    axes = controls._axes
    assert axes.text("<b>no axis</b>", "1,2", ["a"]) == "1,2"
    assert axes._offered("<b>no axis</b>") == []


def test_picked_values_are_written_so_that_commas_in_them_stay():
    assert written(["a, b", "c", 'say "x"']) == '"a, b",c,"say ""x"""'
    assert written([]) == ""


@pytest.mark.parametrize(
    ("fields", "pictures"),
    [
        ({"script": XYZPlot(x_values="1-3", y_axis="Steps", y_values="5,10"), "batch_size": 2}, 12),
        ({"script": PromptMatrix(), "prompt": "a|b|c", "n_iter": 3, "batch_size": 2}, 4),
        ({"script": PromptsFromFile(prompts="a\n\nb\n--prompt c --n_iter 3"), "n_iter": 1}, 5),
    ],
)
def test_pictures_are_counted(fields, pictures):
    assert count(GenerationParams(**fields)) == pictures


def test_what_can_not_be_counted_says_why():
    with pytest.raises(InvalidParamsError, match="X values are empty"):
        count(GenerationParams(script=XYZPlot()))
