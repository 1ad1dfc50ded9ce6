"""Orders on tiny models: skipping, going on after a first try, sizes, guidance, broken models."""

import copy
import functools
from dataclasses import replace

import pytest
import torch

from tests.engine.general.conftest import IDENTITY, Recorder
from webui.engine.general.call import grain, prepare
from webui.engine.general.studio import NO_NETWORKS, PLAIN_TEXT, GeneralStudio
from webui.engine.protocol import EngineError
from webui.params import GenerationParams
from webui.prompting.prepared import PicturePrompt


def test_a_skipped_batch_is_followed_by_the_next(models):
    recorder = models("flux").draw(Recorder(skip_at=(1, 1)), n_iter=2, seed=6)
    assert [picture.seed for picture in recorder.pictures] == [7]
    assert recorder.steps == [(1, 0, 2), (1, 1, 2), (2, 0, 2), (2, 1, 2), (2, 2, 2)]


def test_what_was_finished_before_an_interrupt_stays(models):
    recorder = models("sd3").draw(Recorder(interrupt_at=(2, 2)), n_iter=3)
    assert [picture.seed for picture in recorder.pictures] == [7]


@pytest.mark.parametrize(("already", "seeds"), [(0, [4, 5, 6, 7]), (1, [5, 6, 7]), (2, [6, 7]), (4, [])])
def test_pictures_handed_over_before_are_not_drawn_again(models, already, seeds):
    recorder = models("z-image").draw(already=already, seed=4, batch_size=2, n_iter=2, steps=1)
    assert [picture.seed for picture in recorder.pictures] == seeds


def test_the_prompt_is_read_once_for_all_batches(models):
    model, read = models("flux"), []
    hook = model.modules["text_encoder"].register_forward_hook(lambda *_: read.append(1))
    try:
        model.draw(n_iter=3)
        assert len(read) == 1
        model.draw()
        assert len(read) == 2
    finally:
        hook.remove()
    assert "encode_prompt" not in vars(model.pipeline)


@pytest.mark.parametrize("family", ["sd3", "chroma", "qwen-image", "schnell", "z-image", "pixart"])
def test_the_prompt_and_the_negative_prompt_are_heard(models, family):
    model = models(family)
    plain, positive = model.draw(steps=3), model.draw(prompt="something else", steps=3)
    negative = model.draw(negative_prompt="something ugly", steps=3)
    assert plain.bytes != positive.bytes
    assert plain.bytes != negative.bytes
    assert negative.notices == []


def test_prompts_are_read_as_plain_text_and_that_is_told(models):
    model = models("flux")
    weighed = model.draw(prompt="a (red:1.4) cat<lora:x:1>", n_iter=2)
    assert weighed.bytes == model.draw(n_iter=2).bytes
    assert weighed.notices == [PLAIN_TEXT, NO_NETWORKS]
    assert weighed.pictures[0].infotext.startswith("a (red:1.4) cat<lora:x:1>\n")


def test_each_picture_has_its_own_prompt(models):
    model = models("flux")
    said = tuple(PicturePrompt(text, "") for text in ("a red cat", "a red cat", "a blue dog"))
    recorder = Recorder()
    model.studio.draw(replace(model.order(batch_size=3), prompts=said), recorder)
    assert [picture.seed for picture in recorder.pictures] == [7, 8, 9]
    assert [picture.infotext.splitlines()[0] for picture in recorder.pictures] == [one.prompt for one in said]
    alone = model.draw(prompt="a blue dog", seed=9)
    assert recorder.pictures[2].image.tobytes() == alone.pictures[0].image.tobytes()


def test_a_skipped_batch_is_left_with_all_of_its_prompts(models):
    model = models("flux")
    said = tuple(PicturePrompt(text, "") for text in ("a red cat", "a blue dog", "an owl", "a bee"))
    recorder = Recorder(skip_at=(1, 1))
    model.studio.draw(replace(model.order(batch_size=2, n_iter=2), prompts=said), recorder)
    assert [picture.seed for picture in recorder.pictures] == [9, 10]
    first, second = [(1, 0, 4), (1, 1, 4)], [(2, step, 4) for step in (0, 1, 2, 2, 3, 4)]
    assert recorder.steps == first + second


