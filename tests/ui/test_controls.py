"""What the page's controls are called and offer."""

from webui.catalog.checkpoints import Catalog
from webui.config import BUILT_IN_CHECKPOINTS
from webui.params import GenerationParams
from webui.ui.components.controls import ELEMENT_IDS, Maker, hints
from webui.ui.components.token_count import TokenCounts
from webui.ui.txt2img import starting_params


def test_every_parameter_has_a_title_and_a_hint():
    for name, field in GenerationParams.model_fields.items():
        assert field.title, name
        assert field.description, name
        assert len(field.description) < 80, name


def test_every_control_has_a_hint_under_a1111s_id():
    known = hints("txt2img")
    assert set(ELEMENT_IDS) == set(GenerationParams.model_fields) - {"checkpoint"}
    for element in (
        "txt2img_prompt",
        "txt2img_neg_prompt",
        "txt2img_sampling",
        "txt2img_batch_count",
        "txt2img_seed",
    ):
        assert known[element]


def test_controls_open_with_the_checkpoints_settings():
    model = Catalog([BUILT_IN_CHECKPOINTS]).default()
    params = starting_params(model)
    assert (params.width, params.steps, params.cfg_scale) == (128, 20, 4.0)
    assert params.prompt == model.examples[0]
    slider = Maker("txt2img", params).slider("width", 64, 2048, 8)
    assert (slider.label, slider.value, slider.elem_id) == ("Width", 128, "txt2img_width")


def test_without_any_checkpoint_the_defaults_are_a1111s():
    params = starting_params(None)
    assert (params.width, params.height, params.steps, params.cfg_scale) == (512, 512, 20, 7.0)
    assert (params.sampler_name, params.scheduler) == ("DPM++ 2M", "Automatic")


def test_token_counts_follow_the_checkpoints_tokenizer():
    counts = TokenCounts(Catalog([BUILT_IN_CHECKPOINTS]))
    assert counts.text("a 3d panda on a blue background", "darkroom-demo") == "8/75"
    assert counts.text("panda " * 76, "") == "76/150"
    assert counts.text("panda", "no such model") == "–/75"
