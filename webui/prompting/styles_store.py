"""The styles of all files together: what there is, and changing it."""

from __future__ import annotations

import glob
import logging
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from webui.params import InvalidParamsError
from webui.prompting import styles, styles_file
from webui.prompting.styles import Style
from webui.prompting.styles_file import NONE, StylesFileError, Table

log = logging.getLogger(__name__)

MAX_NAME = 200


class UnknownStyleError(KeyError):
    """There is no style of that name."""


class StyleTakenError(ValueError):
    """A style can't be changed or named so; the text says why and the way out."""


class _Stamp(NamedTuple):
    size: int
    mtime_ns: int


class StyleStore:
    """All styles, by name. Thread-safe; a file that has changed is read again.

    `patterns` are files, or patterns of files' names with * and ?, that may be changed; where two files have
    a style of one name, the earlier counts. `foreign` are others' files, which are only read, and come last.
    """

    def __init__(self, patterns: Sequence[Path], foreign: Sequence[Path] = ()) -> None:
        self._patterns = list(patterns)
        self._foreign = list(foreign)
        self._lock = threading.Lock()
        self._stamps: dict[Path, _Stamp | None] = {}
        self._styles: dict[str, Style] = {}

    def listed(self) -> list[Style]:
        """All styles, in the order of the files and of their rows."""
        with self._lock:
            self._look()
            return list(self._styles.values())

    def get(self, name: str) -> Style:
        """The style `name`; if there is none, the one called so in other letter case.

        Raises:
            UnknownStyleError: there is none.
        """
        with self._lock:
            self._look()
            return self._get(name)

    def chosen(self, names: Iterable[str]) -> list[Style]:
        """The styles of those names, in that order.

        Raises:
            InvalidParamsError: one of them is unknown.
        """
        found: list[Style] = []
        for name in names:
            if name == NONE:
                continue
            try:
                found.append(self.get(name))
            except UnknownStyleError as error:
                raise InvalidParamsError("styles", self._unknown(name)) from error
        return found

    def apply(self, names: Iterable[str], prompt: str, negative_prompt: str) -> tuple[str, str]:
        """Prompt and negative prompt with the texts of the styles of those names, in that order.

        Raises:
            InvalidParamsError: one is unknown, or a prompt becomes too long.
        """
        return styles.apply(self.chosen(names), prompt, negative_prompt)

    def extract(self, prompt: str, negative_prompt: str) -> tuple[str, str, tuple[str, ...]]:
        """What is left of two prompts without the styles that they hold, and those styles' names."""
        return styles.extract(self.listed(), prompt, negative_prompt)

    def save(self, name: str, prompt: str, negative_prompt: str, was: str | None = None) -> Style:
        """Keep a style, in its own file, or, where it is new or a foreign file's, in the first of ours.

        `was` is the name of the style that is to be called `name` from now on.

        Raises:
            InvalidParamsError: the name can't be a style's.
            UnknownStyleError: there is no style `was`.
            StyleTakenError: another style is called `name`, or the file can't be used.
            OSError: the file can't be written; nothing has been changed.
        """
        name = _checked(name)
        with self._lock:
            self._look()
            old = self._get(was) if was is not None else self._styles.get(name)
            if old and old.name != name and name in self._styles:
                raise StyleTakenError(f'There is a style "{name}" already. Choose another name.')
            renamed = old.name if old and old.name != name else None
            if old and renamed and not old.editable:
                raise StyleTakenError(_foreign(old, "renamed"))
            file = old.file if old and old.editable else self._first()
            self._write(file, self._table(file).with_style(name, prompt, negative_prompt, renamed))
            return self._styles[name]

    def delete(self, name: str) -> None:
        """Forget the style `name`.

        Raises:
            UnknownStyleError: there is none.
            StyleTakenError: it is in a foreign file, or the file can't be used.
            OSError: the file can't be written; nothing has been changed.
        """
        with self._lock:
            self._look()
            style = self._styles.get(name)
            if style is None:
                raise UnknownStyleError(name)
            if not style.editable:
                raise StyleTakenError(_foreign(style, "deleted"))
            self._write(style.file, self._table(style.file).without(name))

    def _get(self, name: str) -> Style:
        if style := self._styles.get(name):
            return style
        folded = name.strip().casefold()
        style = next((style for style in self._styles.values() if style.name.casefold() == folded), None)
        if style is None:
            raise UnknownStyleError(name)
        return style

    def _unknown(self, name: str) -> str:
        names = [style.name for style in self.listed()]
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        known = ", ".join(names[:10]) + more if names else "none"
        return f'There is no style "{name}". Found: {known}.'

    def _first(self) -> Path:
        """Where new styles go: the first file, or `styles.csv` beside where the first pattern found none."""
        return next(iter(_files(self._patterns[:1])), self._patterns[0].with_name("styles.csv"))

    def _look(self) -> None:
        """Read all files again if one of them has changed."""
        ours = list(dict.fromkeys([self._first(), *_files(self._patterns)]))
        files = [*ours, *(file for file in self._foreign if file not in ours)]
        stamps = {file: _stamp(file) for file in files}
        if stamps == self._stamps:
            return
        found: dict[str, Style] = {}
        for file in files:
            for name, (prompt, negative) in _read(file).styles().items():
                found.setdefault(name, Style(name, prompt, negative, file, file in ours))
        self._stamps, self._styles = stamps, found

    def _table(self, file: Path) -> Table:
        try:
            return styles_file.read(file)
        except StylesFileError as error:
            told = f"{file.name} can't be used for styles: {error}"
            raise StyleTakenError(f"{told}. Move it away, and a new one is begun.") from error

    def _write(self, file: Path, table: Table) -> None:
        try:
            styles_file.write(file, table)
        except StylesFileError as error:
            raise StyleTakenError(f"{file.name} can't hold this style: {error}.") from error
        self._stamps = {}
        self._look()


def _checked(name: str) -> str:
    """The name as it is kept."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        told = f"The name of a style has 1 to {MAX_NAME} characters and no line breaks."
        raise InvalidParamsError("styles", told)
    if not Table(rows=((name, "", ""),)).styles():
        told = f'A style can\'t be called "{name}": in files of styles that means something else.'
        raise InvalidParamsError("styles", told)
    return name


def _foreign(style: Style, what: str) -> str:
    return (
        f'"{style.name}" can\'t be {what}: it is kept in {style.file}, which Darkroom only reads. '
        "Saving a style of that name puts one of your own before it."
    )


def _files(patterns: Iterable[Path]) -> list[Path]:
    """The files that the patterns mean, each once. One without * and ? means itself, there or not."""
    found: list[Path] = []
    for pattern in patterns:
        if any(sign in pattern.name for sign in "*?"):
            below = Path(glob.escape(str(pattern.parent))) / pattern.name
            found += sorted(Path(name) for name in glob.glob(str(below)))  # noqa: PTH207
        else:
            found.append(pattern)
    return list(dict.fromkeys(found))


def _stamp(file: Path) -> _Stamp | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return _Stamp(stat.st_size, stat.st_mtime_ns)


def _read(file: Path) -> Table:
    try:
        return styles_file.read(file)
    except (OSError, StylesFileError) as error:
        log.warning("%s can't be used for styles: %s", file, error)
        return Table()
