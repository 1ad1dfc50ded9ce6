from dataclasses import replace
from pathlib import Path

import pytest

from webui.catalog.entry import Identity, ModelFile
from webui.jobs.wishes import Wishes
from webui.params import GenerationParams, InvalidParamsError
from webui.prompting.book import PromptBook
from webui.prompting.styles_store import StyleStore
from webui.prompting.wildcards import Wildcards
from webui.scripts.plan import Cell
from webui.scripts.planning import plan


class Shelf:
    """A catalog of what the test puts on it."""

    def __init__(self, demo):
        self.upscaler = ModelFile("4x-Sharp.pth", Path("4x-Sharp.pth"), "upscaler")
        self.models = {
            "": demo,
            demo.name: demo,
            "sdxl": replace(demo, name="sdxl", identity=Identity("checkpoint", "sdxl"), defaults={}),
            "refiner": replace(demo, name="refiner", identity=Identity("checkpoint", "sdxl-refiner")),
            "flux": ModelFile("flux", Path("flux.safetensors"), identity=Identity("checkpoint", "flux")),
            "odd": ModelFile("odd", Path("odd"), identity=Identity("checkpoint", "other", pipeline="Odd")),
        }

    def keep_up(self): ...

    def find(self, name):
        if name not in self.models:
            raise InvalidParamsError("checkpoint", f'There is no checkpoint "{name}".')
        return self.models[name]

    def find_vae(self, name, checkpoint):
        return None

    def files(self, kind):
        return [self.upscaler] if kind == "upscaler" else []


@pytest.fixture
def wishes(demo):
    return Wishes(Shelf(demo))


@pytest.mark.parametrize(
    ("asked", "scheduler", "expected"),
    [
        ("DPM++ 2M Karras", "Automatic", ("DPM++ 2M", "Karras")),
        ("dpm++ 2m karras", "Exponential", ("DPM++ 2M", "Exponential")),
        ("k_euler_a", "Automatic", ("Euler a", "Automatic")),
    ],
)
def test_old_combined_names_of_samplers_are_parted(wishes, asked, scheduler, expected):
    settled = wishes.settle(GenerationParams(sampler_name=asked, scheduler=scheduler))
    assert (settled.sampler_name, settled.scheduler) == expected


def test_a_refiner_of_the_same_family_is_found(wishes):
    settled = wishes.settle(GenerationParams(checkpoint="sdxl", refiner_checkpoint="refiner"))
    order, _ = wishes.order(Cell(settled, 1, 2))
    assert settled.refiner_checkpoint == order.refiner.name == "refiner"
    assert (order.seed, order.subseed) == (1, 2)
    assert (
        wishes.settle(GenerationParams(checkpoint="sdxl", refiner_checkpoint="None")).refiner_checkpoint == ""
    )


@pytest.mark.parametrize(
    ("refiner", "sentence"), [("gone", 'There is no checkpoint "gone"'), ("flux", "their latents differ")]
)
def test_a_refiner_that_does_not_fit_is_refused(wishes, refiner, sentence):
    with pytest.raises(InvalidParamsError, match=sentence) as refusal:
        wishes.settle(GenerationParams(checkpoint="sdxl", refiner_checkpoint=refiner))
    assert refusal.value.field == "refiner_checkpoint"


def test_what_diffusers_pipelines_can_not_use_is_taken_back(wishes):
    asked = {
        **{
            "clip_skip": 2,
            "step_cache": 3,
            "subseed_strength": 0.5,
            "refiner_checkpoint": "sdxl",
            "eta": 0.5,
        },
        **{"freeu": True, "tiling": True, "rng": "NV", "ensd": 31337, "cfg_rescale": 0.7},
        **{"sampler_name": "Heun", "scheduler": "Karras"},
    }
    kept = {"prompt": "a cat", "negative_prompt": "x", "steps": 7, "cfg_scale": 3.0, "seed": 5, "width": 256}
    settled = wishes.settle(GenerationParams(checkpoint="flux", **asked, **kept))
    plain = GenerationParams()
    assert {name: getattr(settled, name) for name in asked} == {
        **{name: getattr(plain, name) for name in asked},
        "sampler_name": "Euler",
        "scheduler": "Automatic",
    }
    assert {name: getattr(settled, name) for name in kept} == kept


def test_regions_are_refused_where_they_would_not_be_heard(wishes):
    params = GenerationParams(checkpoint="flux", regions=[{"prompt": "a cat"}])
    with pytest.raises(InvalidParamsError, match='"flux" draws without regional prompts') as refusal:
        wishes.settle(params)
    assert refusal.value.field == "regions"
    assert wishes.settle(params.changed(checkpoint="sdxl")).regions == params.regions
    silent = GenerationParams(checkpoint="flux", regions=[{"prompt": "a cat", "weight": 0}])
    assert wishes.settle(silent).regions == ()


