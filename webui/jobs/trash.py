"""The trash: pictures' files kept aside, under `.trash` in the outputs folder, until it is emptied."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from webui.jobs.history_entries import Entry
from webui.jobs.outputs import Outputs

log = logging.getLogger(__name__)

FOLDER = ".trash"


class TrashError(Exception):
    """Files can't be moved or deleted; the text says why."""


class Trash:
    """Moves pictures and the text files beside them. A file that is gone already is passed over."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs

    def path(self, entry: Entry) -> Path | None:
        """Where the picture's file is, in the trash or not; None if it is gone."""
        thrown = self._outputs.path(_place(entry)) if entry.trashed is not None else None
        # One that was cut off while it was put into the trash may still be where it was.
        return thrown or self._outputs.path(entry.picture.file)

    def throw(self, entries: Sequence[Entry]) -> None:
        """Move the files of all of `entries` into the trash, or of none.

        Raises:
            TrashError: one can't be moved.
        """
        with self._moving("put into the trash") as moves:
            for entry in entries:
                if self._outputs.path(entry.picture.file):
                    source = self._outputs.folder / entry.picture.file
                    moves.picture(source, self._outputs.folder / _place(entry))

    @contextmanager
    def brought_back(self, entries: Sequence[Entry]) -> Generator[list[str]]:
        """Move the files back, and into the trash again if the block raises.

        Yields:
            where each is now, relative to the outputs folder: another picture may have taken its name.

        Raises:
            TrashError: one can't be moved. Then none is.
        """
        with self._moving("brought back from the trash") as moves:
            files: list[str] = []
            for entry in entries:
                file = entry.picture.file
                if self._outputs.path(_place(entry)):
                    target = _free(self._outputs.folder / file)
                    moves.picture(self._outputs.folder / _place(entry), target)
                    file = target.relative_to(self._outputs.folder).as_posix()
                files.append(file)
            yield files
        for entry in entries:
            self._tidy(entry)

    def delete(self, entry: Entry) -> None:
        """Delete the picture's file in the trash.

        Raises:
            TrashError: it can't be deleted.
        """
        place = self._outputs.folder / _place(entry)
        try:
            place.unlink(missing_ok=True)
            place.with_suffix(".txt").unlink(missing_ok=True)
        except OSError as error:
            raise TrashError(_sentence(error, "deleted", self._outputs.folder)) from error
        self._tidy(entry)

    def _tidy(self, entry: Entry) -> None:
        """Remove the folder of the entry's job once nothing is left in it."""
        # It isn't there, or it isn't empty.
        with suppress(OSError):
            (self._outputs.folder / _place(entry)).parent.rmdir()

    @contextmanager
    def _moving(self, done: str) -> Generator[_Moves]:
        moves = _Moves()
        try:
            yield moves
        except BaseException as error:
            moves.take_back()
            if isinstance(error, OSError):
                raise TrashError(_sentence(error, done, self._outputs.folder)) from error
            raise


class _Moves:
    """Files that have been moved, and can be moved back."""

    def __init__(self) -> None:
        self._done: list[tuple[Path, Path]] = []

    def picture(self, source: Path, target: Path) -> None:
        """Move a picture and the text file beside it."""
        self._move(source, target)
        if source.with_suffix(".txt").is_file():
            self._move(source.with_suffix(".txt"), target.with_suffix(".txt"))

    def _move(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.move(source, target)
        except OSError:
            # Between two disks it is a copy, which may have been cut off.
            if source.exists():
                target.unlink(missing_ok=True)
            raise
        self._done.append((source, target))

    def take_back(self) -> None:
        """Move all of them back; what can't be is told in the log alone."""
        for source, target in reversed(self._done):
            try:
                shutil.move(target, source)
            except OSError as error:
                log.error("%s belongs to %s, but can't be moved there: %s", target, source, error)


def _place(entry: Entry) -> str:
    """The picture's own in the trash, relative to the outputs folder: names of files come again."""
    return f"{FOLDER}/{entry.id}{Path(entry.picture.file).suffix}"


def _free(file: Path) -> Path:
    """`file`, or that with a number, if another picture has taken its name, or a text the one beside."""
    names = (file.with_stem(f"{file.stem} ({number})") for number in count(2))
    return file if _is_free(file) else next(filter(_is_free, names))


def _is_free(file: Path) -> bool:
    return not file.exists() and not file.with_suffix(".txt").exists()


def _sentence(error: OSError, done: str, folder: Path) -> str:
    return f"The pictures can't be {done} in {folder}: {error.strerror or error}."
