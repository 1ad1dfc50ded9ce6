"""What the page is told when Generate is pressed."""

import io
import json

import pytest
from PIL import Image

from webui.catalog.catalog import Catalog
from webui.config import BUILT_IN_CHECKPOINTS
from webui.inputs.batches import BatchFolders
from webui.inputs.store import InputStore
from webui.jobs.events import EventBus
from webui.jobs.outputs import Outputs
from webui.jobs.pictures import Pictures
from webui.jobs.service import MAX_QUEUED, Jobs
from webui.jobs.store import JobStore
from webui.ui.brought import Brought, read_finished
from webui.ui.submission import LIVE_STEPS, NO_PICTURE, given, submit, submit_brought, submit_upscale


@pytest.fixture
def jobs(tmp_path):
    store = JobStore(tmp_path / "jobs.sqlite3")
    yield Jobs(store, EventBus(), Catalog.over([BUILT_IN_CHECKPOINTS]))
    store.close()


def test_good_values_queue_a_job(jobs):
    answer = json.loads(
        submit(jobs, "me", {"prompt": "a flat star", "checkpoint": "darkroom-demo", "steps": 9})
    )
    job = jobs.get("me", answer["id"])
    assert (job.params.prompt, job.params.steps, job.params.width) == ("a flat star", 9, 128)


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"steps": None}, "steps", "Sampling steps is empty."),
        ({"width": 100_000}, "width", "Width should be less than or equal to 8192 (it is 100000)."),
        ({"height": 130}, "height", "Height should be a multiple of 8 (it is 130)."),
        ({"cfg_scale": 0.5}, "cfg_scale", "CFG scale should be greater than or equal to 1 (it is 0.5)."),
        (
            {"seed": 1.5},
            "seed",
            "Seed should be a valid integer, got a number with a fractional part (it is 1.5).",
        ),
        ({"sampler_name": "Eular"}, "sampler_name", 'There is no sampler "Eular". Choose one of: DPM++ 2M, '),
        ({"checkpoint": "v9"}, "checkpoint", 'There is no checkpoint "v9". '),
        (
            {"prompt": "x" * 20_001},
            "prompt",
            "Prompt should have at most 20000 characters (it is 20001 characters long).",
        ),
        (
            {"width": 8192, "height": 8192, "batch_size": 2},
            "",
            "8192x8192 in batches of 2 is 134,217,728 pixels",
        ),
        ({"colour": 1}, "colour", "colour"),
    ],
)
def test_a_bad_value_is_a_sentence_at_its_control(jobs, fields, field, message):
    answer = json.loads(submit(jobs, "me", {"checkpoint": "darkroom-demo", **fields}))
    (error,) = answer["errors"]
    assert error["field"] == field
    assert error["message"].startswith(message)
    assert len(error["message"]) < 300
    assert jobs.listed("me") == []


def test_an_emptied_seed_asks_for_a_random_one(jobs):
    answers = [json.loads(submit(jobs, "me", {"prompt": "a flat star", "seed": None})) for _ in range(2)]
    seeds = {jobs.get("me", answer["id"]).seed for answer in answers}
    assert len(seeds) == 2


def test_a_full_queue_says_so(jobs):
    for _ in range(MAX_QUEUED):
        submit(jobs, "me", {"prompt": "a flat star"})
    (error,) = json.loads(submit(jobs, "me", {"prompt": "a flat star"}))["errors"]
    assert error["message"].startswith("You have 100 jobs waiting already.")
    assert "id" in json.loads(submit(jobs, "someone else", {"prompt": "a flat star"}))


def test_what_pickers_show_for_nothing_is_nothing():
    held = {
        "hr_checkpoint_name": "Use same checkpoint",
        "hr_sampler_name": "Use same sampler",
        "refiner_checkpoint": None,
        "outpaint_left": None,
        "detailer_color": "rgba(255, 127.6, 0, 1)",
        "steps": 3,
    }
    assert given(held) == {
        "hr_checkpoint_name": "",
        "hr_sampler_name": "",
        "refiner_checkpoint": "",
        "outpaint_left": 0,
        "detailer_color": "#ff7f00",
        "steps": 3,
    }
    assert given({"detailer_color": "#00ff00"}) == {"detailer_color": "#00ff00"}


def test_a_limit_of_several_fields_stands_at_the_one_that_is_to_change(jobs):
    answer = json.loads(submit(jobs, "me", {"width": 4096, "height": 512, "enable_hr": True, "hr_scale": 4}))
    (error,) = answer["errors"]
    assert error["field"] == "hr_scale"
    assert "16384x2048" in error["message"]


