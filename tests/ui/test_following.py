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
    CHANGING,
    MEANT_FOR,
    OWN_LOOP_ONLY,
    brought_inside,
    followed,
    refiner_choices,
    restored,
)
from webui.ui.sections import FOLLOWING_SAMPLER


@pytest.fixture(scope="module")
def catalog():
    return Catalog.over([BUILT_IN_CHECKPOINTS])


def model(family, **defaults):
    return ModelFile(
        "one", Path("one.safetensors"), identity=Identity("checkpoint", family), defaults=defaults
    )


def updates(catalog, model):
    return dict(zip(CHANGING, followed(catalog, model), strict=True))


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
    assert hidden(catalog, model(family)) == {*FOLLOWING_SAMPLER, *useless}
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
    assert refiner_choices(catalog, shelf[0]) == ["None", "one", "refiner"]
    assert refiner_choices(catalog, model("sd2")) == ["None", "old"]
    place = CHANGING.index("refiner_checkpoint")
    assert followed(catalog, model("sdxl"), "refiner")[place]["value"] == "refiner"
    assert followed(catalog, model("sd1"), "refiner")[place]["value"] == "None"


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


def hidden(catalog, model):
    return {field for field, update in updates(catalog, model).items() if not update["visible"]}


@pytest.mark.parametrize("family", ["sd3", "flux", "other"])
def test_what_other_families_can_not_use_is_hidden(catalog, family):
    assert hidden(catalog, replace(model(family), folder=True)) == set(OWN_LOOP_ONLY)


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_a_vae_can_be_chosen_for_single_files_of_sd3_and_flux(catalog, family):
    assert hidden(catalog, model(family)) == {*OWN_LOOP_ONLY} - {"vae"}


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
