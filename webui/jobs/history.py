"""The history: every picture that someone has made, found, kept, put into the trash and brought back."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from webui.jobs.history_entries import Entry, in_trash, named, numbered, unseen
from webui.jobs.history_facets import Facets, facets_of
from webui.jobs.history_search import Filters, Page, Searches
from webui.jobs.history_zip import zipped
from webui.jobs.lineage import Lineage, lineage_of
from webui.jobs.outputs import Outputs
from webui.jobs.store import JobStore
from webui.jobs.thumbnails import Thumbnail, Thumbnails
from webui.jobs.trash import Trash, TrashError

AT_ONCE = 200
"""How many pictures of the trash are deleted before that is written down."""


class UnknownPictureError(KeyError):
    """The owner has no picture of that name."""


class History:
    """The finished pictures of all owners, each one's own. Safe to use from any thread.

    Pictures are named "<job>/<number>". Of a list of names those that are nobody's, or another's, are passed
    over: the trash may have been emptied meanwhile in another tab.
    """

    def __init__(self, store: JobStore, outputs: Outputs, thumbnails: Thumbnails) -> None:
        self._database = store.database
        self._thumbnails = thumbnails
        self._trash = Trash(outputs)
        self._searches = Searches()
        # Of two that move the same file at once the later would take it for gone.
        self._moving = threading.Lock()

    def page(self, owner: str, filters: Filters, offset: int = 0, limit: int = 100) -> Page:
        """`limit` pictures from number `offset` on, newest first, of those that `filters` leave."""
        with self._database.transaction() as db:
            numbers, total = self._searches.find(db, owner, filters, offset, limit)
            return Page(numbered(db, numbers), total)

    def facets(self, owner: str) -> Facets:
        """What the owner's pictures can be narrowed down to."""
        with self._database.transaction() as db:
            return facets_of(db, owner)

    def get(self, owner: str, name: str) -> Entry:
        """One picture, in the trash or not.

        Raises:
            UnknownPictureError: the owner has none of that name.
        """
        with self._database.transaction() as db:
            if found := named(db, owner, [name]):
                return found[0]
        raise UnknownPictureError(name)

    def lineage(self, owner: str, name: str) -> Lineage:
        """What the picture was made from, and what was made from it.

        Raises:
            UnknownPictureError: the owner has none of that name.
        """
        entry = self.get(owner, name)
        with self._database.transaction() as db:
            return lineage_of(db, entry)

    def path(self, entry: Entry) -> Path | None:
        """Where the picture's file is now; None if it is gone."""
        return self._trash.path(entry)

    def favourite(self, owner: str, names: Sequence[str], favourite: bool) -> int:
        """Mark pictures as favourites, or no longer; how many there were.

        Raises:
            StoreError: the disk is full.
        """
        with self._database.transaction() as db:
            entries = named(db, owner, names)
            _set(db, entries, "favourite", favourite)
        return len(entries)

    def trash(self, owner: str, names: Sequence[str]) -> int:
        """Put pictures into the trash, all of them or none; how many.

        Raises:
            TrashError: a file can't be moved.
            StoreError: the disk is full.
        """
        with self._moving:
            # Written down before anything is moved: were the server to die between the two, nothing is lost.
            with self._database.transaction() as db:
                entries = [entry for entry in named(db, owner, names) if entry.trashed is None]
                _set(db, entries, "trashed", time.time())
            try:
                self._trash.throw(entries)
            except TrashError:
                with self._database.transaction() as db:
                    _set(db, entries, "trashed", None)
                raise
        return len(entries)

    def restore(self, owner: str, names: Sequence[str]) -> int:
        """Bring pictures back from the trash, all of them or none; how many.

        Raises:
            TrashError: a file can't be moved.
            StoreError: the disk is full.
        """
        with self._moving:
            with self._database.transaction() as db:
                entries = [entry for entry in named(db, owner, names) if entry.trashed is not None]
            with self._trash.brought_back(entries) as files, self._database.transaction() as db:
                _set(db, entries, "trashed", None)
                for entry, file in zip(entries, files, strict=True):
                    _set(db, [entry], "file", file)
        return len(entries)

    def empty_trash(self, owner: str, names: Sequence[str] | None = None) -> int:
        """Delete what is in the trash for good (None: all of it); how many pictures that were.

        Raises:
            TrashError: files can't be deleted. All others are.
            StoreError: the disk is full.
        """
        if names is None:
            with self._database.transaction() as db:
                names = in_trash(db, owner)
        deleted, problems = 0, list[TrashError]()
        for start in range(0, len(names), AT_ONCE):
            deleted += self._empty_some(owner, names[start : start + AT_ONCE], problems)
        if problems:
            raise TrashError(f"Pictures that are still in the trash: {len(problems):,}. {problems[0]}")
        return deleted

    def _empty_some(self, owner: str, names: Sequence[str], problems: list[TrashError]) -> int:
        """Delete some of the trash, and add to `problems` why others stay; how many are deleted."""
        deleted: list[Entry] = []
        with self._moving:
            with self._database.transaction() as db:
                entries = [entry for entry in named(db, owner, names) if entry.trashed is not None]
            for entry in entries:
                try:
                    self._delete_files(entry)
                    deleted.append(entry)
                except TrashError as error:
                    problems.append(error)
            with self._database.transaction() as db:
                db.executemany("DELETE FROM pictures WHERE job = ? AND number = ?", _keys(deleted))
        return len(deleted)

    def _delete_files(self, entry: Entry) -> None:
        path = self.path(entry)
        if path and (key := self._thumbnails.key(entry.id, path)):
            self._thumbnails.forget(key)
        self._trash.delete(entry)

    def zip(self, owner: str, names: Sequence[str]) -> Iterator[bytes]:
        """A zip file of pictures, piece by piece; what is gone is listed inside.

        Raises:
            UnknownPictureError: the owner has none of them.
        """
        with self._database.transaction() as db:
            entries = named(db, owner, names)
        if not entries:
            raise UnknownPictureError(*names[:1])
        return zipped([(PurePosixPath(entry.picture.file).name, self.path(entry)) for entry in entries])

    def without_thumbnail(self, limit: int) -> list[Entry]:
        """Anyone's newest pictures of which no thumbnail has been tried."""
        with self._database.transaction() as db:
            return unseen(db, limit)

    def seen(self, entry: Entry, thumbnail: Thumbnail | None) -> None:
        """A thumbnail has been tried; what it told of the picture's size is kept, if it wasn't known."""
        size = (thumbnail.width, thumbnail.height) if thumbnail else (0, 0)
        with self._database.transaction() as db:
            _set(db, [entry], "seen", True)
            if not entry.picture.width:
                _set(db, [entry], "width", size[0])
                _set(db, [entry], "height", size[1])

    def forget_thumbnails(self) -> None:
        """All thumbnails are gone."""
        with self._database.transaction() as db:
            db.execute("UPDATE pictures SET seen = 0 WHERE seen")


def _set(db: sqlite3.Connection, entries: Sequence[Entry], column: str, value: object) -> None:
    values = [(value, *key) for key in _keys(entries)]
    db.executemany(f"UPDATE pictures SET {column} = ? WHERE job = ? AND number = ?", values)


def _keys(entries: Sequence[Entry]) -> list[tuple[str, int]]:
    return [(entry.job, entry.picture.number) for entry in entries]