def test_brackets_stay_text_for_diffusers_pipelines_if_asked_for(wishes):
    settled = wishes.settle(GenerationParams(checkpoint="flux", emphasis="None"))
    assert wishes.order(Cell(settled, 1, 2))[0].params.emphasis == "None"


def test_a_refiner_is_settled_for_each_checkpoint_of_a_plot(wishes):
    script = {"name": "X/Y/Z plot", "x_axis": "Checkpoint name", "x_values": "flux, sdxl"}
    params = GenerationParams(checkpoint="flux", refiner_checkpoint="refiner", script=script)
    planned = plan(wishes.settle(params), 1)
    assert wishes.rounds(planned) == 2
    refiners = [wishes.order(cell)[0].refiner for cell in planned.cells()]
    assert [refiner and refiner.name for refiner in refiners] == [None, "refiner"]


def test_a_job_of_too_much_text_is_refused(wishes):
    lines = "\n".join(f"{number} {'word ' * 3000}" for number in range(30))
    script = {"name": "Prompts from file or textbox", "prompts": lines}
    params = GenerationParams(prompt="x" * 4000, script=script)
    assert wishes.rounds(plan(wishes.settle(params), 1)) == 30
    more = GenerationParams(
        prompt="x" * 19_000,
        script={"name": "Prompts from file or textbox", "prompts": "\n".join(map(str, range(300)))},
    )
    with pytest.raises(InvalidParamsError, match="longer than 5,000,000 characters"):
        wishes.rounds(plan(wishes.settle(more), 1))


def test_cells_of_other_checkpoints_may_use_what_the_first_can_not(wishes):
    script = {"name": "X/Y/Z plot", "x_axis": "Checkpoint name", "x_values": "flux, sdxl"}
    params = GenerationParams(checkpoint="flux", clip_skip=2, sampler_name="Heun", script=script)
    first, second = (wishes.order(cell)[0].params for cell in plan(wishes.settle(params), 1).cells())
    assert (first.checkpoint, first.clip_skip, first.sampler_name) == ("flux", 1, "Euler")
    assert (second.checkpoint, second.clip_skip, second.sampler_name) == ("sdxl", 2, "Heun")


# Pictures, hires fix, extras


@pytest.mark.parametrize("name", ["", "None", "Use same checkpoint", "sdxl"])
def test_the_second_pass_has_the_firsts_checkpoint_where_none_is_named(wishes, name):
    settled = wishes.settle(GenerationParams(checkpoint="sdxl", enable_hr=True, hr_checkpoint_name=name))
    order, _ = wishes.order(Cell(settled, 1, 2))
    named = name == "sdxl"
    assert settled.hr_checkpoint_name == ("sdxl" if named else "")
    assert (order.hires_checkpoint is not None) == named


def test_a_second_pass_by_a_model_of_other_latents_is_refused(wishes, demo):
    params = GenerationParams(checkpoint="sdxl", enable_hr=True, hr_checkpoint_name=demo.name)
    with pytest.raises(InvalidParamsError, match="can't draw over what") as refusal:
        wishes.settle(params)
    assert refusal.value.field == "hr_checkpoint_name"


def test_names_that_are_not_used_are_not_looked_at(wishes):
    params = GenerationParams(
        hr_upscaler="Nonsense", hr_sampler_name="Nonsense", hr_checkpoint_name="Nonsense"
    )
    assert wishes.settle(params).hr_upscaler == "Nonsense"
    assert wishes.settle(params.changed(enable_hr=True, init_images=("0" * 32,))).hr_upscaler == "Nonsense"


def test_the_files_of_upscalers_go_with_the_order(wishes):
    hires = wishes.settle(GenerationParams(enable_hr=True, hr_upscaler="4X-SHARP"))
    script = {"name": "SD upscale", "upscaler": "4x-sharp.pth"}
    tiled = wishes.settle(GenerationParams(init_images=("0" * 32,), script=script))
    for params in (hires, tiled):
        order, _ = wishes.order(Cell(params, 1, 2))
        assert {name: file.name for name, file in order.upscalers.items()} == {"4x-Sharp": "4x-Sharp.pth"}
    latent = wishes.settle(GenerationParams(enable_hr=True, hr_upscaler=""))
    assert latent.hr_upscaler == "Latent"
    assert wishes.order(Cell(latent, 1, 2))[0].upscalers == {}


