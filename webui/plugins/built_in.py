"""What Darkroom itself adds through the hooks."""

from __future__ import annotations

from webui.imaging.preprocessors.built_in import BUILT_IN
from webui.imaging.preprocessors.preprocessor import Preprocessor
from webui.plugins.hookspecs import hookimpl


@hookimpl
def control_preprocessors() -> list[Preprocessor]:
    """Those that need no files."""
    return list(BUILT_IN)
