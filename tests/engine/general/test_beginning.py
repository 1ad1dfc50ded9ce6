"""Starting from a picture with diffusers' pipelines: strength, masks, sizes, steps."""

import numpy as np
import pytest
from diffusers.pipelines.auto_pipeline import (
    AUTO_IMAGE2IMAGE_PIPELINES_MAPPING,
    AUTO_INPAINT_PIPELINES_MAPPING,
)
from PIL import Image

from tests.engine.general.conftest import Recorder
from webui.engine.general.beginning import NO_NOISE, FromPicture, sibling
from webui.engine.general.naming import FROM_PICTURES, starts_from_pictures
from webui.engine.protocol import EngineError, Inputs
from webui.params import GenerationParams

FAMILIES = ["sd3-16", "flux", "chroma", "qwen-image", "z-image"]


def picture(size=(64, 64)):
    return Image.fromarray(np.random.default_rng(5).integers(0, 255, (*size[::-1], 3), np.uint8))


def left_half(size=(64, 64)):
    mask = Image.new("L", size)
    mask.paste(255, (0, 0, size[0] // 2, size[1]))
    return mask


def drawn(model, inputs, observer=None, already=0, **fields):
    observer = observer or Recorder()
    order = model.order(init_images=("0" * 32,), **{"steps": 4, **fields})
    order = type(order)(order.params, order.checkpoint, order.seed, inputs=inputs)
    model.studio.draw(order, observer, already)
    return observer


@pytest.mark.parametrize("family", FAMILIES)
def test_the_strength_is_how_far_a_picture_may_go(models, family):
    model, starts = models(family), (picture(), Image.new("RGB", (64, 64), "#406080"))
    weak = [drawn(model, Inputs(start), denoising_strength=0.25) for start in starts]
    strong = [drawn(model, Inputs(start), denoising_strength=1.0) for start in starts]
    assert weak[0].steps[-1] == (1, 1, 1)
    assert strong[0].steps[-1] == (1, 4, 4)
    apart = [abs(one.images[0] - other.images[0]).mean() for one, other in (weak, strong)]
    assert apart[0] > 2 * apart[1]
    assert drawn(model, Inputs(starts[0]), denoising_strength=0.25).bytes == weak[0].bytes
    assert "Denoising strength: 0.25" in weak[0].pictures[0].infotext


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_not_masked_stays_to_the_bit(models, family):
    start = picture()
    made = drawn(models(family), Inputs(start, left_half()), mask="0" * 32, mask_blur=0).pictures[0].image
    kept, changed = ((32, 0, 64, 64), (0, 0, 32, 64))
    assert made.crop(kept).tobytes() == start.crop(kept).tobytes()
    assert made.crop(changed).tobytes() != start.crop(changed).tobytes()


def test_a_picture_of_an_odd_size_keeps_it(models):
    start = picture((90, 70))
    fields = {"width": 96, "height": 72, "scale_by": 1.0, "mask": "0" * 32, "mask_blur": 0}
    made = drawn(models("sd3-16"), Inputs(start, left_half((90, 70))), **fields).pictures[0].image
    assert made.size == (90, 70)
    assert made.crop((45, 0, 90, 70)).tobytes() == start.crop((45, 0, 90, 70)).tobytes()


def test_only_the_masked_part_is_drawn_at_the_full_size(models):
    start, mask = picture((256, 256)), Image.new("L", (256, 256))
    mask.paste(255, (200, 200, 220, 220))
    made = drawn(models("flux"), Inputs(start, mask), mask="0" * 32, inpaint_full_res=True, mask_blur=0)
    changed = np.asarray(made.pictures[0].image) != np.asarray(start)
    assert changed[200:220, 200:220].any()
    changed[200:220, 200:220] = False
    assert not changed.any()


@pytest.mark.parametrize(("grey", "thick"), [(100, 32), (255, 3)])
def test_a_grey_mask_or_a_thin_one_counts(models, grey, thick):
    """Blurred, neither is anywhere as bright as half."""
    start, mask = picture((128, 128)), Image.new("L", (128, 128))
    mask.paste(grey, (16, 48, 112, 48 + thick))
    params = GenerationParams(init_images=("0" * 32,), mask="0" * 32, width=128, height=128, mask_blur=4)
    begin = FromPicture.of(models("flux").pipeline, Inputs(start, mask), params)
    given = begin.call(params).arguments["mask_image"]
    assert given.getpixel((64, 49)) == 255
    assert given.getpixel((64, 10)) == 0


def test_pictures_of_a_batch_have_their_own_seeds(models):
    together = drawn(models("sd3-16"), Inputs(picture()), batch_size=2, seed=7)
    alone = drawn(models("sd3-16"), Inputs(picture()), seed=8)
    assert [made.seed for made in together.pictures] == [7, 8]
    assert together.bytes[1] == alone.bytes[0] != together.bytes[0]
    rest = drawn(models("sd3-16"), Inputs(picture()), already=1, batch_size=2, seed=7)
    assert rest.bytes == together.bytes[1:]


def test_exact_steps_are_made_whatever_the_strength(models):
    made = drawn(models("flux"), Inputs(picture()), denoising_strength=0.5, img2img_fix_steps=True)
    assert made.steps[-1] == (1, 4, 4)


def test_without_strength_or_mask_nothing_is_drawn(models):
    start = picture()
    for inputs, fields in (
        (Inputs(start), {"denoising_strength": 0.0}),
        (Inputs(start, Image.new("L", (64, 64))), {}),
    ):
        made = drawn(models("sd3-16"), inputs, **fields)
        assert made.bytes == [start.tobytes()]
        assert made.steps == []


def test_what_cannot_lie_under_a_mask_is_told(models):
    made = drawn(models("sd3-16"), Inputs(picture(), left_half()), inpainting_fill=2)
    assert made.notices == [NO_NOISE]


def test_the_networks_are_shared_and_the_own_pipeline_is_left_as_it_was(models):
    model = models("flux")
    before = model.draw().bytes
    assert sibling(model.pipeline, masked=True).transformer is model.pipeline.transformer
    drawn(model, Inputs(picture(), left_half()))
    assert model.draw().bytes == before


def test_a_family_that_draws_from_prompts_only_says_so(models):
    with pytest.raises(EngineError, match="can't start from pictures"):
        drawn(models("pixart"), Inputs(picture()))
    assert not starts_from_pictures(models("pixart").file)


def test_the_table_names_what_diffusers_has():
    tables = (AUTO_IMAGE2IMAGE_PIPELINES_MAPPING, AUTO_INPAINT_PIPELINES_MAPPING)
    listed = {kind.__name__ for table in tables for kind in table.values()}
    assert {name for names in FROM_PICTURES.values() for name in names} - listed == {"ChromaImg2ImgPipeline"}
