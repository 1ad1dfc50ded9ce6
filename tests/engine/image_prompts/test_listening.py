"""Cross-attentions that listen to pictures: which do, and which rows to what."""

import pytest
import torch

from tests.engine.networks import demo_unet, noise, run
from tests.tiny import make
from webui.engine.company import Given
from webui.engine.image_prompts.influence import listeners
from webui.engine.image_prompts.listening import ImagePrompt, Listening, cross_attentions

REAL_XL = [
    *(f"down_blocks.{block}.attentions.{place}.transformer_blocks.{layer}.attn2"
      for block, layers in ((1, 2), (2, 10)) for place in (0, 1) for layer in range(layers)),
    *(f"up_blocks.{block}.attentions.{place}.transformer_blocks.{layer}.attn2"
      for block, layers in ((0, 10), (1, 2)) for place in (0, 1, 2) for layer in range(layers)),
    *(f"mid_block.attentions.0.transformer_blocks.{layer}.attn2" for layer in range(10)),
]  # fmt: skip
REAL_SD = [
    *(f"down_blocks.{block}.attentions.{place}.transformer_blocks.0.attn2"
      for block in (0, 1, 2) for place in (0, 1)),
    *(f"up_blocks.{block}.attentions.{place}.transformer_blocks.0.attn2"
      for block in (1, 2, 3) for place in (0, 1, 2)),
    "mid_block.attentions.0.transformer_blocks.0.attn2",
]  # fmt: skip


@pytest.fixture(scope="module")
def unet():
    return demo_unet()


def heard(unet, seed=0):
    """Made-up keys and values of three tokens."""
    layers = cross_attentions(unet)
    widths = [layer.to_k.out_features for layer in layers.values()]
    return {
        name: (noise(2, 3, width, seed=seed + place), noise(2, 3, width, seed=seed + place + 50))
        for place, (name, width) in enumerate(zip(layers, widths, strict=True))
    }


def given(wanted, share=0.0):
    empty = torch.zeros(0)
    return Given(empty, empty, empty, None, (0,) * len(wanted), wanted, ((),) * len(wanted), 1.0, share)


def always(_):
    return True


def changed(unet, prompt):
    """The cross-attentions whose sums are others while `prompt` is heard."""
    layers, sums, found = cross_attentions(unet), {}, set()
    handles = [
        layer.to_out[0].register_forward_pre_hook(lambda _, x, name=name: sums.update({name: x[0]}))
        for name, layer in layers.items()
    ]
    with Listening(unet, [prompt], (16, 16)) as listening:
        listening.beside(given((False, True)))
        for name, layer in layers.items():

            def compare(_, x, name=name):
                if not torch.equal(sums[name], x[0]):
                    found.add(name)

            handles.append(layer.to_out[0].register_forward_pre_hook(compare))
        run(unet)
    for handle in handles:
        handle.remove()
    return found


@pytest.mark.parametrize(
    ("influence", "where"),
    [("All", ""), ("Style", "up_blocks.1."), ("Composition", ("down_blocks.1.", "mid_block."))],
)
def test_style_and_composition_reach_their_layers_only(unet, influence, where):
    everything = heard(unet)
    own = {name: everything[name] for name in listeners(everything, "sd1", influence)}
    found = changed(unet, ImagePrompt(own, 1.0, always))
    assert found == {name for name in everything if name.startswith(where)} != set()


def test_the_layers_of_the_real_models():
    """Of the papers' code: one of SDXL's attentions each; a block or two of SD 1.5's."""
    style, composition = (listeners(REAL_XL, "sdxl", influence) for influence in ("Style", "Composition"))
    assert {name.split(".transformer")[0] for name in style} == {"up_blocks.0.attentions.1"}
    assert {name.split(".transformer")[0] for name in composition} == {"down_blocks.2.attentions.1"}
    assert len(style) == len(composition) == 10
    assert {name[:11] for name in listeners(REAL_SD, "sd1", "Style")} == {"up_blocks.1"}
    assert {name[:9] for name in listeners(REAL_SD, "sd1", "Composition")} == {"down_bloc", "mid_block"}
    assert len(listeners(REAL_SD, "sd1", "Composition")) == 3
    assert listeners(REAL_SD, "sd1", "All") == set(REAL_SD)


def test_negative_rows_listen_to_nothing_and_the_others_to_the_picture(unet):
    """Rows in any order: each is given what its own prompt hears."""
    latents = noise(1, 4, 16, 16).repeat(2, 1, 1, 1)
    text = noise(1, 77, unet.config.cross_attention_dim).repeat(2, 1, 1)

    @torch.inference_mode()
    def drawn(*wanted):
        with Listening(unet, [ImagePrompt(heard(unet), 0.7, always)], (16, 16)) as listening:
            listening.beside(given(wanted))
            rows = latents[: len(wanted)], torch.tensor([500]), text[: len(wanted)]
            return unet(*rows, return_dict=False)[0]

    both, turned = drawn(False, True), drawn(True, False)
    torch.testing.assert_close(both.flip(0), turned)
    torch.testing.assert_close(both[1:], drawn(True))
    assert (both[0] - both[1]).abs().max() > 1e-3


def test_a_mask_follows_sides_that_are_no_multiples(unet):
    """Latents of 15 x 9: the levels below have 8 x 5 and 4 x 3 places."""
    mask = torch.zeros(15, 9)
    white = ImagePrompt(heard(unet), 1.0, always, mask + 1)
    black = ImagePrompt(heard(unet), 1.0, always, mask)
    latents = noise(2, 4, 15, 9)

    def drawn(*prompts):
        with Listening(unet, prompts, (15, 9)) as listening:
            listening.beside(given((False, True)))
            return run(unet, latents=latents)

    assert torch.equal(drawn(black), drawn())
    torch.testing.assert_close(drawn(white), drawn(ImagePrompt(heard(unet), 1.0, always)))


def test_compiled_blocks_run_uncompiled_meanwhile(unet):
    block = next(module for module in unet.modules() if type(module).__name__ == "BasicTransformerBlock")
    vars(block)["_compiled_call_impl"] = compiled = object()
    with Listening(unet, [ImagePrompt(heard(unet), 1.0, always)], (16, 16)):
        assert vars(block)["_compiled_call_impl"] is None
    assert vars(block).pop("_compiled_call_impl") is compiled


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_layers_are_numbered_as_in_files(family):
    unet = make(family).parts["unet"]
    named = [name.removesuffix(".processor") for name in unet.attn_processors if ".attn2." in name]
    assert list(cross_attentions(unet)) == named
