"""SD upscale: a picture enlarged and drawn over tile by tile, whole again without seams."""

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from PIL import Image
from torch.nn.modules.module import register_module_forward_pre_hook

from tests.conftest import PROMPT, Recorder, pixels
from tests.engine.upscaling.weights import compact, write
from webui.engine.protocol import Inputs, Order
from webui.infotext import read
from webui.params import GenerationParams
from webui.params.scripts import SDUpscale

SMALL = {
    "prompt": PROMPT,
    "width": 64,
    "height": 64,
    "steps": 2,
    "cfg_scale": 4.0,
    "denoising_strength": 0.5,
    "init_images": ("picture",),
}


def picture(width=44, height=40):
    y, x = np.mgrid[:height, :width] / max(width, height)
    pixels = np.stack([x * 250, y * 250, (x + y) * 120], -1)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.fixture
def upscale(engine, demo):
    def upscale(observer=None, *, image=None, upscalers=None, script=None, **fields):
        observer = observer or Recorder()
        script = SDUpscale(**{"overlap": 16, "scale_factor": 2.0, **(script or {})})
        params = GenerationParams(**{**SMALL, **fields}, script=script)
        inputs = Inputs(image or picture())
        engine.draw(Order(params, demo, 7, inputs=inputs, upscalers=upscalers or {}), observer)
        return observer

    return upscale


@pytest.fixture
def drawn(engine, demo):
    """One tile drawn by itself."""

    def drawn(image, seed, **fields):
        observer = Recorder()
        params = GenerationParams(**{**SMALL, **fields})
        engine.draw(Order(params, demo, seed, inputs=Inputs(image)), observer)
        return observer.pictures[0].image

    return drawn


@pytest.mark.parametrize(("batch_size", "count"), [(1, 3), (2, 2)])
def test_each_tile_is_drawn_over_and_the_tiles_are_joined(upscale, drawn, batch_size, count):
    """Seeds count up as where A1111 draws a batch of tiles at once: those of 2 begin at 7 and 8."""
    [made] = upscale(batch_size=batch_size).pictures
    assert made.image.size == (88, 80)
    large = picture().resize((88, 80), Image.Resampling.LANCZOS)
    # Of two in each of two rows, the parts that no other has a share in.
    first = drawn(large.crop((0, 0, 64, 64)), 7)
    assert np.array_equal(pixels(made.image)[:16, :24], pixels(first)[:16, :24])
    last = drawn(large.crop((24, 16, 88, 80)), 7 + count)
    assert np.array_equal(pixels(made.image)[-16:, -24:], pixels(last)[-16:, -24:])
    assert np.abs(pixels(made.image) - pixels(large)).mean() > 2


def test_progress_counts_the_steps_of_all_tiles(upscale):
    recorder = upscale(script={"overlap": 0}, n_iter=2)
    assert len(recorder.pictures) == 2
    assert len({steps for *_, steps in recorder.steps}) == 1
    for number in (1, 2):
        own = [step for iteration, step, _ in recorder.steps if iteration == number]
        assert own == sorted(own)
        assert own[-1] == recorder.steps[0][2]
    assert "sampling, tile 4 of 4" in recorder.phases


def test_its_infotext_is_that_of_the_first_tile_and_tells_the_script(upscale):
    [made] = upscale(steps=3).pictures
    told = read(made.infotext)
    assert (told.fields["width"], told.fields["height"], told.fields["seed"]) == (64, 64, 7)
    assert told.fields["denoising_strength"] == 0.5
    assert told.fields["script"] == SDUpscale(overlap=16)
    assert "SD upscale overlap: 16, SD upscale factor: 2, SD upscale upscaler: Lanczos" in made.infotext
    assert made.seed == 7
    [small] = upscale(steps=3, image=picture(30, 20)).pictures
    assert small.image.size == (60, 40)
    assert small.infotext == made.infotext


def test_at_strength_0_it_is_the_enlarged_picture(upscale, tmp_path):
    file = write(tmp_path / "2x_any.pth", compact(scale=2))
    script = {"upscaler": "2x_any", "scale_factor": 1.5}
    [made] = upscale(denoising_strength=0, script=script, upscalers={"2x_any": file}).pictures
    [plain] = upscale(denoising_strength=0, script={"scale_factor": 1.5}).pictures
    assert made.image.size == plain.image.size == (66, 60)
    assert plain.image == picture().resize((66, 60), Image.Resampling.LANCZOS)
    assert np.abs(pixels(made.image) - pixels(plain.image)).mean() > 1


def test_without_an_upscaler_the_size_stays(upscale):
    [made] = upscale(script={"upscaler": "None"}).pictures
    assert made.image.size == (44, 40)


def test_the_same_seed_is_the_same_picture_and_the_next_has_the_next_seed(upscale):
    once, again = (upscale(n_iter=2).pictures for _ in range(2))
    assert [made.image for made in once] == [made.image for made in again]
    assert once[0].image != once[1].image
    assert [made.seed for made in once] == [7, 8]


def test_it_can_be_interrupted_and_skipped_at_any_tile(upscale):
    steps = upscale(n_iter=2).steps
    half = next(step for step in steps if step[1] == steps[0][2] // 2)
    assert upscale(Recorder(interrupt_at=half[:2]), n_iter=2).pictures == []
    assert [made.seed for made in upscale(Recorder(skip_at=half[:2]), n_iter=2).pictures] == [8]


def test_where_memory_runs_out_the_finished_tiles_are_kept(upscale, engine):
    expected = upscale().pictures[0].image
    engine._sufficed = {}
    runs = []

    def fail_once(module, _):
        if isinstance(module, UNet2DConditionModel):
            runs.append(1)
            if len(runs) == 6:
                raise torch.OutOfMemoryError("CUDA out of memory.")

    hook = register_module_forward_pre_hook(fail_once)
    try:
        recorder = upscale()
    finally:
        hook.remove()
        engine._sufficed = {}
    whole = len(recorder.steps)
    assert len(recorder.pictures) == 1
    assert recorder.notices == ["Memory ran out; drawn with the VAE in tiles instead."]
    assert np.abs(pixels(recorder.pictures[0].image) - pixels(expected)).max() <= 2
    firsts = [step for _, step, _ in recorder.steps if step == 0]
    assert len(firsts) == 1
    assert whole < 2 * recorder.steps[0][2]


def test_a_mask_is_left_out_and_that_is_said(upscale):
    recorder = upscale(mask="mask")
    assert recorder.notices == ["SD upscale draws over the whole picture, so that the mask was left out."]
    assert recorder.pictures[0].image == upscale().pictures[0].image
