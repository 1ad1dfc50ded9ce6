"""What the form is filled with: texts, pictures, jobs; and what is told where something doesn't fit."""

import json

import pytest

from webui.catalog.catalog import Catalog
from webui.config import BUILT_IN_CHECKPOINTS
from webui.jobs.events import EventBus
from webui.jobs.model import SavedPicture
from webui.jobs.service import Jobs
from webui.jobs.store import JobStore
from webui.params import GenerationParams
from webui.prompting.styles_store import StyleStore
from webui.ui.filling import NOTHING, Filler

NOW = {"checkpoint": "darkroom-demo", "sampler_name": "Euler a", "scheduler": "Karras"}
TEXT = (
    "a cat, cinematic\nNegative prompt: blurry\n"
    "Steps: 12, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5.5, Seed: 99, Size: 192x128, "
    "Model: darkroom-demo, Clip skip: 2, Hires upscale: 2, Mood: grim, Version: v1.10.1"
)


@pytest.fixture
def catalog():
    return Catalog.over([BUILT_IN_CHECKPOINTS])


@pytest.fixture
def jobs(tmp_path, catalog):
    store = JobStore(tmp_path / "jobs.sqlite3")
    yield Jobs(store, EventBus(), catalog)
    store.close()


@pytest.fixture
def styles(tmp_path):
    return StyleStore([tmp_path / "styles.csv"])


@pytest.fixture
def filled(catalog, jobs, styles):
    filler = Filler(catalog, jobs, styles)
    return lambda wish: filler.filling(json.dumps(wish), "me", NOW)


def test_a_text_sets_all_it_tells_and_the_defaults_of_what_it_leaves_out(filled):
    filling = filled({"text": TEXT})
    params = filling.params
    assert (params.prompt, params.negative_prompt) == ("a cat, cinematic", "blurry")
    assert (params.steps, params.cfg_scale, params.seed) == (12, 5.5, 99)
    assert (params.width, params.height, params.clip_skip) == (192, 128, 2)
    assert {"subseed_strength", "tiling", "eta", "freeu"} <= filling.only
    assert not {"n_iter", "batch_size", "script", "dynamic_prompts"} & filling.only
    assert (params.enable_hr, params.hr_scale) == (True, 2)
    assert filling.notices[-1] == "Not used: Mood."


def test_the_prompts_box_is_read_if_it_holds_settings_else_the_last_picture(filled, jobs):
    assert filled({"prompt": TEXT}).params.seed == 99
    assert filled({"prompt": "a dog"}).notices == (NOTHING,)
    job = jobs.submit("me", GenerationParams(prompt="a fox", seed=-1))
    assert filled({"prompt": "a dog"}).params.seed == job.seed
    jobs.drawn(job, SavedPicture(0, "0.png", 5, "a fox\nSteps: 3, Sampler: Euler, Seed: 5, Size: 64x64"))
    last = filled({"prompt": ""}).params
    assert (last.prompt, last.steps, last.seed, last.width) == ("a fox", 3, 5, 64)


def test_nothing_is_told_of_other_peoples_jobs(filled, jobs):
    job = jobs.submit("someone else", GenerationParams(prompt="a secret"))
    assert filled({"prompt": ""}).notices == (NOTHING,)
    filling = filled({"job": job.id})
    assert (filling.only, filling.notices) == (frozenset(), ("This job is not there any more.",))


def test_a_job_comes_back_as_it_was_asked_for(filled, jobs):
    asked = GenerationParams(
        prompt="a|b", n_iter=3, seed=-1, clip_skip=2, script={"name": "Prompt matrix", "put_at_start": True}
    )
    job = jobs.submit("me", asked)
    filling = filled({"job": job.id})
    assert filling.params == job.params
    assert filling.params.script.put_at_start
    assert filling.only == frozenset(GenerationParams.model_fields)


def test_styles_are_found_again_in_the_prompt(filled, styles):
    styles.save("film", "{prompt}, cinematic", "")
    filling = filled({"text": TEXT})
    assert (filling.params.prompt, filling.params.styles) == ("a cat", ("film",))
    kept = filled({"prompts": ["a cat, cinematic", "x"]})
    assert (kept.params.prompt, kept.only) == ("a cat, cinematic", {"prompt", "negative_prompt"})


def test_what_a_picture_told_is_checked_anew(filled):
    told = {"fields": {"steps": 9, "width": 130, "colour": "red"}, "notices": ["So."], "unused": {"X": "1"}}
    filling = filled({"infotext": told})
    assert (filling.params.steps, filling.only) == (9, {"steps"})
    assert filling.notices[:2] == ("So.", "Not used: X.")
    assert "Width should be a multiple of 8 (it is 130)." in filling.notices


