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
from webui.ui.components.token_count import TokenCounts
from webui.ui.page import build_page
from webui.ui.quicksettings import build_quicksettings
from webui.ui.txt2img import build_txt2img
from webui.ui.txt2img_events import problem_of, with_styles

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


def test_an_opened_page_is_told_all_values_beside_what_it_opened_with(lay_out, styles):
    def build():
        return build_txt2img(CATALOG, styles, TokenCounts(CATALOG, styles), build_quicksettings(CATALOG))

    tab = lay_out(build)
    params = GenerationParams(prompt="a fox", steps=9, subseed_strength=0.5, sampler_name="Euler")
    told, updates = tab.opening(CATALOG, params, CATALOG.default())
    told = json.loads(told)
    assert (len(told["opened"]), len(updates)) == (len(tab.restorable), len(tab.outputs))
    fields = dict(zip([*tab.controls, "extra"], zip(told["opened"], told["shown"], strict=True), strict=True))
    assert fields["steps"] == (20, 9)
    assert fields["prompt"][1] == "a fox"
    assert fields["extra"] == (False, True)
    assert not any("value" in update for update in updates if isinstance(update, dict))
