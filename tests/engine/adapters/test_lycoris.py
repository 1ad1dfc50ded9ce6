"""Files of LyCORIS do to a network what the library itself does to it.

One module of the demo UNet becomes the library's, with random numbers for training. It runs there, and our
way from the file.
"""

import copy

import pytest
import torch
from lycoris.modules.boft import ButterflyOFTModule
from lycoris.modules.diag_oft import DiagOFTModule
from lycoris.modules.full import FullModule
from lycoris.modules.glora import GLoRAModule
from lycoris.modules.ia3 import IA3Module
from lycoris.modules.locon import LoConModule
from lycoris.modules.loha import LohaModule
from lycoris.modules.lokr import LokrModule

from tests.engine.adapters.test_numbers import (  # noqa: F401
    CONV,
    LINEAR,
    always,
    fitted,
    injected,
    stem,
    unet,
)
from tests.engine.networks import noise

DORA = {"weight_decompose": True}
KINDS = [
    (LoConModule, {}),
    (LoConModule, {"use_tucker": True}),
    (LoConModule, {"use_scalar": True}),
    (LoConModule, {"rs_lora": True}),
    (LoConModule, DORA),
    (LoConModule, {**DORA, "wd_on_out": True}),
    (LohaModule, {}),
    (LohaModule, {"use_tucker": True}),
    (LohaModule, DORA),
    (LokrModule, {"factor": 4}),
    (LokrModule, {"factor": 4, "use_tucker": True}),
    (LokrModule, {"factor": 4, "decompose_both": True}),
    (LokrModule, {"factor": 4, "full_matrix": True}),
    (LokrModule, {"factor": 4, **DORA}),
    (IA3Module, {"train_on_input": False}),
    (IA3Module, {"train_on_input": True}),
    (GLoRAModule, {}),
    (DiagOFTModule, {}),
    (DiagOFTModule, {"constraint": 1e-2}),
    (DiagOFTModule, {"rescaled": True}),
    (ButterflyOFTModule, {}),
    (ButterflyOFTModule, {"constraint": 1e-2}),
    (ButterflyOFTModule, {"rescaled": True}),
    (FullModule, {}),
]


def trained(module, path, kind, options):
    """The library's module, in the place of the network's."""
    made = kind(stem(path), module, lora_dim=10, alpha=5, **options)
    made.apply_to()
    numbers = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += torch.randn(parameter.shape, generator=numbers) * 0.2
    return made.eval()


@pytest.mark.parametrize("path", [LINEAR, CONV])
@pytest.mark.parametrize(("kind", "options"), KINDS, ids=str)
def test_a_file_does_what_the_library_does(unet, fitted, kind, options, path):  # noqa: F811
    module = unet.get_submodule(path)
    other = copy.deepcopy(module)
    made = trained(other, path, kind, options)
    weights = made.custom_state_dict() or made.state_dict()
    lora = fitted({f"{stem(path)}.{name}": value.contiguous() for name, value in weights.items()})
    assert (lora.notices, lora.count) == ((), 1)
    inputs = noise(1, module.weight.shape[1], *(4, 4)[: module.weight.ndim - 2], seed=3)
    with torch.no_grad():
        plain, expected = module(inputs), other(inputs)
        with injected(unet, lora) as injection:
            injection.weigh(always(1.0))
            found = module(inputs)
    effect = (expected - plain).abs().max()
    assert effect > 1e-2
    assert (found - expected).abs().max() < effect / 500