def test_what_can_only_draw_from_a_prompt_refuses_pictures(wishes):
    with pytest.raises(InvalidParamsError, match='"odd" can\'t start from pictures yet') as refusal:
        wishes.settle(GenerationParams(checkpoint="odd", init_images=("0" * 32,)))
    assert refusal.value.field == "init_images"
    with pytest.raises(InvalidParamsError, match="can't draw over enlarged pictures") as refusal:
        wishes.settle(GenerationParams(checkpoint="flux", enable_hr=True, firstpass_image="0" * 32))
    assert refusal.value.field == "firstpass_image"


def test_pipelines_that_start_from_pictures_keep_what_they_can_use(wishes):
    asked = {"init_images": ("0" * 32,), "mask": "1" * 32, "denoising_strength": 0.4, "outpaint_left": 64}
    settled = wishes.settle(GenerationParams(checkpoint="flux", soft_inpainting=True, **asked))
    assert {name: getattr(settled, name) for name in asked} == asked
    assert not settled.soft_inpainting
    plain = wishes.settle(GenerationParams(checkpoint="flux", denoising_strength=0.4, enable_hr=True))
    assert (plain.denoising_strength, plain.enable_hr) == (0.75, False)


def test_detectors_are_found_in_any_letter_case(wishes):
    assert wishes.settle(GenerationParams(detailer="saliency")).detailer == "Saliency"
    assert wishes.settle(GenerationParams(detailer="")).detailer == "None"


def test_a_plot_over_hires_upscalers_is_looked_at_before_it_is_drawn(wishes):
    script = {"name": "X/Y/Z plot", "x_axis": "Hires upscaler", "x_values": "Latent, Nonsense"}
    params = wishes.settle(GenerationParams(enable_hr=True, script=script))
    with pytest.raises(InvalidParamsError, match='no upscaler "Nonsense"'):
        wishes.rounds(plan(params, 1))


@pytest.mark.parametrize("values", ["1, 2, 8", "8"])
def test_a_plot_over_sizes_is_looked_at_before_it_is_drawn(wishes, values):
    script = {"name": "X/Y/Z plot", "x_axis": "Resize by", "x_values": values}
    params = wishes.settle(GenerationParams(init_images=("0" * 32,), script=script), (1200, 400))
    planned = plan(params, 1)
    assert wishes.rounds(planned) == len(values.split(","))
    with pytest.raises(InvalidParamsError, match=r"^Resize by: 8: Of a picture of 1200x400") as refused:
        wishes.rounds(planned, (1200, 400))
    assert refused.value.field == "script"
    assert wishes.rounds(planned, (100, 100)) == len(values.split(","))


def test_loops_have_the_size_of_what_the_first_one_made(wishes):
    script = {"name": "Loopback", "loops": 3}
    params = GenerationParams(init_images=("0" * 32,), scale_by=0.1, script=script)
    assert wishes.rounds(plan(wishes.settle(params, (12000, 9000)), 1), (12000, 9000)) == 3


@pytest.fixture
def book(tmp_path):
    (tmp_path / "styles.csv").write_text(
        "name,prompt,negative_prompt\nOil,an oil painting of {prompt},photo\n"
    )
    (tmp_path / "colour.txt").write_text("red\ngreen\nblue\n")
    return PromptBook(StyleStore([tmp_path / "styles.csv"]), Wildcards([tmp_path]))


def test_each_picture_has_its_own_prompt(demo, book):
    wishes = Wishes(Shelf(demo), book)
    params = wishes.settle(GenerationParams(prompt="a {red|green|blue} cat", styles=("Oil",), n_iter=8))
    order, notices = wishes.order(Cell(params, 1, 2))
    assert notices == ()
    said = [order.prompt_of(place) for place in range(8)]
    assert all(prompt.prompt.startswith("an oil painting of a ") for prompt in said)
    assert {prompt.negative for prompt in said} == {"photo"}
    assert len({prompt.prompt for prompt in said}) > 1
    alone, _ = wishes.order(Cell(params.changed(n_iter=1), 1 + 5, 2))
    assert alone.prompt_of(0) == said[5]


def test_unknown_styles_are_refused_when_asked_for(demo, book):
    wishes = Wishes(Shelf(demo), book)
    with pytest.raises(InvalidParamsError) as refusal:
        wishes.rounds(plan(GenerationParams(styles=("Gone",)), 1))
    assert refusal.value.field == "styles"
    script = {"name": "X/Y/Z plot", "x_axis": "Styles", "x_values": "Oil, Gone"}
    with pytest.raises(InvalidParamsError, match=r"^Styles: Gone: ") as refusal:
        wishes.rounds(plan(GenerationParams(script=script), 1))
    assert refusal.value.field == "script"
