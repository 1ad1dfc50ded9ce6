"""A file of styles as A1111 keeps it: CSV with a header, `name,prompt,negative_prompt`.

Older ones have `name,text`. A row whose name begins with "#" is a comment. What isn't known to us, rows or
columns, stays as it is when the file is written.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 2**24
NAME, PROMPT, OLD_PROMPT, NEGATIVE = "name", "prompt", "text", "negative_prompt"
HEADER = (NAME, PROMPT, NEGATIVE)
NONE = "None"
"""What A1111 and its clients write where they mean no style."""

Row = tuple[str, ...]


class StylesFileError(Exception):
    """The file can't be used as it is; the text says why."""


@dataclass(frozen=True)
class Table:
    """Header and rows. Rows may be shorter or longer than the header."""

    header: Row = HEADER
    rows: tuple[Row, ...] = ()

    def styles(self) -> dict[str, tuple[str, str]]:
        """Name -> prompt and negative prompt. Of several rows with one name the last counts."""
        known = [row for row in self.rows if _is_style(self._value(row, NAME))]
        return {
            self._value(row, NAME): (self._value(row, self._prompt_column), self._value(row, NEGATIVE))
            for row in known
        }

    def with_style(self, name: str, prompt: str, negative_prompt: str, was: str | None = None) -> Table:
        """With the style `name` in the row of the style `was` (None: its own), or in a new one at the end."""
        table = self._modern()
        told = {NAME: name, PROMPT: prompt, NEGATIVE: negative_prompt}
        place = max((at for at, row in enumerate(table.rows) if table._value(row, NAME) == (was or name)),
                    default=len(table.rows))  # fmt: skip
        old = table.rows[place] if place < len(table.rows) else ()
        padded = old + ("",) * (len(table.header) - len(old))
        fresh = (
            tuple(told.get(column, value) for column, value in zip(table.header, padded, strict=False))
            + padded[len(table.header) :]
        )
        before = tuple(row for row in table.rows[:place] if table._value(row, NAME) not in (name, was))
        after = tuple(row for row in table.rows[place + 1 :] if table._value(row, NAME) not in (name, was))
        return Table(table.header, (*before, fresh, *after))

    def without(self, name: str) -> Table:
        """Without the rows of the style `name`."""
        return Table(self.header, tuple(row for row in self.rows if self._value(row, NAME) != name))

    @property
    def _prompt_column(self) -> str:
        return PROMPT if PROMPT in self.header else OLD_PROMPT

    def _value(self, row: Row, column: str) -> str:
        place = self.header.index(column) if column in self.header else len(row)
        return row[place] if place < len(row) else ""

    def _modern(self) -> Table:
        """With all columns that a style needs, under the names of today."""
        header = self.header
        if PROMPT not in header:
            header = tuple(PROMPT if column == OLD_PROMPT else column for column in header)
        missing = tuple(column for column in HEADER if column not in header)
        return Table(header + missing, self.rows)


def _is_style(name: str) -> bool:
    """Not so of comments, of the lines that A1111 puts between the files of a list, and of its "None"."""
    ruled = name.startswith("---") and name.endswith("---")
    return name not in ("", NONE) and not name.startswith("#") and not ruled


def read(file: Path) -> Table:
    """The file's table; an empty one where there is no file.

    Raises:
        OSError: it can't be read.
        StylesFileError: it is no such table, or too large.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Table()
    if len(content) > MAX_BYTES:
        raise StylesFileError(f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        rows = [tuple(row) for row in csv.reader(io.StringIO(_text(content), newline=""))]
    except csv.Error as error:
        raise StylesFileError(str(error)) from error
    rows = [row for row in rows if row]
    if not rows:
        return Table()
    header = tuple(column.strip().lower() for column in rows[0])
    if NAME not in header or not {PROMPT, OLD_PROMPT}.intersection(header):
        raise StylesFileError(f'its first line is not "{",".join(HEADER)}"')
    return Table(header, tuple(rows[1:]))


def _text(content: bytes) -> str:
    """As UTF-8, as Excel's UTF-16, or else as what Windows wrote before: any bytes mean something there."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def write(file: Path, table: Table) -> None:
    """Put `table` into the file, whole or not at all, as A1111 would: UTF-8 with a BOM.

    A link stays one, and the file's permissions stay as they are.

    Raises:
        OSError: it can't be written; the file is as it was.
        StylesFileError: it would become too large.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows([table.header, *table.rows])
    content = text.getvalue().encode("utf-8-sig", "replace")
    if len(content) > MAX_BYTES:
        raise StylesFileError(f"it would become larger than {MAX_BYTES >> 20} MiB")
    file = Path(os.path.realpath(file))
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.part")
    with unfinished.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    if file.exists():
        shutil.copymode(file, unfinished)
    unfinished.replace(file)
