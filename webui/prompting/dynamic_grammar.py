r"""Reads the language of dynamic prompts: what of a prompt is chosen anew for each picture.

    {a|b}                   one of them             {3::a|b}        a three times as often
    {2$$a|b|c}              two, with "," between   {1-2$$ and $$a|b|c}     one or two, with " and "
    __name__                a line of a wildcard    __folder/*__    of all that match
    __name(x=red)__         with a variable         __{a|b}/name__  with a choice in the name
    ${x={a|b}}  ${x}        a variable              ${x=!{a|b}}     chosen once
    ${x?=a}     ${x:a}      unless it is set        ${x} or else a
    %{a ... b$$c}           c, where the dots are

The result is made of the commands of the library dynamicprompts, whose samplers choose. Its own parser isn't
used: it refuses "100%", a lone "{" and "a__b", takes "[a|b]" inside braces apart, and drops comments.

Everything else is text and stays as it is: A1111's brackets, tags and comments, braces in which nothing
varies, lone brackets. A backslash before { } or | takes the sign's meaning away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from dynamicprompts.commands import Command, LiteralCommand, WrapCommand
from dynamicprompts.commands.variable_commands import VariableAccessCommand, VariableAssignmentCommand

from webui.prompting.dynamic_brackets import closings
from webui.prompting.dynamic_limits import TemplateError
from webui.prompting.dynamic_pieces import BOUNDS, Options, Pieces, Wildcard

MAX_DEPTH = 30
MAX_NAME = 200

PLAIN = re.compile(r"[^\\#|\[_$%{]+")
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
WEIGHT = re.compile(r"\s*(?P<weight>\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})::")
SPACE = re.compile(r"\s*")
PATH = re.compile(r"[^\n{}|,<>()$#:\"\\_]+")
ARGUMENTS = re.compile(r"\s*\((?P<told>[^()]{1,2000})\)(?=__)")
VARIABLE = re.compile(r"\s*(?P<name>[A-Za-z_-][A-Za-z0-9_-]{0,99})\s*(?P<sign>:|\?=!?|=!?)?\s*")


def read(template: str, depth: int = 0) -> Command | None:
    """What is to be chosen; None: nothing, the template is the prompt.

    Raises:
        TemplateError: a brace is never closed, brackets are nested too deep, or weights allow no choice.
    """
    if "{" not in template and "__" not in template and "\\}" not in template:
        return None
    command = _Reader(template, depth).read()
    if isinstance(command, LiteralCommand) and command.literal == template:
        return None
    return command


class _Reader:
    """One template. Every sign is looked at a few times at most, however the brackets stand."""

    def __init__(self, text: str, depth: int) -> None:
        self._text = text
        self._depth = depth
        self._closes = closings(text)

    def read(self) -> Command:
        return self._pieces(0, len(self._text)).command()

    def _pieces(self, at: int, end: int) -> Pieces:
        """What is written from `at` to `end`, bars being text."""
        pieces = Pieces()
        while at < end:
            at = self._one(pieces, at, end)
        return pieces

    def _options(self, at: int, end: int) -> Options:
        """The same, with the bars between options. A bar inside [ ] is A1111's and divides nothing."""
        options = Options()
        at, pieces = self._begin(options, at, end)
        inside = at
        while at < end:
            sign = self._text[at]
            if sign == "[":
                inside = max(inside, self._closes.get(at, at))
            if sign == "|" and at >= inside:
                at, pieces = self._begin(options, at + 1, end)
            elif self._text.startswith(r"\|", at):
                pieces.say("|")
                at += 2
            else:
                at = self._one(pieces, at, end)
        return options

    def _begin(self, options: Options, at: int, end: int) -> tuple[int, Pieces]:
        weight = WEIGHT.match(self._text, at, end)
        options.weights.append(float(weight["weight"]) if weight else 1.0)
        options.pieces.append(Pieces())
        return self._skip(weight.end() if weight else at, end), options.pieces[-1]

    def _skip(self, at: int, end: int) -> int:
        space = SPACE.match(self._text, at, end)
        return space.end() if space else at

    def _one(self, pieces: Pieces, at: int, end: int) -> int:
        """Read what begins at `at`; where the next begins."""
        text = self._text
        if plain := PLAIN.match(text, at, end):
            pieces.say(plain[0])
            return plain.end()
        if text[at] == "#":
            return self._comment(pieces, at, end)
        if text[at] == "\\":
            pieces.say(_unescaped(text[at : min(at + 2, end)]))
            return at + 2
        for opening, reader in self._readers():
            if text.startswith(opening, at, end) and (after := reader(pieces, at, end)):
                return after
        pieces.say(text[at])
        return at + 1

    def _readers(self) -> Iterable[tuple[str, Callable[[Pieces, int, int], int]]]:
        """By what it begins with: who reads it, returning where it ends, or 0 if it is only text."""
        yield "{", self._braces
        yield "__", self._wildcard
        yield "${", self._variable
        yield "%{", self._wrap

    def _comment(self, pieces: Pieces, at: int, end: int) -> int:
        stop = self._text.find("\n", at, end)
        stop = end if stop < 0 else stop
        # Inside braces it goes: what is chosen may be put before more text on the same line.
        if not self._depth:
            pieces.say(self._text[at:stop])
        return stop

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TemplateError(f"Braces and wildcards are nested more than {MAX_DEPTH} deep. Simplify them.")

    def _braces(self, pieces: Pieces, at: int, end: int) -> int:
        close = self._closes.get(at, end)
        if close >= end:
            return 0
        bounds = BOUNDS.match(self._text, at + 1, close)
        assert bounds is not None  # it matches nothing, too
        self._deeper()
        options = self._options(bounds.end(), close)
        self._depth -= 1
        if options.vary():
            pieces.add(options.command(bounds, at))
        else:
            pieces.say(ESCAPED.sub(lambda pair: _unescaped(pair[0]), self._text[at : close + 1]))
        return close + 1

    def _wildcard(self, pieces: Pieces, at: int, end: int) -> int:
        stop = self._path_end(at + 2, end)
        arguments = ARGUMENTS.match(self._text, stop, end)
        after = (arguments.end() if arguments else stop) + 2
        begin = at + 3 if self._text[at + 2 : at + 3] in ("~", "!", "@") else at + 2
        name = self._text[begin:stop]
        closed = self._text.startswith("__", after - 2, end)
        if not closed or not name or name != name.strip() or len(name) > MAX_NAME:
            return 0
        self._deeper()
        path = self._pieces(begin, stop)
        variables = self._arguments(arguments["told"]) if arguments else {}
        self._depth -= 1
        named = path.command() if path.varies else name
        pieces.add(Wildcard(named, variables=variables, source=self._text[at:after]))
        return after

    def _path_end(self, at: int, end: int) -> int:
        """Where the name that begins at `at` ends: at what can't be in it."""
        while at < end and not self._text.startswith("__", at, end):
            brace = at + 1 if self._text.startswith("${", at) else at
            if plain := PATH.match(self._text, at, end):
                at = plain.end()
            elif self._text[at] == "_":
                at += 1
            elif self._text[brace] == "{" and self._closes.get(brace, end) < end:
                at = self._closes[brace] + 1
            else:
                break
        return at

    def _arguments(self, told: str) -> dict[str, Command]:
        pairs = (pair.partition("=") for pair in told.split(",") if "=" in pair)
        return {
            name.strip(): read(value.strip(), self._depth) or LiteralCommand(value.strip())
            for name, _, value in pairs
        }

    def _variable(self, pieces: Pieces, at: int, end: int) -> int:
        close = self._closes.get(at + 1, end)
        head = VARIABLE.match(self._text, at + 2, min(close, end))
        if close >= end or not head or not (head["sign"] or head.end() == close):
            return 0
        name, sign = head["name"], head["sign"] or ""
        self._deeper()
        value = self._pieces(head.end(), close).command() if sign else None
        self._depth -= 1
        if value is None or sign == ":":
            pieces.add(VariableAccessCommand(name, value))
        else:
            pieces.add(VariableAssignmentCommand(name, value, sign.endswith("!"), not sign.startswith("?")))
        return close + 1

    def _wrap(self, pieces: Pieces, at: int, end: int) -> int:
        close = self._closes.get(at + 1, end)
        middle = self._middle(at + 2, close) if close < end else 0
        if not middle:
            return 0
        self._deeper()
        wrapper = self._pieces(self._skip(at + 2, middle), middle).command()
        inner = self._pieces(self._skip(middle + 2, close), close).command()
        self._depth -= 1
        pieces.add(WrapCommand(wrapper, inner))
        return close + 1

    def _middle(self, at: int, close: int) -> int:
        """Where between `at` and `close` the first $$ stands that is in no braces of its own; 0: nowhere."""
        while at < close:
            if self._text.startswith("$$", at, close):
                return at
            at = self._closes.get(at, at) + 1
        return 0


def _unescaped(pair: str) -> str:
    return pair[1] if pair in (r"\{", r"\}") else pair
