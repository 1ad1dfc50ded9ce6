"""Pictures enlarged to any size, by networks or by plain arithmetic."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from webui.catalog.entry import ModelFile
from webui.catalog.upscalers import NO_UPSCALER
from webui.engine.conditioning import Interrupted
from webui.engine.devices import Placement, is_out_of_memory
from webui.engine.protocol import EngineError, Observer, Resident
from webui.engine.storage import trim
from webui.engine.upscaling.network import Network, read_network
from webui.engine.upscaling.tiles import Cutting, Pixels, enlarged
from webui.imaging.tiles import Size
from webui.settings import SettingsStore

PLAIN = {
    NO_UPSCALER.lower(): Image.Resampling.LANCZOS,
    "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}
MOST_PIXELS = 2**28
"""Of a picture, also on its way: 16,384 x 16,384."""
TOO_LITTLE_MEMORY = (
    "There isn't enough memory for this. Choose a smaller size or another upscaler, or unload models."
)
LEAST_SIDE = 16
"""Pixels. Networks look beyond the edges by mirrors, which must be large enough."""


@dataclass
class _Held:
    """A network that is loaded."""

    file: ModelFile
    network: Network
    placement: Placement
    dtype: torch.dtype
    """What it computes in: what it was loaded in, or 32 bits once that gave no numbers."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while it is in use."""

    @property
    def key(self) -> tuple[Path, float, Placement]:
        """Tells it from another file, the same file changed, and the same in another form."""
        return self.file.path, self.file.modified, self.placement


class Upscalers:
    """Enlarges pictures on one device, and keeps the network that it used last.

    `enlarged` is the drawing thread's; the rest may be called from any. `make_room` frees the device's
    memory of what isn't in use elsewhere.
    """

    def __init__(
        self, placement: Callable[[], Placement], settings: SettingsStore, make_room: Callable[[], None]
    ) -> None:
        self._placement = placement
        self._settings = settings
        self._make_room = make_room
        self._held: _Held | None = None
        self._lock = threading.Lock()

    def enlarged(
        self,
        name: str,
        image: Image.Image,
        width: int,
        height: int,
        observer: Observer,
        file: ModelFile | None = None,
    ) -> Image.Image:
        """`image` (RGB or RGBA) at exactly `width` x `height` pixels, in its mode.

        A network runs as often as the size needs (once, if it is the picture's own; never, if it is smaller);
        Lanczos does what is left. The observer's steps are tiles, of batch 1; alpha is enlarged by Lanczos.

        Args:
            name: "None", "Lanczos", "Nearest", or what errors are to call `file`.
            image: what is enlarged.
            width: pixels.
            height: pixels.
            observer: hears steps and notices, and is asked between tiles whether to go on.
            file: the network's; None: it needs none.

        Raises:
            EngineError: the file can't be used, memory doesn't suffice, or the size is beyond all measure.
            Interrupted: the observer said so, or that this is to be skipped.
        """
        if width * height > MOST_PIXELS:
            raise EngineError(f"{width}x{height} is too large: the limit is {MOST_PIXELS:,} pixels.")
        if file is None:
            return _plain(name, image, width, height)
        if width < image.width and height < image.height:
            return image.resize((width, height), Image.Resampling.LANCZOS)
        with self._lent(file) as held:
            colours = self._enlarged(held, image.convert("RGB"), width, height, observer)
        if image.mode == "RGBA":
            colours.putalpha(image.getchannel("A").resize((width, height), Image.Resampling.LANCZOS))
        return colours

    def tiles(self, size: Size) -> int:
        """About how many tiles a network enlarges a picture of `size` in."""
        return len(self._cutting().boxes(size))

    def _cutting(self) -> Cutting:
        settings = self._settings.get()
        return Cutting(settings.ESRGAN_tile, settings.ESRGAN_tile_overlap)

    def _enlarged(
        self, held: _Held, image: Image.Image, width: int, height: int, observer: Observer
    ) -> Image.Image:
        sizes = _sizes(image.size, width, height, held.network.scale)
        done = 0
        for number, size in enumerate(sizes, 1):
            image, run = self._run(held, _resized(image, *size), sizes[number:], done, observer)
            done += run
        return _resized(image, width, height)

    def _run(
        self, held: _Held, image: Image.Image, later: list[Size], done: int, observer: Observer
    ) -> tuple[Image.Image, int]:
        """One run of the network over all of `image`, and in how many tiles: smaller ones if memory runs out.

        `later` are the sizes of what it will be given after it; `done` how many tiles were made before.
        """
        cutting = self._cutting()
        while True:
            own, *others = (len(cutting.boxes(size)) for size in (image.size, *later))
            tell = partial(_tell, observer, done, done + own + sum(others))
            try:
                return enlarged(image, held.network.scale, cutting, partial(_piece, held), tell), own
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            # Only here, behind the except block, is all let go that the failed try held.
            self._make_room()
            trim()
            smaller = cutting.smaller(image.size)
            if smaller is None:
                raise EngineError(TOO_LITTLE_MEMORY)
            cutting = smaller
            observer.notice(f"Memory ran out; enlarged in tiles of {cutting.side} pixels instead.")

    @contextmanager
    def _lent(self, file: ModelFile) -> Generator[_Held]:
        """The network of a file, not let go before the end of the block."""
        with self._lock:
            held, placement = self._held, self._placement()
            if held is None or held.key != (file.path, file.modified, placement):
                self._held = None
                del held
                held = self._held = self._load(file, placement)
            held.lock.acquire()
        try:
            yield held
        finally:
            held.lock.release()

    def _load(self, file: ModelFile, placement: Placement) -> _Held:
        network = read_network(file)
        # Not in bf16, whose steps are as wide as those of 8 bits and show as bands; nor in halves on a CPU.
        half = network.half and placement.device.type == "cuda" and placement.dtype != torch.float32
        dtype = torch.float16 if half else torch.float32
        try:
            network.module.to(placement.device, dtype)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self._make_room()
            network.module.to(placement.device, dtype)
        return _Held(file, network, placement, dtype)

    def unload(self, model: str | None = None) -> None:
        """Let go the network of the file named `model` (None: whichever there is), unless it is in use."""
        with self._lock:
            held = self._held
            if held is None or held.lock.locked() or model not in (None, held.file.name):
                return
            self._held = None
            del held
        trim()

    def residents(self) -> tuple[Resident, ...]:
        """What is loaded."""
        held = self._held
        if held is None:
            return ()
        place = "VRAM" if held.placement.device.type == "cuda" else "RAM"
        return (Resident(held.file.name, "upscaler", held.network.size, place, held.lock.locked()),)


