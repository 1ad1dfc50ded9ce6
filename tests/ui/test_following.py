"""How the controls follow the checkpoint that is chosen."""

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from webui.catalog.catalog import Catalog
from webui.catalog.entry import Identity, ModelFile
from webui.config import BUILT_IN_CHECKPOINTS
from webui.params import GenerationParams
from webui.ui.following import CHANGING, OWN_LOOP_ONLY, followed, restored


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
def test_stable_diffusion_shows_every_control(catalog, family):
    assert all(update["visible"] for update in updates(catalog, model(family)).values())


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
