"""Prompts to embeddings, beside transformers' own tokenizer and text encoder."""

import pytest
import torch
from transformers import CLIPTokenizer

from tests.loading import token_rows
from webui.engine import encoding
from webui.engine.encoding import PromptEncoder, Reading

PHRASE = "a 3d panda on a blue background"
FITTING = 8
"""So many of these phrases, each with its comma, are the most that fit into 75 tokens."""
LONG = ", ".join([PHRASE] * 12)


@pytest.fixture(autouse=True)
def inference_mode():
    with torch.inference_mode():
        yield


@pytest.fixture
def runs(model):
    """The token rows of each run of the text encoder."""
    runs = []
    hook = model.encoders[0].network.register_forward_pre_hook(lambda _, inputs: runs.append(inputs[0]))
    yield runs
    hook.remove()


@pytest.fixture
def embed(model):
    return lambda text, **reading: PromptEncoder(model).embed(text, Reading(**reading)).tokens


@pytest.mark.parametrize("prompt", ["", "a 3d panda on a blue background", "Größe, 42!"])
def test_a_short_prompt_is_encoded_as_by_diffusers(model, demo, embed, prompt):
    theirs = CLIPTokenizer.from_pretrained(demo.path / "tokenizer")
    ids = theirs(prompt, padding="max_length", max_length=77, return_tensors="pt").input_ids
    assert torch.equal(embed(prompt), model.encoders[0].network(ids)[0])
    assert embed(prompt).shape == (1, 77, 192)


def test_a_long_prompt_is_encoded_in_chunks_side_by_side(embed, runs):
    tokens = embed(LONG)
    assert tokens.shape == (1, 154, 192)
    assert runs[0].shape == (2, 77)
    # The phrase that would be cut at the 75th token begins the second chunk.
    first, second = f"{PHRASE}, " * FITTING, ", ".join([PHRASE] * (12 - FITTING))
    torch.testing.assert_close(tokens[:, :77], embed(first), rtol=0, atol=1e-5)
    torch.testing.assert_close(tokens[:, 77:], embed(second), rtol=0, atol=1e-5)


def test_break_begins_a_chunk(embed):
    both = embed("a panda BREAK an owl")
    assert both.shape == (1, 154, 192)
    torch.testing.assert_close(both[:, :77], embed("a panda"), rtol=0, atol=1e-5)
    torch.testing.assert_close(both[:, 77:], embed("an owl"), rtol=0, atol=1e-5)


def test_a_weight_scales_its_words_vectors(model, embed):
    plain = embed("a red panda")
    stressed = embed("a (red:1.5) panda", emphasis="No norm")
    assert torch.equal(stressed[:, 2], plain[:, 2] * 1.5)  # after start and "a"
    assert torch.equal(stressed[:, 3:], plain[:, 3:])
    assert torch.equal(stressed[:, :2], plain[:, :2])


def test_the_original_emphasis_keeps_the_mean(embed):
    plain, stressed = embed("a red panda"), embed("a (red:1.5) panda")
    factor = (stressed / embed("a (red:1.5) panda", emphasis="No norm")).flatten()
    assert float(factor.std()) < 1e-4
    assert float(factor.mean()) != pytest.approx(1, abs=1e-6)
    assert float(stressed.mean()) == pytest.approx(float(plain.mean()), rel=1e-4)


def test_only_the_chunk_with_weights_is_evened_out(embed):
    assert torch.equal(embed("a (red:1.5) panda BREAK an owl")[:, 77:], embed("a panda BREAK an owl")[:, 77:])


@pytest.mark.parametrize(
    ("emphasis", "same_as"), [("Ignore", "a red panda"), ("Original", "a red panda"), ("None", None)]
)
def test_brackets_without_effect(embed, emphasis, same_as):
    text = "a (red:1.5) panda" if emphasis == "Ignore" else "a (red:1.0) panda"
    found = embed(text, emphasis=emphasis)
    assert torch.equal(found, embed("a red panda")) == (same_as is not None)


def test_clip_skip_listens_to_an_earlier_layer(model, embed):
    network = model.encoders[0].network
    hidden = network(
        torch.tensor([token_rows(model.encoders[0].tokenizer, "a panda")[0]]), output_hidden_states=True
    ).hidden_states
    norm = getattr(network, "text_model", network).final_layer_norm
    assert torch.equal(embed("a panda", clip_skip=2), norm(hidden[-2]))


def test_the_same_text_is_encoded_once(model, runs):
    encoder = PromptEncoder(model)
    first = encoder.embed("panda")
    assert encoder.embed("panda", Reading()) is first
    assert len(runs) == 1
    assert encoder.embed("panda", Reading(clip_skip=2)) is not first
    assert encoder.unwanted("panda") is first
    assert len(runs) == 2


def test_texts_not_used_for_long_are_forgotten(model, runs, monkeypatch):
    monkeypatch.setattr(encoding, "REMEMBERED_CHUNKS", 3)
    encoder = PromptEncoder(model)
    for prompt in ("panda", "owl", "fox", "bee"):
        encoder.embed(prompt)
    del runs[:]
    for prompt in ("bee", "fox", "owl"):
        encoder.embed(prompt)
    assert not runs
    encoder.embed("panda")
    assert len(runs) == 1
