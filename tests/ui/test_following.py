"""How the controls follow the checkpoint that is chosen."""

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from webui.catalog.catalog import Catalog
from webui.catalog.entry import Identity, ModelFile
from webui.config import BUILT_IN_CHECKPOINTS
from webui.params import GenerationParams
from webui.ui.following import (
    MEANT_FOR,
    OF_VARIANT,
    OWN_LOOP_ONLY,
    brought_inside,
    can_use,
    followed,
    following,
    kin_choices,
    restored,
)
from webui.ui.sections import DETAILER
from webui.ui.tabs import INPAINT, TXT2IMG

FIELDS = following((*TXT2IMG.fields, "vae"), starts=False)
OF_SAMPLERS = {"beta_alpha", "beta_beta", "uni_pc_order", "uni_pc_variant"}
OF_DETECTORS = {*DETAILER.inside} - {"detailer"}


@pytest.fixture(scope="module")
def catalog():
    return Catalog.over([BUILT_IN_CHECKPOINTS])


def model(family, **defaults):
    return ModelFile(
        "one", Path("one.safetensors"), identity=Identity("checkpoint", family), defaults=defaults
    )


def updates(catalog, model):
    return dict(zip(FIELDS, followed(catalog, model, FIELDS), strict=True))


def test_controls_take_what_is_set_for_the_checkpoint(catalog):
    found = updates(catalog, model("sdxl", width=1024, clip_skip=2, sampler_name="Euler a"))
    assert (found["width"]["value"], found["height"]["value"]) == (1024, 512)
    assert (found["clip_skip"]["value"], found["sampler_name"]["value"]) == (2, "Euler a")
    assert found["vae"]["value"] == "Automatic"


def test_a_persons_step_cache_is_left_alone(catalog):
    assert "value" not in updates(catalog, model("sd1"))["step_cache"]


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl", "sdxl-refiner", ""])
def test_stable_diffusion_shows_every_control_that_its_sampler_can_use(catalog, family):
    useless = {field for field, families in MEANT_FOR.items() if family and family not in families}
    useless |= OF_DETECTORS
    assert hidden(catalog, model(family)) == {*OF_SAMPLERS, *useless}
    assert hidden(catalog, model(family, scheduler="Beta")) == {"uni_pc_order", "uni_pc_variant", *useless}
    assert hidden(catalog, model(family, sampler_name="UniPC")) == {"beta_alpha", "beta_beta", *useless}


def test_what_changes_nothing_is_not_shown(catalog):
    assert "clip_skip" not in hidden(catalog, model("sd1"))
    assert "clip_skip" in hidden(catalog, model("sd2"))
    assert {"clip_skip", "token_merging_ratio"} <= hidden(catalog, model("sdxl"))


def test_another_checkpoints_refiner_stays_only_if_it_fits():
    shelf = [
        model("sdxl"),
        replace(model("sdxl-refiner"), name="refiner"),
        replace(model("sd1"), name="old"),
        replace(model("sdxl"), name="broken", problem="It is broken."),
    ]
    catalog = Shelf(shelf)
    assert kin_choices(catalog, shelf[0], "None") == ["None", "one", "refiner"]
    assert kin_choices(catalog, model("sd2"), "None") == ["None", "old"]
    for field, nothing in (("refiner_checkpoint", "None"), ("hr_checkpoint_name", "Use same checkpoint")):
        held = {field: "refiner"}
        assert followed(catalog, model("sdxl"), (field,), held)[0]["value"] == "refiner"
        assert followed(catalog, model("sd1"), (field,), held)[0]["value"] == nothing


class Shelf(Catalog):
    """A catalog of these checkpoints."""

    def __init__(self, checkpoints):
        self._checkpoints = checkpoints

    def checkpoints(self):
        return self._checkpoints

    def vaes(self):
        return []


def test_only_what_was_told_is_brought_back(catalog):
    controls = {"steps": gr.Slider(1, 150, step=1), "beta_alpha": gr.Slider(0, 4), "seed": gr.Number()}
    params = GenerationParams(steps=9, scheduler="Beta", seed=3)
    steps, beta, seed = restored(catalog, controls, params, catalog.default(), {"steps"})
    assert steps["value"] == 9
    assert "value" not in seed
    assert ("value" in beta, beta["visible"]) == (False, True)


def test_what_a_slider_can_not_show_is_told(catalog):
    controls = {"width": gr.Slider(64, 2048, step=8), "seed": gr.Number()}
    params = GenerationParams(width=3072, seed=5)
    (sentence,) = brought_inside(controls, params, {"width", "seed", "prompt"})
    assert sentence == "Width 3072 is beyond what the slider offers; it is set to 2048."


def useless(family):
    """What a family that our own loop doesn't draw has no use for; SD 3 and Flux can start from pictures."""
    fields = {field for field in OWN_LOOP_ONLY if field in FIELDS}
    return fields if family == "other" else fields - {"denoising_strength"}


def test_what_only_some_checkpoints_are_given_is_shown_for_them_alone():
    for field, variant in OF_VARIANT.items():
        assert not can_use(model("sd1"), field)
        other = replace(model("sd1"), identity=Identity("checkpoint", "sd1", variant))
        assert can_use(other, field)


def test_only_some_families_start_from_pictures():
    assert [can_use(model(family), "init_images") for family in ("sd1", "flux", "other")] == [
        True,
        True,
        False,
    ]
    assert can_use(model("flux"), "mask_blur")
    assert not can_use(model("flux"), "soft_inpainting")


def test_the_size_of_a_tab_with_a_canvas_is_its_pictures_affair():
    assert {"width", "height"} <= set(FIELDS)
    assert not {"width", "height"} & set(following(INPAINT.fields, starts=True))


def hidden(catalog, model):
    return {field for field, update in updates(catalog, model).items() if not update["visible"]}


@pytest.mark.parametrize("family", ["sd3", "flux", "other"])
def test_what_other_families_can_not_use_is_hidden(catalog, family):
    assert hidden(catalog, replace(model(family), folder=True)) == useless(family)


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_a_vae_can_be_chosen_for_single_files_of_sd3_and_flux(catalog, family):
    assert hidden(catalog, model(family)) == useless(family) - {"vae"}


def test_a_vae_that_has_gone_is_not_chosen(catalog):
    assert updates(catalog, model("sd1", vae="gone.safetensors"))["vae"]["value"] == "Automatic"
    assert updates(catalog, model("sd1", vae="None"))["vae"]["value"] == "None"


def test_restored_params_stay_within_what_the_controls_offer(catalog):
    controls = {
        "batch_size": gr.Slider(1, 8, step=1),
        "checkpoint": gr.Dropdown(),
        "vae": gr.Dropdown(),
        "clip_skip": gr.Slider(1, 12, step=1),
    }
    params = GenerationParams(batch_size=64, checkpoint="darkroom-demo", vae="gone", clip_skip=2)
    batch, checkpoint, vae, clip_skip = restored(catalog, controls, params, catalog.default())
    assert (batch["value"], checkpoint["value"], vae["value"], clip_skip["value"]) == (
        8,
        "darkroom-demo",
        "Automatic",
        2,
    )
    assert checkpoint["choices"] == [("darkroom-demo", "darkroom-demo")]