def test_samplers_and_schedules_that_are_not_known_are_refused(filled):
    text = "a cat\nSteps: 3, Sampler: <b>Foo</b>, Schedule type: Bar, Seed: 1, Version: Darkroom 0.1.0"
    told = {"sampler_name": "<b>Foo</b>", "scheduler": "Bar", "steps": 3}
    for wish in ({"text": text}, {"infotext": {"fields": told}}):
        filling = filled(wish)
        assert (filling.params.sampler_name, filling.params.scheduler) == ("Euler a", "Karras")
        assert not {"sampler_name", "scheduler"} & filling.only
        assert any("<b>Foo</b>" in notice for notice in filling.notices)
        assert any("Bar" in notice for notice in filling.notices)
    assert filled({"infotext": {"fields": {"sampler_name": "k_euler_a"}}}).params.sampler_name == "Euler a"


@pytest.mark.parametrize("odd", [None, "<b>Foo</b>", 3])
def test_odd_names_in_the_pickers_are_no_hindrance(catalog, jobs, styles, odd):
    now = {"checkpoint": "mine", "sampler_name": odd, "scheduler": odd}
    filling = Filler(catalog, jobs, styles).filling(json.dumps({"prompts": ["a", "b"]}), "me", now)
    assert (filling.params.prompt, filling.params.checkpoint, filling.notices) == ("a", "mine", ())


def test_a_size_that_is_too_large_as_a_whole_is_told_and_left_out(filled):
    told = {"width": 8192, "height": 8192, "batch_size": 64, "steps": 9}
    filling = filled({"infotext": {"fields": told}})
    assert filling.only == {"steps"}
    assert (filling.params.checkpoint, filling.params.width) == ("darkroom-demo", 512)
    assert any(notice.startswith("8192x8192 in batches of 64 is") for notice in filling.notices)


def test_no_more_is_told_than_can_be_read(filled):
    many = {"fields": {f"f{number}": number for number in range(50_000)}, "notices": ["x" * 9000] * 500}
    filling = filled({"infotext": many})
    assert len(filling.told()) < 20_000
    assert filling.notices[-1] == "And 481 more notices."
    assert filled({"infotext": {"fields": many["fields"]}}).notices[0].endswith("f11 and 49988 more.")


def test_what_darkroom_wrote_for_people_is_not_missed(filled):
    unused = {"Template": "a", "negative template": "b", "User": "me", "FP8 weight": "Enable", "Version": "1"}
    unused |= {"Exact prompt": "a", "Exact negative prompt": "b"}
    assert filled({"infotext": {"fields": {"steps": 3}, "unused": unused}}).notices == ()
    assert filled({"infotext": {"fields": {}, "unused": {**unused, "X": "1"}}}).notices == ("Not used: X.",)


def test_what_holds_already_stays_unless_the_wish_says_otherwise(filled):
    filling = filled({"prompts": ["a", "b"]})
    assert {field: getattr(filling.params, field) for field in NOW} == NOW


@pytest.mark.parametrize("wish", ["", "{", "[" * 100_000, "3", '"' + "x" * 9_000_000 + '"', "null"])
def test_what_can_not_be_read_is_one_sentence(catalog, jobs, styles, wish):
    filling = Filler(catalog, jobs, styles).filling(wish, "me", NOW)
    assert (filling.only, len(filling.notices)) == (frozenset(), 1)


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"infotext": 3},
        {"infotext": {"fields": [1], "notices": 2, "unused": "x"}},
        {"prompts": [1, {}]},
        {"infotext": {"fields": {"prompt": ["a"], "styles": 3, "script": {"name": "x"}}}},
        {"infotext": {"fields": {"width": 8192, "height": 8192, "batch_size": 64}}},
        {"job": {}},
        {"text": "x" * 2_000_000},
    ],
)
def test_odd_wishes_do_no_harm(filled, wish):
    filling = filled(wish)
    assert json.loads(filling.told())["filled"] == len(filling.only)


def test_a_picture_that_is_drawn_from_tells_its_size_and_not_how_it_was_begun(filled):
    filling = filled({"text": TEXT, "picture": [1021, 640]})
    assert (filling.params.width, filling.params.height) == (1024, 640)
    assert (filling.params.prompt, filling.params.steps) == ("a cat, cinematic", 12)
    begun = {"enable_hr", "hr_scale", "denoising_strength", "mask_blur", "detailer", "outpaint_left"}
    assert not begun & filling.only
    assert begun - {"denoising_strength"} < filled({"text": TEXT}).only


@pytest.mark.parametrize("size", [None, [], [8, 8], [10**9, 64], ["1", 2], {"a": 1}, "64x64"])
def test_a_size_that_can_not_be_drawn_is_left_out(filled, size):
    filling = filled({"text": TEXT, "picture": size})
    assert not {"width", "height"} & filling.only
    assert filling.params.steps == 12
