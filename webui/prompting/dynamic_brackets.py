"""Which brackets of a dynamic prompt belong together."""

from __future__ import annotations

import re

from webui.prompting.dynamic_limits import TemplateError

SIGNS = re.compile(r"\\.|#[^\n]*|[{}\[\]|]", re.DOTALL)


def closings(text: str) -> dict[int, int]:
    """Where each { and [ that is closed has its end. Comments and escaped signs don't count.

    Raises:
        TemplateError: a { with a | in it is never closed.
    """
    brackets = _Brackets()
    for sign in SIGNS.finditer(text):
        brackets.take(sign[0], sign.start())
    brackets.check()
    return brackets.closes


class _Brackets:
    """Those seen so far."""

    def __init__(self) -> None:
        self.closes: dict[int, int] = {}
        self._open: list[tuple[str, int]] = []
        self._braces: list[int] = []  # where in `_open` those of them are that are a {
        self._divided: set[int] = set()

    def take(self, sign: str, at: int) -> None:
        """The next sign."""
        if sign in "{[":
            if sign == "{":
                self._braces.append(len(self._open))
            self._open.append((sign, at))
        elif sign == "|" and self._open:
            self._divided.add(self._open[-1][1])
        elif sign == "]" and self._open and self._open[-1][0] == "[":
            self.closes[self._open.pop()[1]] = at
        elif sign == "}" and self._braces:
            # What was opened since its { and is still open is only text.
            place = self._braces.pop()
            self.closes[self._open[place][1]] = at
            del self._open[place:]

    def check(self) -> None:
        """At the end of the text.

        Raises:
            TemplateError: a { with a | in it is still open.
        """
        for _, at in (self._open[place] for place in self._braces):
            if at in self._divided:
                told = f"The {{ at character {at + 1} of the prompt is never closed. Add a }}"
                raise TemplateError(rf"{told}, write \{{ for a plain brace, or untick Dynamic prompts.")
