"""LoRA files that have been read, kept while there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from webui.engine.adapters.fitting import Convert, Fit, fit
from webui.engine.adapters.places import Places
from webui.engine.protocol import Resident
from webui.engine.weights import WeightsError


class Stamp(NamedTuple):
    """One state of one file: another size or time, and it is another file."""

    path: Path
    size: int
    modified: int


def stamp_of(path: Path) -> Stamp:
    """The file as it is now.

    Raises:
        OSError: it isn't there.
    """
    stat = path.stat()
    return Stamp(path, stat.st_size, stat.st_mtime_ns)


class _Key(NamedTuple):
    stamp: Stamp
    model: int
    """The signature of the places."""
    dtype: torch.dtype


class LoraLibrary:
    """Files as fitted to models, the last used ones within a budget. Thread-safe.

    They stay in RAM: to a GPU they are copied for each walk, which takes milliseconds, so that they take no
    VRAM from what draws.
    """

    def __init__(self, budget: Callable[[], int]) -> None:
        """Begin empty. `budget`: how many bytes to keep; the last used file is kept in any case."""
        self._budget = budget
        self._lock = threading.Lock()
        self._known: OrderedDict[_Key, tuple[str, Fit]] = OrderedDict()
        self._unusable: dict[Stamp, str] = {}
        """Why, of files that can't be used: they aren't read again for each text and walk."""

    def fit(
        self, name: str, path: Path, places: Places, dtype: torch.dtype, convert: Convert | None = None
    ) -> Fit:
        """The file at `path`, fitted to a model; `name` is what people call it. See `fitting.fit`.

        Raises:
            WeightsError: it can't be used.
            OSError: it can't be opened.
        """
        key = _Key(stamp_of(path), places.signature, dtype)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key][1]
            if key.stamp in self._unusable:
                raise WeightsError(self._unusable[key.stamp])
        try:
            found = fit(path, places, dtype, convert)
        except WeightsError as error:
            with self._lock:
                older = {stamp: why for stamp, why in self._unusable.items() if stamp.path != path}
                self._unusable = {**older, key.stamp: str(error)}
            raise
        with self._lock:
            for other in [other for other in self._known if other.stamp.path == path]:
                if other.stamp != key.stamp:
                    del self._known[other]
            self._known[key] = name, found
            self._drop()
        return found

    def _drop(self) -> None:
        left, budget = sum(found.size for _, found in self._known.values()), self._budget()
        while left > budget and len(self._known) > 1:
            _, (_, gone) = self._known.popitem(last=False)
            left -= gone.size

    def unload(self, name: str | None = None) -> None:
        """Forget what is known of the file of that name, or of all."""
        with self._lock:
            for key in [key for key, (own, _) in self._known.items() if name in (None, own)]:
                del self._known[key]
            self._unusable = {}

    def residents(self) -> tuple[Resident, ...]:
        """What is kept."""
        with self._lock:
            return tuple(
                Resident(name, "lora", found.size, "RAM", in_use=False)
                for name, found in self._known.values()
            )
