"""What plugins can add. Each hook is a function of this name and signature, marked with `hookimpl`."""

from __future__ import annotations

from pluggy import HookimplMarker, HookspecMarker

from webui.imaging.preprocessors.preprocessor import Preprocessor

PROJECT = "darkroom"

hookspec = HookspecMarker(PROJECT)
hookimpl = HookimplMarker(PROJECT)


@hookspec
def control_preprocessors() -> list[Preprocessor]:  # pyright: ignore[reportReturnType]
    """Preprocessors for ControlNet units, offered in this order. Of two with one name the first counts.

    Asked once, at the start and before torch is imported: import it inside `run`.
    """
