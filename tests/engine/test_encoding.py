"""Prompts to embeddings, beside transformers' own tokenizer and text encoder."""

import pytest
import torch
from transformers import CLIPTokenizer

from webui.engine import encoding
from webui.engine.encoding import PromptEncoder

LONG = ", ".join(["a 3d panda on a blue background"] * 12)


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


@pytest.mark.parametrize("prompt", ["", "a 3d panda on a blue background", "Größe, 42!"])
def test_a_short_prompt_is_encoded_as_by_diffusers(model, demo, prompt):
    theirs = CLIPTokenizer.from_pretrained(demo.path / "tokenizer")
    ids = theirs(prompt, padding="max_length", max_length=77, return_tensors="pt").input_ids
    mine = PromptEncoder(model).encode(prompt, "")
    assert torch.equal(mine.positive.tokens, model.encoders[0].network(ids)[0])
    assert mine.positive.tokens.shape == mine.negative.tokens.shape == (1, 77, 192)


def test_a_long_prompt_is_encoded_in_chunks_side_by_side(model):
    rows = torch.tensor(model.encoders[0].tokenizer.chunks(LONG))
    assert len(rows) == 2
    both = model.encoders[0].network(rows).last_hidden_state
    mine = PromptEncoder(model).encode(LONG, "")
    assert torch.equal(mine.positive.tokens, torch.cat([both[0], both[1]])[None])


@pytest.mark.parametrize(("prompt", "negative"), [(LONG, "blurry"), ("panda", LONG)])
def test_the_shorter_prompt_is_filled_up(model, prompt, negative):
    mine = PromptEncoder(model).encode(prompt, negative)
    assert mine.positive.tokens.shape == mine.negative.tokens.shape == (1, 154, 192)
    short = mine.negative.tokens if prompt == LONG else mine.positive.tokens
    nothing = PromptEncoder(model).encode("", "").positive.tokens
    torch.testing.assert_close(short[:, 77:], nothing, rtol=0, atol=1e-5)


def test_the_same_text_is_encoded_once(model, runs):
    encoder = PromptEncoder(model)
    first = encoder.encode("panda", "blurry")
    again = encoder.encode("panda", "blurry")
    assert len(runs) == 2
    assert again.positive.tokens is first.positive.tokens
    encoder.encode("panda", LONG)  # the prompt again, but filled up to two chunks
    assert len(runs) == 4
    encoder.encode("panda", "blurry")
    assert len(runs) == 4


def test_texts_not_used_for_long_are_forgotten(model, runs, monkeypatch):
    monkeypatch.setattr(encoding, "REMEMBERED_CHUNKS", 3)
    encoder = PromptEncoder(model)
    for prompt in ("panda", "owl", "fox", "bee"):
        encoder.encode(prompt, "")
    del runs[:]
    encoder.encode("bee", "")
    encoder.encode("fox", "")
    assert not runs
    encoder.encode("owl", "")
    assert len(runs) == 1
