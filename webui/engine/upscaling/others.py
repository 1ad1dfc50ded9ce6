"""Networks of kinds that aren't ours (SwinIR, DAT, HAT, ...): read by spandrel, where that is installed.

It needs torchvision, which isn't built for each of torch's builds, so that Darkroom does without.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple, cast

from torch import Tensor, nn

log = logging.getLogger(__name__)


class Described(NamedTuple):
    """A network and what spandrel says of it."""

    module: nn.Module
    scale: int
    channels: int
    half: bool
    run: Callable[[Tensor], Tensor]
    """Calls the module on a picture of any size, in [0, 1]."""


@cache
def spandrel() -> Any:  # noqa: ANN401
    """The library; None where it isn't installed or doesn't work, which is looked at once."""
    try:
        return importlib.import_module("spandrel")
    except ImportError:
        return None
    # A torchvision that was built for another torch raises whatever it meets first.
    except Exception as error:
        log.warning("spandrel is installed but can't be imported: %s", error)
        return None


def describe(weights: Mapping[str, Tensor]) -> Described | None:
    """The network that has these weights, for pictures of as many channels as it gives; None: unknown."""
    library = spandrel()
    if library is None:
        return None
    try:
        found = library.ModelLoader("cpu").load_from_state_dict(dict(weights))
    # A file that only looks like one of its kinds fails in any way.
    except Exception as error:
        log.info("spandrel can't read it: %s", error)
        return None
    if not isinstance(found, library.ImageModelDescriptor) or found.input_channels != found.output_channels:
        return None
    run = cast(Callable[[Tensor], Tensor], found)
    return Described(found.model, found.scale, found.input_channels, found.supports_half, run)
