import pytest
import torch
from diffusers import DDPMScheduler
from diffusers.training_utils import compute_snr

from webui.engine.samplers.schedules import NoiseTable
from webui.training.noising import Noising

CPU = torch.device("cpu")


def theirs(prediction):
    return DDPMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=prediction
    )


@pytest.fixture
def rows():
    torch.manual_seed(0)
    return torch.randn(5, 4, 8, 8), torch.randn(5, 4, 8, 8), torch.tensor([0, 10, 400, 900, 999])


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_noises_and_asks_as_diffusers_does(prediction, rows):
    latents, noise, timesteps = rows
    ours = Noising(NoiseTable.scaled_linear(), prediction, CPU)
    scheduler = theirs(prediction)
    assert torch.allclose(ours.noisy(*rows), scheduler.add_noise(*rows), atol=1e-5)
    wanted = noise if prediction == "epsilon" else scheduler.get_velocity(latents, noise, timesteps)
    assert torch.allclose(ours.target(*rows), wanted, atol=1e-5)


def test_min_snr_is_that_of_its_paper():
    timesteps = torch.tensor([0, 100, 500, 999])
    snr = compute_snr(theirs("epsilon"), timesteps)
    table = NoiseTable.scaled_linear()
    assert torch.allclose(
        Noising(table, "epsilon", CPU).weights(timesteps, 5.0), snr.clamp(max=5) / snr, rtol=1e-3
    )
    assert torch.allclose(
        Noising(table, "v_prediction", CPU).weights(timesteps, 5.0), snr.clamp(max=5) / (snr + 1), rtol=1e-3
    )
    assert Noising(table, "epsilon", CPU).weights(timesteps, 0).tolist() == [1, 1, 1, 1]


def test_shares_are_whole_timesteps():
    noising = Noising(NoiseTable.scaled_linear(), "epsilon", CPU)
    assert noising.timesteps(torch.tensor([0.0, 0.5, 0.9999])).tolist() == [0, 500, 999]
