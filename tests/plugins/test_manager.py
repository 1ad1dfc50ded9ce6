"""Plugins: what they add, and that every hook is documented."""

import inspect
from pathlib import Path

import pytest
from pluggy import PluginValidationError

from webui.imaging.preprocessors.built_in import BUILT_IN
from webui.imaging.preprocessors.preprocessor import Preprocessor
from webui.plugins import built_in, hookspecs
from webui.plugins.hookspecs import hookimpl
from webui.plugins.manager import plugin_manager, preprocessors_of

DOCS = Path(__file__).resolve().parents[2] / "docs"


class Adds:
    """A plugin that adds one preprocessor."""

    def __init__(self, name, title="Another"):
        self.one = Preprocessor(name, title, "All", BUILT_IN[0].run)

    @hookimpl
    def control_preprocessors(self):
        return [self.one]


class Unknown:
    @hookimpl
    def control_preprocesors(self):
        return []


def test_what_darkroom_brings_comes_first_and_plugins_follow():
    table = preprocessors_of(plugin_manager([built_in, Adds("a"), Adds("b")]))
    assert [one.name for one in table.all()] == [*(one.name for one in BUILT_IN), "a", "b"]


def test_a_plugin_does_not_take_the_place_of_what_is_there():
    table = preprocessors_of(plugin_manager([built_in, Adds("canny")]))
    assert table.find("canny").title == "Canny"


def test_without_plugins_there_is_nothing():
    assert preprocessors_of(plugin_manager()).all() == ()


def test_a_misspelt_hook_is_refused():
    with pytest.raises(PluginValidationError, match="control_preprocesors"):
        plugin_manager([Unknown()])


def test_every_hook_is_documented():
    hooks = [value for value in vars(hookspecs).values() if hasattr(value, f"{hookspecs.PROJECT}_spec")]
    told = "".join(file.read_text(encoding="utf-8") for file in DOCS.glob("*.md"))
    assert hooks
    for hook in hooks:
        assert inspect.getdoc(hook)
        assert f"`{hook.__name__}(" in told
