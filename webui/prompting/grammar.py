"""The grammar of what changes over the steps: editing and alternation, within one another to any depth.

Its terminals come from `signs.py`, which tells what of a prompt means anything, and from `networks.py`:

    TEXT     any text, emphasis and all that doesn't fit together included
    NETWORK  a tag such as <lora:name:1>
    WHEN     the number that ends an editing
    _OPEN _COLON _BAR _CLOSE   [ : | ] where they mean something
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from lark import Lark, Token, Transformer
from lark.lexer import Lexer, LexerState

from webui.prompting.networks import Network, Placed
from webui.prompting.signs import Sign, signs

GRAMMAR = r"""
start: said
said: (TEXT | NETWORK | editing | alternation)*
editing: _OPEN said _COLON (said _COLON)? WHEN _CLOSE
alternation: _OPEN said (_BAR said)+ _CLOSE

%declare TEXT NETWORK _OPEN _COLON _BAR WHEN _CLOSE
"""


@dataclass(frozen=True, slots=True)
class Span:
    """The evaluations of the model over which a prompt is said."""

    steps: int
    """How many."""
    before: int | None = None
    """For the second pass of hires fix, how many the first one took. Its own shares begin at 1.0 then."""


@dataclass(frozen=True, eq=False, slots=True)
class Editing:
    """[before:after:when]: another text from a step on."""

    before: Said
    after: Said
    when: float
    share: bool
    """Whether `when` is a share of the steps rather than a step."""

    @property
    def choices(self) -> tuple[Said, ...]:
        """All that it may say."""
        return self.before, self.after

    def until(self, span: Span) -> int:
        """The last step of `before`, 0 to `span.steps`."""
        return int(max(0, min(span.steps, self._limit(span))))

    def at(self, step: int, span: Span) -> Said:
        """What is said at `step` of `span`, counted from 1."""
        return self.before if step <= self._limit(span) else self.after

    def _limit(self, span: Span) -> float:
        if self.share:
            return (self.when - (span.before is not None)) * span.steps
        return self.when - (span.before or 0)


@dataclass(frozen=True, eq=False, slots=True)
class Alternation:
    """[a|b|c]: another text at each step, in turn."""

    choices: tuple[Said, ...]

    def at(self, step: int, span: Span) -> Said:  # noqa: ARG002
        """What is said at `step`, counted from 1."""
        return self.choices[(step - 1) % len(self.choices)]


Said = Sequence[str | Network | Editing | Alternation]
"""A text in its order, of which parts may change over the steps."""


def parse(text: str, networks: Sequence[Placed] = ()) -> Said:
    """What `text` says, with each of the networks at its place. Any text is understood."""
    if "[" not in text:  # Nothing changes then; most prompts needn't wait for the grammar.
        return [text, *(placed.network for placed in networks)]
    return cast(Said, _parser().parse(cast(Any, _woven(signs(text), networks))))


def _woven(pieces: Sequence[Sign], networks: Sequence[Placed]) -> Iterator[Token]:
    """All pieces, and the networks where their tags stood."""
    waiting = list(reversed(networks))
    counted = False
    for piece in pieces:
        done = 0
        # A tag beside an editing's number counts as standing behind the bracket.
        counting, counted = counted or piece.kind == "WHEN", piece.kind == "WHEN"
        while waiting and not counting and waiting[-1].at < piece.at + len(piece.text):
            at = max(done, waiting[-1].at - piece.at)
            yield from _texts(piece.text[done:at])
            yield Token("NETWORK", waiting.pop().network)
            done = at
        yield Token(piece.kind, piece.text[done:])
    yield from (Token("NETWORK", placed.network) for placed in reversed(waiting))


def _texts(text: str) -> list[Token]:
    return [Token("TEXT", text)] if text else []


class _Terminals(Lexer):
    """Passes on the terminals that the parser is given."""

    __future_interface__ = 1

    def __init__(self, _: object) -> None:
        pass

    def lex(self, lexer_state: LexerState, parser_state: object) -> Iterator[Token]:  # noqa: ARG002
        return cast(Iterator[Token], lexer_state.text)


class _Builder(Transformer[Token, Any]):
    """Makes a Said of what the parser finds, from the inside outwards."""

    def start(self, children: list[Said]) -> Said:
        return children[0]

    def said(self, children: list[Token | Editing | Alternation]) -> Said:
        return [_value(child) for child in children]

    def editing(self, children: list[Any]) -> Editing:
        *texts, when = children
        before, after = texts if len(texts) == 2 else ((), *texts)
        return Editing(before, after, float(when), "." in when)

    def alternation(self, children: list[Said]) -> Alternation:
        return Alternation(tuple(children))


def _value(child: Token | Editing | Alternation) -> str | Network | Editing | Alternation:
    return child.value if isinstance(child, Token) else child


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer=_Terminals, transformer=_Builder())
