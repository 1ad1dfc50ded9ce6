"""Networks that tests put adapters on, and what they need to see that nothing is left of those."""

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from webui.config import BUILT_IN_CHECKPOINTS, DEMO


def demo_unet():
    folder = BUILT_IN_CHECKPOINTS / DEMO / "unet"
    return UNet2DConditionModel.from_pretrained(
        folder, local_files_only=True, torch_dtype=torch.float32
    ).eval()


def demo_vae():
    folder = BUILT_IN_CHECKPOINTS / DEMO / "vae"
    return AutoencoderKL.from_pretrained(folder, local_files_only=True, torch_dtype=torch.float32).eval()


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def run(unet, batch=2, height=16, width=16, seed=0, latents=None):
    """The UNet's output for made-up latents and text."""
    latents = noise(batch, 4, height, width, seed=seed) if latents is None else latents
    text = noise(len(latents), 77, unet.config.cross_attention_dim, seed=seed + 100)
    return unet(latents, torch.tensor([500]), encoder_hidden_states=text, return_dict=False)[0]


def state(*networks):
    """All that Python knows of the networks' modules, to be compared."""
    return [{name: _plain(vars(module)) for name, module in network.named_modules()} for network in networks]


def _plain(attributes):
    return {name: dict(value) if isinstance(value, dict) else value for name, value in attributes.items()}
