"""What the page's controls are called and offer."""

import gradio as gr

from tests.tiny.files import write_sd1
from webui.catalog.catalog import Catalog
from webui.config import BUILT_IN_CHECKPOINTS
from webui.params import GenerationParams
from webui.prompting.styles_store import StyleStore
from webui.ui.components.controls import ELEMENT_IDS, SLIDERS, Maker, hints
from webui.ui.components.token_count import TokenCounts
from webui.ui.following import starting_params


def test_every_parameter_has_a_title_and_a_hint():
    for name, field in GenerationParams.model_fields.items():
        assert field.title, name
        assert field.description, name
        assert len(field.description) < 100, name


def test_every_control_has_a_hint_under_a1111s_id():
    known = hints("txt2img")
    assert set(ELEMENT_IDS) == set(GenerationParams.model_fields) - {"checkpoint", "vae", "script"}
    for element in (
        "txt2img_prompt",
        "txt2img_neg_prompt",
        "txt2img_sampling",
        "txt2img_batch_count",
        "txt2img_seed",
        "txt2img_clip_skip",
        "txt2img_subseed_strength",
        "txt2img_seed_resize_from_w",
        "txt2img_switch_at",
        "setting_sd_vae",
    ):
        assert known[element]


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
