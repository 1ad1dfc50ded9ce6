"""Several pictures to start from, and what is refused."""

import pytest

from webui.params import GenerationParams, InvalidParamsError
from webui.params.extras import ExtrasParams
from webui.params.scripts import Loopback, PromptMatrix, PromptsFromFile, SDUpscale, XYZPlot
from webui.scripts.planning import plan

IMAGES = tuple(f"{number:032x}" for number in range(3))


def cells(**fields):
    return list(plan(GenerationParams(**fields), 5, 9).cells())


def test_each_picture_is_drawn_from_on_its_own():
    found = cells(init_images=IMAGES, steps=7, n_iter=2, batch_size=3)
    assert [cell.params.init_images for cell in found] == [(name,) for name in IMAGES]
    assert [cell.name for cell in found] == ["Picture 1 of 3", "Picture 2 of 3", "Picture 3 of 3"]
    assert {(cell.seed, cell.subseed, cell.params.steps, cell.pictures) for cell in found} == {(5, 9, 7, 6)}
    assert len({cell.place for cell in found}) == 3
    assert plan(GenerationParams(init_images=IMAGES), 5).layout is None


def test_one_picture_is_one_cell_without_a_name():
    [cell] = cells(init_images=IMAGES[:1])
    assert (cell.name, cell.params.init_images) == ("", IMAGES[:1])


def test_extras_make_one_picture_of_each():
    found = cells(init_images=IMAGES, extras=ExtrasParams(upscaling_resize=2), n_iter=4, batch_size=2)
    assert [cell.pictures for cell in found] == [1, 1, 1]
    assert {cell.params.extras.upscaling_resize for cell in found} == {2}


def test_sd_upscale_stays_in_the_params():
    script = SDUpscale(overlap=32)
    found = cells(init_images=IMAGES, script=script, n_iter=2, batch_size=4)
    assert [cell.params.script for cell in found] == [script] * 3
    # The batch size is that of its tiles.
    assert [cell.pictures for cell in found] == [2, 2, 2]


@pytest.mark.parametrize("script", [XYZPlot(), PromptMatrix(), PromptsFromFile(prompts="a"), Loopback()])
def test_other_scripts_start_from_one_picture(script):
    with pytest.raises(InvalidParamsError, match="starts from one picture, and here are 3") as refusal:
        plan(GenerationParams(prompt="a|b", init_images=IMAGES, script=script), 5)
    assert (refusal.value.field, script.name in str(refusal.value)) == ("script", True)


@pytest.mark.parametrize("script", [Loopback(), SDUpscale()])
def test_scripts_that_need_a_picture(script):
    with pytest.raises(InvalidParamsError, match="starts from a picture") as refusal:
        plan(GenerationParams(script=script), 5)
    assert refusal.value.field == "init_images"


def test_extras_need_a_picture_and_no_script():
    with pytest.raises(InvalidParamsError, match="need a picture") as refusal:
        plan(GenerationParams(extras=ExtrasParams()), 5)
    assert refusal.value.field == "init_images"
    with pytest.raises(InvalidParamsError, match="nothing to do") as refusal:
        plan(GenerationParams(extras=ExtrasParams(), init_images=IMAGES, script=SDUpscale()), 5)
    assert refusal.value.field == "script"


def test_scripts_take_their_picture_along():
    plot = XYZPlot(x_axis="Denoising", x_values="0.2, 0.6")
    found = cells(init_images=IMAGES[:1], script=plot)
    assert [(cell.params.denoising_strength, cell.params.init_images) for cell in found] == [
        (0.2, IMAGES[:1]),
        (0.6, IMAGES[:1]),
    ]
    lines = cells(
        init_images=IMAGES[:1], script=PromptsFromFile(prompts="a\n--denoising_strength 0.3 --prompt b")
    )
    assert [cell.params.init_images for cell in lines] == [IMAGES[:1]] * 2
    assert lines[1].params.denoising_strength == 0.3


def test_a_plot_of_hires_fix():
    found = cells(enable_hr=True, script=XYZPlot(x_axis="Hires upscaler", x_values="Latent, Lanczos"))
    assert [cell.params.hr_upscaler for cell in found] == ["Latent", "Lanczos"]
    with pytest.raises(InvalidParamsError, match="X axis, Hires upscale"):
        cells(width=4096, enable_hr=True, script=XYZPlot(x_axis="Hires upscale", x_values="1, 8"))
