"""Finished pictures on disk, where A1111 keeps them: outputs/txt2img-images/<date>/00000-<seed>.png.

Live ones aren't kept: they lie elsewhere until they are removed.
"""

from __future__ import annotations

import logging
import re
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from itertools import count
from pathlib import Path

from PIL import Image

from webui.engine.protocol import EngineError, Picture
from webui.infotext import carriers
from webui.inputs.files import DISK_FULL, NoRoomError, write
from webui.params import GenerationParams
from webui.settings import Settings

log = logging.getLogger(__name__)

NEEDED_BYTES = 64 * 2**20
NUMBERED = re.compile(r"(?:grid-)?(\d+)(?:[-.].*)?")
MAX_SIDES = {"webp": 16_383}
"""Pixels, in formats that hold less than what a grid may come to."""
FILE_NAMES = {"extras-images": "{:05d}"}
"""What files are called in folders whose pictures have no seed."""
LIVE = "live:"
"""Begins the names of pictures that aren't kept."""
MEDIA_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif"}


class OutputError(EngineError):
    """A picture can't be kept; the text says why and the way out."""


class Outputs:
    """The outputs folder. Thread-safe; `settings` is asked anew for each picture.

    `live`: the folder for pictures that aren't kept, which is nobody else's; None: a hidden one inside.
    """

    def __init__(
        self, folder: Path, settings: Callable[[], Settings] = Settings, live: Path | None = None
    ) -> None:
        self.folder = folder
        self._live = live or folder / ".live"
        self._settings = settings
        self._lock = threading.Lock()
        self._next: dict[Path, int] = {}

    def check_space(self) -> None:
        """Look before drawing.

        Raises:
            OutputError: the disk is as good as full, or the folder can't be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise OutputError(_sentence(error, self.folder)) from error
        if free < NEEDED_BYTES:
            raise OutputError(
                f"The disk is full: {free // 2**20} MB are free where pictures are kept ({self.folder}). "
                "Make room and try again."
            )

    def save(self, picture: Picture, kind: str = "txt2img-images") -> str:
        """Write `picture` in the settings' format, whole or not at all; its path relative to the folder.

        Raises:
            OutputError: the disk is full or can't be written to, or the format can't hold the picture.
        """
        name = FILE_NAMES.get(kind, f"{{:05d}}-{picture.seed}")
        return self._keep(picture.image, picture.infotext, kind, f"{name}.{self._settings().samples_format}")

    def save_grid(self, image: Image.Image, infotext: str, kind: str = "txt2img-grids") -> str:
        """The same for a grid, which has a number of its own kind."""
        return self._keep(image, infotext, kind, f"grid-{{:04d}}.{self._settings().grid_format}")

    def save_live(self, picture: Picture) -> str:
        """Write a picture that isn't kept, quickly; the name by which `path` and `remove_live` know it.

        Raises:
            OutputError: the disk is full or can't be written to.
        """
        file = self._live / f"{uuid.uuid4().hex}.png"
        try:
            write(picture.image, file, {carriers.PARAMETERS: picture.infotext})
        except NoRoomError as error:
            raise OutputError(str(error)) from error
        return f"{LIVE}{file.name}"

    def remove_live(self, file: str | None = None) -> None:
        """Remove a live picture; None: all that there are, unfinished ones too."""
        for path in [self._live / file.removeprefix(LIVE)] if file else list(self._live.glob("*")):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("The live picture %s can't be removed: %s", path, error)

    @property
    def max_grid_side(self) -> int | None:
        """How many pixels wide or high a grid may be in the format of the settings; None: any number."""
        return MAX_SIDES.get(self._settings().grid_format)

    def _keep(self, image: Image.Image, infotext: str, kind: str, name: str) -> str:
        """`name` has a place for the number, which only becomes known here."""
        folder = self.folder / kind / time.strftime("%Y-%m-%d")
        try:
            with self._lock:
                folder.mkdir(parents=True, exist_ok=True)
                number = self._free_number(folder, name)
                file = folder / name.format(number)
                self._write_whole(image, infotext, file)
                self._next[folder] = number + 1
        except carriers.CarrierError as error:
            raise OutputError(str(error)) from error
        except OSError as error:
            raise OutputError(_sentence(error, folder)) from error
        return file.relative_to(self.folder).as_posix()

    def _free_number(self, folder: Path, name: str) -> int:
        """The number after the last; the folder is looked through once, since it may hold thousands."""
        first = self._next[folder] if folder in self._next else _number_after_all(folder)
        return next(number for number in count(first) if not (folder / name.format(number)).exists())

    def _write_whole(self, image: Image.Image, infotext: str, file: Path) -> None:
        settings = self._settings()
        unfinished = file.with_name(f".{file.name}.part")
        try:
            carriers.save(
                image,
                unfinished,
                infotext if settings.enable_pnginfo else None,
                format=file.suffix[1:],
                quality=settings.jpeg_quality,
                lossless=settings.webp_lossless,
            )
            unfinished.replace(file)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        if settings.save_txt:
            file.with_suffix(".txt").write_text(infotext + "\n", encoding="utf-8")

    def path(self, file: str) -> Path | None:
        """The full path of a saved picture, if it is there and inside its folder."""
        folder = (self._live if is_live(file) else self.folder).resolve()
        path = (folder / file.removeprefix(LIVE)).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None


def kind_of(params: GenerationParams) -> str:
    """What A1111 calls a job like that, which begins the names of its folders."""
    if params.train:
        return "training"
    return "extras" if params.extras else "img2img" if params.init_images else "txt2img"


def is_live(file: str) -> bool:
    """Whether a saved picture of that name isn't kept."""
    return file.startswith(LIVE)


def media_type(path: Path) -> str:
    """What a browser is told that a saved picture is."""
    return MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")


def _number_after_all(folder: Path) -> int:
    found = (NUMBERED.fullmatch(entry.name) for entry in folder.iterdir())
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _sentence(error: OSError, folder: Path) -> str:
    if error.errno in DISK_FULL:
        return f"The disk is full: the picture could not be saved in {folder}. Make room and run it again."
    return f"Pictures can't be saved in {folder}: {error.strerror or error}."