def brought(**fields):
    return Brought.read(json.dumps(fields))


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "no json", "[" * 100_000, '{"init_images": []}'])
def test_without_a_picture_one_sentence_says_so_at_the_canvas(jobs, text):
    answer = json.loads(submit_brought(jobs, "me", {"prompt": "a flat star"}, Brought.read(text)))
    assert answer["errors"] == [{"field": "init_images", "message": NO_PICTURE}]
    assert jobs.listed("me") == []


def test_what_kept_pictures_from_being_uploaded_is_told_as_it_is(jobs):
    told = brought(errors=[{"field": "mask", "message": "It is too large."}, 5], init_images=["a"])
    answer = json.loads(submit_brought(jobs, "me", {}, told))
    assert answer["errors"] == [{"field": "mask", "message": "It is too large."}]


def test_the_canvas_tells_of_its_own_fields_alone():
    told = brought(init_images=["a"], outpaint_left=8, steps=99, checkpoint="x", live=5, seed="7")
    assert told.fields == {"init_images": ["a"], "outpaint_left": 8}
    assert (told.live, told.seed, told.has_picture) == ("", -1, True)
    told = '{"firstpass_image": "a/0", "seed": 3, "subseed": null, "steps": 9, "regions_base": 0.5}'
    assert read_finished(told).fields == {"firstpass_image": "a/0", "seed": 3, "regions_base": 0.5}


@pytest.fixture
def picture(jobs_with_pictures):
    _, store = jobs_with_pictures
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    return store.add("me", file.getvalue()).id


@pytest.fixture
def jobs_with_pictures(tmp_path):
    store, inputs = JobStore(tmp_path / "jobs.sqlite3"), InputStore(tmp_path / "inputs")
    outputs = Outputs(tmp_path / "outputs")
    pictures = Pictures(store, outputs, inputs, BatchFolders(tmp_path / "batch"))
    catalog = Catalog.over([BUILT_IN_CHECKPOINTS])
    yield Jobs(store, EventBus(), catalog, pictures=pictures), inputs
    store.close()


def test_a_picture_is_drawn_from_as_the_form_says(jobs_with_pictures, picture):
    jobs, _ = jobs_with_pictures
    fields = {"steps": 30, "denoising_strength": 0.4, "n_iter": 2, "outpaint_left": 64}
    told = brought(init_images=[picture], mask="", outpaint_left=8)
    params = jobs.get("me", json.loads(submit_brought(jobs, "me", fields, told))["id"]).params
    assert (params.init_images, params.outpaint_left, params.denoising_strength) == ((picture,), 8, 0.4)
    assert (params.steps, params.n_iter) == (30, 2)


def test_while_one_paints_one_quick_picture_is_drawn_from_a_seed_that_stays(jobs_with_pictures, picture):
    jobs, _ = jobs_with_pictures
    fields = {"steps": 30, "n_iter": 2, "batch_size": 4, "seed": -1, "detailer": "Saliency"}
    told = brought(init_images=[picture], live="here", seed=77)
    job = jobs.get("me", json.loads(submit_brought(jobs, "me", fields, told))["id"])
    params = job.params
    assert (params.steps, params.n_iter, params.batch_size, params.detailer) == (LIVE_STEPS, 1, 1, "None")
    assert (job.seed, jobs.listed("me")) == (77, [job])
    newer = json.loads(submit_brought(jobs, "me", {**fields, "seed": 5, "steps": 4}, told))["id"]
    (waiting,) = jobs.listed("me")
    assert (waiting.id, waiting.seed, waiting.params.steps) == (newer, 5, 4)


def test_a_finished_picture_is_enlarged_by_the_forms_hires_fix(jobs_with_pictures, picture):
    jobs, _ = jobs_with_pictures
    fields = {"hr_scale": 1.5, "n_iter": 5, "seed": -1, "enable_hr": False, "hr_upscaler": "Lanczos"}
    told = Brought({"firstpass_image": picture, "seed": 9, "width": 64, "height": 64})
    params = jobs.get("me", json.loads(submit_upscale(jobs, "me", fields, told))["id"]).params
    assert (params.firstpass_image, params.enable_hr, params.hr_scale) == (picture, True, 1.5)
    assert (params.seed, params.width, params.n_iter) == (9, 64, 1)
