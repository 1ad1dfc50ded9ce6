"""A snapshot of the model folders: made from the one before it, so that only what has changed is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from webui.catalog.diffusers_folder import Seen, main_weights
from webui.catalog.entries import kind_of, look, make
from webui.catalog.entry import Identity, Kind, ModelFile, ModelSettings
from webui.catalog.folders import ModelFolder
from webui.catalog.hashing import key_of
from webui.catalog.index import Key, ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.catalog.naming import unique
from webui.catalog.scan import Found, scan

Place = tuple[str, tuple[Kind, ...]]
"""A file's path and what belongs into the folder that it was found through."""


@dataclass(frozen=True)
class Shelf:
    """A file as it was found, and what was made of it."""

    found: Found
    seen: Seen
    weights: Key | None
    """The file whose sha256 is the model's; None: it has none."""
    settings: ModelSettings
    model: ModelFile


@dataclass(frozen=True)
class Library:
    """All models at one time. Never changes."""

    shelves: Mapping[Place, Shelf] = field(default_factory=dict[Place, Shelf])

    def models(self, kind: Kind | None = None) -> Iterator[ModelFile]:
        """Those of one kind, or all, in the order in which they were found."""
        for shelf in self.shelves.values():
            if kind is None or shelf.model.kind == kind:
                yield shelf.model

    def with_sha256(self, key: Key, sha256: str) -> Library:
        """The same, with the sum of one file known."""
        changed = {
            place: replace(shelf, model=replace(shelf.model, sha256=sha256))
            for place, shelf in self.shelves.items()
            if shelf.weights == key
        }
        return Library({**self.shelves, **changed})


def take_stock(
    folders: Sequence[ModelFolder], index: ModelIndex, settings: ModelSettingsStore, before: Library
) -> Library:
    """What lies in `folders` now."""
    found = list(_found(folders))
    seen = _look_at_all(found, index, before)
    shelves: dict[Place, Shelf] = {}
    taken: dict[Kind, set[str]] = {}
    for thing in _where_they_belong(found, seen):
        place = _place(thing)
        names = taken.setdefault(kind_of(thing, seen[place].identity), set())
        name = unique(thing.name, thing.folder.label or thing.folder.path.name, names)
        names.add(name)
        shelves[place] = _shelf(
            thing, seen[place], name, settings.get(name), index, before.shelves.get(place)
        )
    return Library(shelves)


def _place(found: Found) -> Place:
    return found.path, found.folder.kinds


def _found(folders: Sequence[ModelFolder]) -> Iterator[Found]:
    """Each file once for each kind of folder, however many ways lead to it."""
    met: set[Place] = set()
    for folder in folders:
        for found in scan(folder):
            if (found.real, folder.kinds) not in met:
                met.add((found.real, folder.kinds))
                yield found


def _look_at_all(found: list[Found], index: ModelIndex, before: Library) -> dict[Place, Seen]:
    """What is known of each, from the last look or the index; the rest is opened now, and remembered."""
    seen: dict[Place, Seen] = {}
    fresh: list[tuple[Key, Identity]] = []
    for thing in found:
        place, key = _place(thing), _key(thing)
        shelf = before.shelves.get(place)
        if shelf and shelf.found == thing and shelf.seen.lasting:
            seen[place] = shelf.seen
        elif key and (identity := index.identity(key)):
            seen[place] = Seen(identity)
        else:
            seen[place] = look(thing)
            if key and seen[place].lasting:
                fresh.append((key, seen[place].identity))
    index.keep_identities(fresh)
    return seen


def _key(found: Found) -> Key | None:
    """The file's state; None of a folder, whose identity isn't that of one file, and of what isn't there."""
    return None if found.is_folder or found.stamp is None else Key(found.real, *found.stamp)


def _where_they_belong(found: list[Found], seen: Mapping[Place, Seen]) -> list[Found]:
    """Without those that another folder, where they belong, also leads to; the first such counts."""
    right: dict[str, Found] = {}
    for thing in found:
        if _belongs(thing, seen[_place(thing)]):
            right.setdefault(thing.real, thing)
    return [thing for thing in found if right.get(thing.real, thing) is thing]


def _belongs(found: Found, seen: Seen) -> bool:
    return kind_of(found, seen.identity) == seen.identity.kind


def _shelf(
    found: Found, seen: Seen, name: str, settings: ModelSettings, index: ModelIndex, before: Shelf | None
) -> Shelf:
    unchanged = before is not None and (before.found, before.seen) == (found, seen)
    weights = before.weights if before and unchanged else _weights(found)
    sha256 = index.sha256(weights) if weights else None
    if before and unchanged and (before.model.name, before.settings) == (name, settings):
        same = before.model.sha256 == sha256
        return before if same else replace(before, model=replace(before.model, sha256=sha256))
    return Shelf(found, seen, weights, settings, make(found, seen, name, settings, sha256))


def _weights(found: Found) -> Key | None:
    if not found.is_folder:
        return _key(found)
    try:
        return key_of(main_weights(Path(found.path)))
    except OSError:
        return None
