"""What the page is told when Generate is pressed."""

import json

import pytest

from webui.catalog.catalog import Catalog
from webui.config import BUILT_IN_CHECKPOINTS
from webui.jobs.events import EventBus
from webui.jobs.service import MAX_QUEUED, Jobs
from webui.jobs.store import JobStore
from webui.ui.submission import submit


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