@pytest.mark.parametrize("family", ["flux", "flux2-klein"])
def test_a_negative_prompt_that_a_model_cannot_hear_is_told_once(models, family):
    recorder = models(family).draw(negative_prompt="ugly", n_iter=2)
    assert recorder.notices == ["This model knows no negative prompt; it was left out."]
    assert recorder.bytes == models(family).draw(n_iter=2).bytes


@pytest.mark.parametrize(
    ("family", "named"),
    [
        ("sd3", {"guidance_scale": 4.0}),
        ("flux", {"guidance_scale": 4.0}),
        ("schnell", {"true_cfg_scale": 4.0, "max_sequence_length": 256}),
        ("chroma", {"guidance_scale": 4.0}),
        ("qwen-image", {"true_cfg_scale": 4.0}),
        ("z-image", {"guidance_scale": 3.0}),
    ],
)
def test_guidance_has_another_name_in_every_family(models, family, named):
    call = prepare(models(family).pipeline, GenerationParams(cfg_scale=4.0))
    given = {name: value for name, value in call.arguments.items() if "scale" in name or "sequence" in name}
    assert given == named


@pytest.mark.parametrize(("family", "rows"), [("z-image", 1), ("sd3", 1)])
def test_a_cfg_scale_of_one_costs_no_second_pass(models, family, rows):
    model, seen = models(family), []
    transformer = model.modules["transformer"]
    hook = transformer.register_forward_pre_hook(
        lambda _, given, named: seen.append(len(given[0] if given else named["hidden_states"])),
        with_kwargs=True,
    )
    try:
        model.draw(cfg_scale=1.0, steps=1)
    finally:
        hook.remove()
    assert seen == [rows]


@pytest.mark.parametrize(
    ("family", "step"),
    [("sd3", 16), ("flux", 16), ("qwen-image", 16), ("flux2-klein", 16), ("z-image", 16), ("sana", 4)],
)
def test_sides_are_multiples_of_what_a_token_covers(models, family, step):
    assert grain(models(family).pipeline) == step


@pytest.mark.parametrize("family", ["sd3", "flux", "z-image", "lumina2", "flux2-klein"])
def test_a_size_that_does_not_fit_is_rounded_and_told(models, family):
    recorder = models(family).draw(width=72, height=104)
    (picture,) = recorder.pictures
    assert picture.image.size == (64, 96)
    assert recorder.notices == ["This model draws in steps of 16 pixels: 64x96 instead of 72x104."]
    assert "Size: 64x96, " in picture.infotext


def test_a_model_that_keeps_to_a_size_of_its_own_is_told(models, monkeypatch):
    model = models("flux")
    call = type(model.pipeline).__call__

    @functools.wraps(call)
    def stubborn(self, **given):
        return call(self, **{**given, "width": 96})

    monkeypatch.setattr(type(model.pipeline), "__call__", stubborn)
    recorder = model.draw(n_iter=2)
    assert recorder.notices == ["This model draws in a size of its own: 96x64 instead of 64x64."]
    assert "Size: 96x64, " in recorder.pictures[1].infotext


@torch.no_grad()
def test_numbers_that_are_none_are_no_picture(models):
    model = models("sd3")
    broken = copy.deepcopy(model.modules["vae"])
    broken.decoder.conv_out.bias.fill_(float("nan"))
    pipeline = type(model.pipeline)(**{**model.pipeline.components, "vae": broken})
    recorder = Recorder()
    with pytest.raises(EngineError, match=r"NaN.*Precision"):
        GeneralStudio(pipeline, lambda: IDENTITY).draw(model.order(), recorder)
    assert not recorder.pictures


def test_what_a_pipeline_refuses_is_said_in_a_sentence(models):
    model = models("sd3")
    too_large = model.order(width=1024, height=64)  # its tiny position table ends at 512
    with pytest.raises(EngineError, match=r'^"tiny" can\'t draw this: .*\.$'):
        model.studio.draw(too_large, Recorder())


def test_without_t5_sd3_says_so(models):
    model = models("sd3")
    parts = {**model.pipeline.components, "text_encoder_3": None, "tokenizer_3": None}
    recorder = Recorder()
    GeneralStudio(type(model.pipeline)(**parts), lambda: IDENTITY).draw(model.order(), recorder)
    assert len(recorder.pictures) == 1
    assert "T5" in recorder.notices[0]
