"""Networks beside a checkpoint's own, kept in the same cache and lent for a block: adapters and the like."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from torch import nn

from webui.catalog.entries import SPOKEN
from webui.catalog.entry import ModelFile
from webui.engine.cache import PartCache
from webui.engine.devices import is_out_of_memory
from webui.engine.held import Form, PartKey, Wanted
from webui.engine.parts import unloadable
from webui.engine.protocol import EngineError

Lend = Callable[[Wanted], AbstractContextManager[nn.Module]]
"""Has a network loaded and on its device for a block."""


def lender(cache: PartCache) -> Lend:
    """Lends what `cache` holds or loads; for the drawing thread."""

    @contextmanager
    def lend(wanted: Wanted) -> Generator[nn.Module]:
        with cache.lease([wanted]) as parts:
            held = parts[wanted.key.part]
            with cache.on_device(held):
                yield held.module

    return lend


def wanted_beside(file: ModelFile, part: str, make: Callable[[Path], nn.Module], form: Form) -> Wanted:
    """The network that `make` makes of a single file, on the CPU, to be held in `form`.

    Raises (when it is made):
        EngineError: it can't be loaded; the text says why.
    """
    family = file.identity.family
    key = PartKey(file.path, family, hash((file.size, file.modified)), part, form)

    def made(form: Form) -> nn.Module:
        try:
            return nn.Module.to(make(file.path), form.dtype).eval().requires_grad_(False)
        except EngineError:
            raise
        except Exception as error:  # safetensors, torch and diffusers raise all kinds for damaged files
            if is_out_of_memory(error):
                raise
            what = SPOKEN.get(file.kind, "a model").partition(" ")[2]
            raise unloadable(file, error, what) from error

    return Wanted(key, file.name, made, lambda: 2 * file.size)
