"""What the page's controls are called and offer."""

import gradio as gr

from tests.tiny.files import write_sd1
from webui.catalog.catalog import Catalog
from webui.config import BUILT_IN_CHECKPOINTS
from webui.params import GenerationParams
from webui.prompting.styles_store import StyleStore
from webui.ui.components.controls import Maker
from webui.ui.components.fields import BROUGHT, ELEMENT_IDS, ELSEWHERE, NO_CONTROL, TOLD, element_id
from webui.ui.components.hints import hints
from webui.ui.components.ranges import FOR_NOTHING, RADIOS, SLIDERS, held_value, shown_value
from webui.ui.components.token_count import TokenCounts
from webui.ui.following import starting_params


def test_every_parameter_has_a_title_and_a_hint():
    for name, field in GenerationParams.model_fields.items():
        assert field.title, name
        assert field.description, name
        assert len(field.description) < 100, name


def test_every_control_has_a_hint_under_a1111s_name():
    known = hints()
    without = {*ELSEWHERE, *BROUGHT, *TOLD, *NO_CONTROL, "script"}
    assert set(ELEMENT_IDS) == set(GenerationParams.model_fields) - without
    for name in (
        *("prompt", "neg_prompt", "sampling", "batch_count", "seed", "clip_skip", "subseed_strength"),
        *("seed_resize_from_w", "switch_at", "hr_upscaler", "hires_steps", "denoising_strength", "hr_scale"),
        *("resize_mode", "mask_blur", "mask_mode", "inpainting_fill", "inpaint_full_res_padding"),
    ):
        assert known[name]


def test_what_a1111_names_once_has_that_id_in_the_first_tab_alone():
    assert element_id("img2img", "denoising_strength") == "img2img_denoising_strength"
    assert element_id("inpaint", "vae") == "setting_sd_vae"
    assert [element_id(tab, "script") for tab in ("txt2img", "inpaint")] == [
        "script_list",
        "inpaint_script_list",
    ]
    assert element_id("img2img", "mask") == "img2img_canvas"


def test_controls_open_with_the_checkpoints_settings():
    model = Catalog.over([BUILT_IN_CHECKPOINTS]).default()
    params = starting_params(model)
    assert (params.width, params.steps, params.cfg_scale) == (128, 20, 4.0)
    assert params.prompt == model.examples[0]
    slider = Maker("txt2img", params).control("width")
    assert (slider.label, slider.value, slider.elem_id) == ("Width", 128, "txt2img_width")


def test_each_field_has_the_control_that_suits_its_type():
    make = Maker("txt2img", GenerationParams())
    kinds = {field: type(make.control(field)) for field in ("subseed", "eta", "tiling", "rng", "s_churn")}
    assert kinds == {
        "subseed": gr.Number,
        "eta": gr.Number,
        "tiling": gr.Checkbox,
        "rng": gr.Dropdown,
        "s_churn": gr.Slider,
    }
    assert [choice for choice, _ in make.control("rng").choices] == ["CPU", "GPU", "NV"]
    assert (make.control("subseed").precision, make.control("eta").value) == (0, None)


def test_sliders_offer_only_what_the_parameters_take():
    for field, (lowest, highest, _) in SLIDERS.items():
        params = GenerationParams.model_validate({field: lowest}).changed(**{field: highest})
        assert getattr(params, field) == highest


def test_choices_side_by_side_are_all_that_the_parameters_take():
    for field, (_, choices) in RADIOS.items():
        values = [value for _, value in choices]
        assert [getattr(GenerationParams(**{field: value}), field) for value in values] == values
    radio = Maker("img2img", GenerationParams()).control("inpainting_fill")
    assert (radio.label, radio.value, radio.choices[0]) == ("Masked content", 1, ("fill", 0))


def test_a_name_that_is_empty_has_a_word_of_its_own():
    for field, word in FOR_NOTHING.items():
        assert (shown_value(field, ""), held_value(field, word), held_value(field, None)) == (word, "", "")
        assert (shown_value(field, "one"), held_value(field, "one")) == ("one", "one")
    assert (shown_value("scale_by", 0.0), shown_value("scale_by", 1.5)) == (1.0, 1.5)
    assert held_value("eta", None) is None


def test_without_any_checkpoint_the_defaults_are_a1111s():
    params = starting_params(None)
    assert (params.width, params.height, params.steps, params.cfg_scale) == (512, 512, 20, 7.0)
    assert (params.sampler_name, params.scheduler) == ("DPM++ 2M", "Automatic")


def test_token_counts_follow_the_checkpoints_tokenizer():
    counts = TokenCounts(Catalog.over([BUILT_IN_CHECKPOINTS]), StyleStore([]))
    assert counts.text("a 3d panda on a blue background", "darkroom-demo") == "8/75"
    assert counts.text("panda " * 76, "") == "76/150"
    assert counts.text("panda", "no such model") == "–/75"


def test_single_files_are_counted_with_clips_own_tokens(tmp_path):
    write_sd1(tmp_path / "one.safetensors")
    counts = TokenCounts(Catalog.over([tmp_path]), StyleStore([]))
    assert counts.text("a photo of a cat", "one.safetensors") == "5/75"
