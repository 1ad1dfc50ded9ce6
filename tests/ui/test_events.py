"""How the page is wired: what its pickers take, what is done of two quick choices, what is told of names."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.config import BUILT_IN_CHECKPOINTS
from webui.jobs.events import EventBus
from webui.jobs.service import Jobs
from webui.jobs.store import JobStore
from webui.params import GenerationParams
from webui.prompting.styles_store import StyleStore
from webui.ui.building import build_picture_tab
from webui.ui.components.token_count import TokenCounts
from webui.ui.page import build_page
from webui.ui.prompt_events import with_styles
from webui.ui.quicksettings import build_quicksettings, problem_of
from webui.ui.submission import given
from webui.ui.tabs import IMG2IMG, INPAINT, TABS

CATALOG = Catalog.over([BUILT_IN_CHECKPOINTS])
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def styles(tmp_path):
    return StyleStore([tmp_path / "styles.csv"])


@pytest.fixture
def page(styles, tmp_path):
    store = JobStore(tmp_path / "jobs.sqlite3")

    # While an event loop runs: else gradio makes some that nobody closes.
    async def built():
        return build_page(CATALOG, Jobs(store, EventBus(), CATALOG), styles, tmp_path / "models")

    yield asyncio.run(built())
    store.close()


def test_no_picker_leaves_the_check_of_a_name_to_gradio(page):
    pickers = [block for block in page.blocks.values() if isinstance(block, gr.Dropdown)]
    assert len(pickers) > 12
    for picker in pickers:
        assert picker.preprocess(MARKUP) == MARKUP, picker.label


def test_a_second_choice_is_not_left_out_while_the_first_is_under_way(page):
    asked = [fn for fn in page.fns.values() if fn.fn and fn.trigger_after is None]
    dropped = [fn.targets for fn in asked if fn.trigger_mode == "once" and fn.targets[0][1] != "load"]
    assert len(asked) > 12
    assert dropped == []


def test_a_checkpoints_problem_is_told_as_text_and_without_folders():
    path = Path("/srv/models/one")
    model = ModelFile("one", path, problem=f'The checkpoint "one" is incomplete: {MARKUP} in {path}.')
    told = problem_of(model)
    assert told == ("The checkpoint &quot;one&quot; is incomplete: &lt;img src=x onerror=alert(1)&gt;.")
    assert problem_of(replace(model, problem=None)) == ""


def test_styles_that_are_put_in_tell_what_they_were_put_into(styles):
    styles.save("film", "{prompt}, 35mm", "blurry")
    told = json.loads(with_styles(styles, "a", "", ["film"]))
    assert told == {"before": ["a", ""], "after": ["a, 35mm", "blurry"]}
    assert with_styles(styles, "a", "", []) == with_styles(styles, "a", "", None) == "{}"
    assert json.loads(with_styles(styles, "a", "", [MARKUP]))["said"].startswith("There is no style")


def test_no_event_has_gradio_look_through_the_page_for_signs_of_progress(page):
    assert [fn.targets for fn in page.fns.values() if fn.show_progress_on != []] == []


def test_no_id_is_there_twice(page):
    ids = [block.elem_id for block in page.blocks.values() if block.elem_id]
    assert sorted(ids) == sorted(set(ids))


@pytest.fixture
def lay_out_tab(lay_out, styles):
    def lay_out_tab(kind):
        quick, counts = build_quicksettings, TokenCounts(CATALOG, styles)
        return lay_out(lambda: build_picture_tab(kind, CATALOG, styles, counts, quick(CATALOG)))

    return lay_out_tab


def values(tab, updates):
    """What the controls hold after `updates`, by control."""
    held = {control: control.value for control in tab.inputs}
    for control, update in zip(tab.outputs, updates, strict=True):
        if control in held and isinstance(update, dict) and "value" in update:
            held[control] = update["value"]
    return held


@pytest.mark.parametrize("kind", TABS, ids=[kind.name for kind in TABS])
def test_what_a_tab_shows_is_what_it_holds(lay_out_tab, kind):
    tab = lay_out_tab(kind)
    params = GenerationParams(
        prompt="a fox", checkpoint="darkroom-demo", steps=9, subseed_strength=0.5, denoising_strength=0.3
    )
    if kind is IMG2IMG:
        params = params.changed(scale_by=1.5, resize_mode=2, img2img_color_correction=True)
    if kind is INPAINT:
        params = params.changed(inpainting_fill=3, inpaint_full_res=True, soft_inpainting=True, mask_blur=9)
    updates = tab.shown(CATALOG, params, CATALOG.default())
    held = given(tab.held(values(tab, updates)))
    for field in (*kind.fields, "checkpoint", "vae"):
        assert held.get(field, kind.usual[field]) == getattr(params, field) or field == "styles", field


def test_without_its_switch_a_field_is_not_used(lay_out_tab):
    tab = lay_out_tab(IMG2IMG)
    held = {control: control.value for control in tab.inputs}
    assert not {"scale_by", "subseed", "seed_resize_from_w"} & tab.held(held).keys()
    ways, extra = (switch.control for switch in tab.switches)
    told = tab.held({**held, ways: "Resize by", extra: True})
    assert (told["scale_by"], told["subseed"]) == (1.0, -1)


def test_an_opened_page_is_told_all_values_beside_what_it_opened_with(lay_out_tab):
    tab = lay_out_tab(TABS[0])
    params = GenerationParams(prompt="a fox", steps=9, subseed_strength=0.5, sampler_name="Euler")
    told, updates = tab.opening(CATALOG, params, CATALOG.default())
    told = json.loads(told)
    assert (len(told["opened"]), len(updates)) == (len(tab.restorable), len(tab.outputs))
    fields = dict(zip([*tab.controls, "extra"], zip(told["opened"], told["shown"], strict=True), strict=True))
    assert fields["steps"] == (20, 9)
    assert fields["prompt"][1] == "a fox"
    assert fields["extra"] == (False, True)
    assert not any("value" in update for update in updates if isinstance(update, dict))
