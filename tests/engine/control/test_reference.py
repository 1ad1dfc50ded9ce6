"""Reference pictures: what the UNet remembers of them."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests import tiny
from tests.conftest import PROMPT, Recorder
from tests.engine.control.walks import STEPS, control, params_of, picture, walked
from tests.engine.networks import state
from tests.loading import load
from webui.catalog.catalog import Catalog
from webui.engine.control.reference import MODULES, References, reference
from webui.engine.control.steering import Say
from webui.engine.protocol import Order
from webui.params.control import ControlUnit


@pytest.fixture(scope="module")
def plain(sd1):
    return walked(sd1)


@pytest.mark.parametrize("module", MODULES)
def test_it_changes_the_picture_and_leaves_no_trace(sd1, plain, module):
    before = state(sd1.unet)
    steered = walked(sd1, control(module=module))
    assert not torch.allclose(steered, plain, atol=1e-3)
    assert state(sd1.unet) == before
    assert torch.equal(walked(sd1), plain)


@pytest.mark.parametrize("unit", [{"weight": 0}, {"guidance_start": 1}])
def test_without_a_say_nothing_is_changed(sd1, plain, unit):
    assert torch.equal(walked(sd1, control(module="reference_only", **unit)), plain)


def calls(model, count_rows, *units):
    rows = count_rows(model.unet)
    walked(model, *units)
    return len(rows)


def test_the_unet_sees_it_only_while_it_has_a_say(sd1, count_rows):
    half = control(module="reference_only", guidance_end=0.5)
    assert calls(sd1, count_rows, half) == STEPS + STEPS // 2


def test_what_is_looked_at_beside_oneself(sd1):
    """In a block of attention: own tokens attend to own and the reference's."""
    unet, unit = sd1.unet, ControlUnit(module="reference_only", control_mode="My prompt is more important")
    attention = unet.mid_block.attentions[0].transformer_blocks[0].attn1
    seen = reference("reference_only", torch.randn(1, 4, 8, 8), Say(unit), 0.5)
    own, other = torch.randn(2, 4, 64), torch.randn(2, 4, 64)
    with torch.inference_mode(), References(unet, [seen]) as steerer:
        steerer._written = seen
        attention(other)
        steerer._written, steerer._active = None, [seen]
        found = attention(own)
    with torch.inference_mode():
        expected = attention(own, encoder_hidden_states=torch.cat([own, other], 1))
    torch.testing.assert_close(found, expected)


def test_a_lower_weight_leaves_the_narrower_layers_alone(sd1):
    def layers(weight):
        seen = reference("reference_only", torch.randn(1, 4, 8, 8), Say(ControlUnit(weight=weight)), 0.5)
        given = []
        walked(sd1, seen=given, steps=1)
        with torch.inference_mode(), References(sd1.unet, [seen]) as steerer:
            steerer.residuals(given[0])
            return [attention.to_q.in_features for attention in seen.attended]

    half, every = layers(0.5), layers(1.0)
    assert len(half) == len(every) // 2
    assert sorted(half) == sorted(every)[-len(half) :]


def test_features_take_on_the_references_statistics(sd1):
    unit = ControlUnit(module="reference_adain", control_mode="My prompt is more important")
    seen = reference("reference_adain", torch.randn(1, 4, 8, 8), Say(unit), 0.5)
    own, theirs = torch.randn(1, 64, 4, 4), 5 + 3 * torch.randn(1, 64, 4, 4)
    with References(sd1.unet, [seen]) as steerer:
        steerer._written = seen
        steerer._adapt(0.0, sd1.unet.mid_block, None, theirs)
        steerer._written, steerer._active = None, [seen]
        found = steerer._adapt(0.0, sd1.unet.mid_block, None, own)
    torch.testing.assert_close(found.mean((2, 3)), theirs.mean((2, 3)), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(found.var((2, 3)), theirs.var((2, 3)), rtol=1e-3, atol=1e-3)


def rows_told(model, mode, fidelity=0.5):
    """By how much each row of the first call differs from what it is without a reference."""
    outputs = []
    hook = model.unet.register_forward_hook(lambda _, __, output: outputs.append(output[0].clone()))
    walked(model, steps=1)
    walked(model, control(module="reference_only", control_mode=mode, threshold_a=fidelity), steps=1)
    hook.remove()
    free, _, steered = outputs
    return [float((one - other).abs().max()) for one, other in zip(steered, free, strict=True)]


def test_who_follows_it(sd1):
    negative, positive = rows_told(sd1, "ControlNet is more important")
    assert negative < 1e-5 < positive
    negative, positive = rows_told(sd1, "My prompt is more important")
    assert min(negative, positive) > 1e-4
    half, _ = rows_told(sd1, "Balanced", 0.5)
    less, _ = rows_told(sd1, "Balanced", 0.9)
    assert 0 < less < half < negative


def test_a_picture_is_the_same_alone_and_in_a_batch(sd1):
    unit = control(module="reference_adain+attn")
    torch.testing.assert_close(walked(sd1, unit, prompts=2)[:1], walked(sd1, unit), rtol=1e-3, atol=1e-3)


def test_two_references(sd1):
    one, other = control(module="reference_only"), control(None, picture(9), module="reference_only")
    both = walked(sd1, one, other)
    for unit in (one, other):
        assert not torch.allclose(both, walked(sd1, unit), atol=1e-4)


def test_an_inpainting_model_is_shown_it_too(tmp_path):
    tiny.write_sd1(tmp_path / "a.safetensors", variant="inpaint")
    unet = load(Catalog.over([tmp_path]).find("a")).unet
    seen = reference("reference_only", torch.randn(1, 4, 8, 8), Say(ControlUnit()), 0.5)
    with References(unet, [seen]) as steerer:
        assert steerer._completed(seen.latents, seen.latents).shape == (1, 9, 8, 8)


def test_the_demo_model_takes_on_a_references_colours(engine, demo):
    """A panda on white, shown something orange."""
    orange = Image.new("RGB", (128, 128), (250, 150, 20))
    orange.paste((40, 30, 30), (30, 30, 90, 90))

    def colour(*units):
        observer = Recorder()
        params = params_of(prompt=PROMPT, width=128, height=128, steps=5, sampler_name="DPM++ 2M")
        engine.draw(Order(params, demo, 7, controls=units), observer)
        return np.asarray(observer.pictures[0].image).mean((0, 1))

    mode = "ControlNet is more important"
    free, steered = colour(), colour(control(None, orange, module="reference_only", control_mode=mode))
    goal = np.asarray(orange).mean((0, 1))
    assert np.abs(steered - goal).mean() < 0.8 * np.abs(free - goal).mean()
