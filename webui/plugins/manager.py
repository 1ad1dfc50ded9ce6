"""The plugins there are, and what they add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pluggy import PluginManager

from webui.imaging.preprocessors.preprocessor import Preprocessor
from webui.imaging.preprocessors.table import Preprocessors
from webui.plugins import hookspecs

NO_PLUGINS: tuple[object, ...] = ()


def plugin_manager(plugins: Sequence[object] = NO_PLUGINS) -> PluginManager:
    """pluggy's manager with `plugins`, modules or objects whose functions bear the mark `hookimpl`.

    Raises:
        pluggy.PluginValidationError: one of them has a hook that there isn't, or of another signature.
    """
    manager = PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for plugin in plugins:
        manager.register(plugin)
    manager.check_pending()
    return manager


def preprocessors_of(manager: PluginManager) -> Preprocessors:
    """The table of all preprocessors, those of the first plugin first."""
    # pluggy asks the plugin that came last first.
    added = cast("list[list[Preprocessor]]", manager.hook.control_preprocessors())
    return Preprocessors([preprocessor for those in reversed(added) for preprocessor in those])
