"""What schedulers are called in infotexts."""

import subprocess
import sys

import diffusers
import pytest
from diffusers import DPMSolverMultistepScheduler

from webui.catalog.entry import ModelFile
from webui.engine.general.naming import NEAREST, sampler_of


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({}, "DPM++ 2M"),
        ({"algorithm_type": "sde-dpmsolver++"}, "DPM++ 2M SDE"),
        ({"algorithm_type": "sde-dpmsolver++", "solver_type": "heun"}, "DPM++ 2M SDE Heun"),
        ({"algorithm_type": "sde-dpmsolver++", "solver_order": 3}, "DPM++ 3M SDE"),
    ],
)
def test_one_class_has_several_names(config, name):
    assert sampler_of(DPMSolverMultistepScheduler(**config)) == name


def test_a_folder_is_asked_without_loading_it(models):
    assert sampler_of(models("pixart").file) == "DPM++ 2M"
    assert sampler_of(models("sd3").file) == "Euler"


def test_single_files_draw_with_euler(tmp_path):
    assert sampler_of(ModelFile("flux", tmp_path / "flux.safetensors")) == "Euler"


def test_every_scheduler_named_here_is_one_of_diffusers():
    assert all(hasattr(diffusers, f"{name}Scheduler") for name in NEAREST)


def test_names_are_told_without_torch():
    code = "import sys; from webui.engine.general.naming import sampler_of; print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
