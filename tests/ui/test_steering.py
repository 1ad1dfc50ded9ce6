"""What the page's scripts are told of units and regions, and what becomes of what they tell."""

import json
from dataclasses import replace

import pytest

from webui.engine.control.kinds import KINDS
from webui.jobs.events import EventBus
from webui.jobs.service import Jobs
from webui.jobs.store import JobStore
from webui.params import GenerationParams
from webui.params.control import ControlUnit
from webui.params.regions import Region
from webui.prompting.styles_store import StyleStore
from webui.ui.brought import Brought
from webui.ui.components.chips import about
from webui.ui.components.fields import TOLD, element_id
from webui.ui.components.steering import UNION_KINDS, steering_fields
from webui.ui.filling import Filler
from webui.ui.submission import submit
from webui.ui.tabs import CONTROL, TARGETS, TXT2IMG


@pytest.fixture
def jobs(tmp_path, catalog):
    store = JobStore(tmp_path / "jobs.sqlite3")
    yield Jobs(store, EventBus(), catalog)
    store.close()


def test_every_field_of_units_and_regions_is_told_with_its_hint():
    told = steering_fields()
    assert told["unit"].keys() == ControlUnit.model_fields.keys()
    assert told["region"].keys() == Region.model_fields.keys()
    fields = [*told["unit"].values(), *told["region"].values(), *told["regions"].values()]
    assert all(field["title"] and field["description"] for field in fields)
    weight = told["unit"]["weight"]
    assert (weight["least"], weight["most"], weight["default"]) == (0, 2, 1)
    assert told["unit"]["resize_mode"]["choices"] == ["Just Resize", "Crop and Resize", "Resize and Fill"]
    assert json.loads(json.dumps(told)) == told


def test_the_kinds_of_union_models_are_those_that_the_engine_knows():
    assert UNION_KINDS == KINDS
    assert steering_fields()["unit"]["union_control_type"]["choices"] == list(KINDS)


def test_errors_of_units_and_regions_have_their_places():
    assert {element_id("inpaint", field) for field in TOLD} == {"inpaint_controlnet", "inpaint_regions"}


def test_the_controlnet_tab_has_a_canvas_and_takes_pictures_but_starts_from_none():
    assert (CONTROL.canvas, CONTROL.starts, CONTROL.steered) == (True, False, True)
    assert CONTROL.fields == TXT2IMG.fields
    assert TARGETS["control"] == "ControlNet"


def test_what_scripts_tell_reaches_the_job(jobs):
    told = {"regions": [{"prompt": "a cat", "width": 0.5}], "regions_base": 0.4, "control_alone": True}
    answer = json.loads(submit(jobs, "me", {"prompt": "a flat star"}, Brought.read(json.dumps(told))))
    params = jobs.get("me", answer["id"]).params
    assert (params.regions[0].prompt, params.regions[0].width, params.regions_base) == ("a cat", 0.5, 0.4)
    assert (params.control_alone, params.kind) == (True, "txt2img")


@pytest.mark.parametrize(
    ("told", "field", "sentence"),
    [
        (
            {"control": [{"enabled": False}, {"weight": 9}]},
            "control",
            "ControlNet unit 1: Control Weight should be less than or equal to 2 (it is 9).",
        ),
        (
            {"control": [{"guidance_start": 0.8, "guidance_end": 0.2}]},
            "control",
            "ControlNet unit 0: Starting Control Step (0.8) is behind Ending Control Step (0.2).",
        ),
        ({"regions": [{"x": 0.5}]}, "regions", "Region 1: A region reaches beyond the picture"),
        ({"regions": [{}, {"prompt": 5}]}, "regions", "Region 2: Region's prompt should be a valid string"),
        ({"regions_feather": 3}, "regions_feather", "Feather should be less than or equal to 0.5"),
        ({"errors": [{"field": "control", "message": "Too large."}]}, "control", "Too large."),
    ],
)
def test_what_is_wrong_names_the_unit_or_region(jobs, told, field, sentence):
    answer = json.loads(submit(jobs, "me", {"prompt": "a flat star"}, Brought.read(json.dumps(told))))
    (error,) = answer["errors"]
    assert error["field"] == field
    assert error["message"].startswith(sentence)
    assert jobs.listed("me") == []


def test_the_form_is_filled_with_a_jobs_regions_and_told_whether_pictures_come(jobs, catalog):
    filler = Filler(catalog, jobs, StyleStore([]))
    params = GenerationParams(prompt="a flat star", regions=(Region(prompt="a cat"),), regions_base=0.4)
    wish = json.dumps({"job": jobs.submit("me", params).id})
    told = json.loads(filler.filling(wish, "me", {}).told())
    assert told["whole"] is True
    assert told["steering"]["regions"][0]["prompt"] == "a cat"
    assert (told["steering"]["regions_base"], told["steering"]["control"]) == (0.4, [])
    told = json.loads(filler.filling(json.dumps({"prompts": ["a", "b"]}), "me", {}).told())
    assert (told["whole"], told["steering"]) == (False, {})


def test_a_checkpoint_of_another_kind_is_told_to_have_no_use_for_them(demo):
    assert "control" not in json.loads(about(TXT2IMG, demo))["unused"]
    other = replace(demo, identity=replace(demo.identity, family="flux"))
    assert set(TOLD) <= set(json.loads(about(TXT2IMG, other))["unused"])
