"""Runs preprocessors' networks: reads them when first they are asked for, and lets them go again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from webui.catalog.catalog import Catalog
from webui.engine.annotators.annotating import Annotating, Read
from webui.engine.annotators.needs import CONFIG, Needs
from webui.engine.idle import IdleTimer
from webui.engine.protocol import Resident
from webui.imaging.preprocessors.preprocessor import Options
from webui.params import InvalidParamsError

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

KEPT = 2
"""Networks that stay loaded, in RAM."""
LEAST = 32
"""Pixels of a side that networks are shown; smaller pictures are enlarged."""

Key = tuple[Path, int, Read]


class Annotators:
    """All of them; thread-safe. One runs at a time: maps are also made while a picture is drawn.

    On a GPU a network is there only while it runs, so that the room is the drawing's. Nothing here imports
    torch before the first run.
    """

    def __init__(
        self, catalog: Catalog, device: Callable[[], torch.device], seconds: Callable[[], float]
    ) -> None:
        """`device`: where to compute. `seconds` without use after which all are let go; 0: never."""
        self._catalog = catalog
        self._device = device
        self._lock = threading.Lock()
        self._held: dict[Key, Annotating] = {}
        self._running: tuple[Annotating, torch.device] | None = None
        self._idle = IdleTimer(seconds, self.unload)

    def find(self, needs: Needs) -> Path | None:
        """The file of what is needed, if it is there."""
        return needs.find(self._catalog.files("annotator"))

    def run(self, title: str, needs: Needs, read: Read, image: Image.Image, options: Options) -> Image.Image:
        """The map that a network makes of `image`, RGB, of its size.

        Raises:
            InvalidParamsError: the network isn't there or can't be used; the text says why.
        """
        file = self.find(needs)
        if file is None:
            raise InvalidParamsError("control", needs.told(title))
        self._idle.stop()
        seen = image.resize((max(image.width, LEAST), max(image.height, LEAST)))
        try:
            with self._lock:
                made = self._ran(self._network(title, file, read), seen, options)
        except MemoryError as error:
            raise InvalidParamsError("control", _too_large(title)) from error
        finally:
            self._idle.begin()
        return made if made.size == image.size else made.resize(image.size, Image.Resampling.BILINEAR)

    def _network(self, title: str, file: Path, read: Read) -> Annotating:
        key = (file, file.stat().st_mtime_ns, read)
        network = self._held.pop(key, None)
        if network is None:
            for oldest in [*self._held][: len(self._held) - KEPT + 1]:
                del self._held[oldest]
            network = _read(title, file, read)
        self._held[key] = network
        return network

    def _ran(self, network: Annotating, image: Image.Image, options: Options) -> Image.Image:
        """On the device; if memory runs out there, on the CPU."""
        from webui.engine.devices import is_out_of_memory

        device = self._device()
        for place in dict.fromkeys((device, device.__class__("cpu"))):
            self._running = network, place
            try:
                network.to(place)
                return network.annotated(image, options)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                log.warning("Memory ran out for a preprocessor on %s", place)
            finally:
                if place.type != "cpu":
                    network.to(device.__class__("cpu"))
                self._running = None
        raise MemoryError

    def unload(self, name: str | None = None) -> None:
        """Let go those read from files or folders called `name` (None: all), unless one is running."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._held = {
                key: held for key, held in self._held.items() if name not in (None, _called(key[0]))
            }
        finally:
            self._lock.release()

    def residents(self) -> tuple[Resident, ...]:
        """What is loaded."""
        running, place = self._running or (None, None)
        return tuple(
            Resident(
                model=_called(file),
                part="annotator",
                size=sum(weight.nbytes for weight in network.parameters()),
                place="VRAM" if network is running and place and place.type == "cuda" else "RAM",
                in_use=network is running,
            )
            for (file, _, _), network in [*self._held.items()]
        )


def _called(file: Path) -> str:
    """What people know it by: of one in transformers' format, its folder."""
    return file.parent.name if file.name == CONFIG else file.name


def _read(title: str, file: Path, read: Read) -> Annotating:
    try:
        return read(file)
    except Exception as error:  # damaged files and optional packages raise all kinds
        log.warning("%s can't be used: %r", title, error)
        # The system's words name the path on disk, which is nobody's business beyond this machine.
        told = (error.strerror or "") if isinstance(error, OSError) else str(error)
        reason = told.strip().partition("\n")[0][:200].removesuffix(".") or type(error).__name__
        raise InvalidParamsError("control", f"{title} can't be loaded from {file.name}: {reason}.") from error


def _too_large(title: str) -> str:
    return f"There isn't enough memory for {title} at this resolution. Lower the Preprocessor Resolution."