def _plain(name: str, image: Image.Image, width: int, height: int) -> Image.Image:
    method = PLAIN.get(name.lower())
    if method is None:
        raise EngineError(f'The upscaler "{name}" has no file any more. Choose another.')
    return _resized(image, width, height, method)


def _resized(
    image: Image.Image, width: int, height: int, method: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    return image if image.size == (width, height) else image.resize((width, height), method)


def _sizes(size: Size, width: int, height: int, scale: int) -> list[Size]:
    """The sizes of what a network is given, run after run, until its outcome covers `width` x `height`.

    Where that would be beyond all measure, it is given what is just large enough.
    """
    sizes: list[Size] = []
    while not sizes or (scale > 1 and (size[0] < width or size[1] < height)):
        if size[0] * size[1] * scale**2 > MOST_PIXELS:
            size = min(size[0], ceil(width / scale)), min(size[1], ceil(height / scale))
        sizes.append(size)
        size = size[0] * scale, size[1] * scale
    return sizes


def _tell(observer: Observer, before: int, count: int, done: int) -> None:
    observer.step(1, before + done, count)
    if observer.interrupted() or observer.skipped():
        raise Interrupted


@torch.inference_mode()
def _piece(held: _Held, image: Image.Image) -> Pixels:
    """What the network makes of a piece of a picture (RGB), in 32 bits where 16 don't suffice."""
    network = held.network
    pixels = torch.from_numpy(np.array(image, np.float32)).permute(2, 0, 1)[None] / 255
    padding = (0, max(0, LEAST_SIDE - image.width), 0, max(0, LEAST_SIDE - image.height))
    pixels = torch.nn.functional.pad(pixels, padding, "replicate").to(held.placement.device)
    made = _called(network, pixels.to(held.dtype))
    if not torch.isfinite(made).all() and held.dtype != torch.float32:
        held.dtype = torch.float32
        network.module.float()
        made = _called(network, pixels)
    if not torch.isfinite(made).all():
        raise EngineError(
            f'The upscaler "{held.file.stem}" gave numbers that are none (NaN). Choose another.'
        )
    made = made[0, :, : image.height * network.scale, : image.width * network.scale]
    return made.clamp(0, 1).mul(255).permute(1, 2, 0).cpu().numpy()


def _called(network: Network, pixels: Tensor) -> Tensor:
    """What it makes, in 32 bits. A network for one channel is given each colour by itself."""
    rows = pixels if network.channels == 3 else pixels.transpose(0, 1)
    made = network.run(rows).float()
    return made if network.channels == 3 else made.transpose(0, 1)
