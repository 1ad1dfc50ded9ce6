"""The prompt language: what a prompt says at each evaluation of the model.

A text is read in AUTOMATIC1111's order: comments go, networks are taken out, AND splits it, editing and
alternation are laid out over the steps. Emphasis and BREAK are still in the texts of the moments, for
`chunks.py` to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from webui.prompting.comments import without_comments
from webui.prompting.composition import parts
from webui.prompting.grammar import Alternation, Editing, Said, Span, parse
from webui.prompting.networks import Network, lift


@dataclass(frozen=True)
class Moment:
    """What is said up to and with evaluation number `until`."""

    until: int
    text: str
    networks: tuple[Network, ...]


@dataclass(frozen=True)
class Subprompt:
    """One part of `a AND b:1.2`."""

    weight: float
    moments: tuple[Moment, ...]
    """In their order, each unlike the one before; the last is until the end."""


@dataclass(frozen=True)
class Prompt:
    """A prompt as read: at least one part."""

    subprompts: tuple[Subprompt, ...]


def read(text: str, steps: int, *, composes: bool = True, before: int | None = None) -> Prompt:
    """Read any text; what can't be understood means itself.

    Args:
        text: as it was typed, styles and wildcards put in.
        steps: how often the model is evaluated: for samplers of second order twice the steps.
        composes: whether AND splits it and a weight may end it. A1111 does so for the positive prompt only.
        before: for the second pass of hires fix, how often the model was evaluated in the first. As in A1111
            the numbers of editings count on: [a:b:1.5] and, after 20 evaluations, [a:b:30] are the middle of
            a second pass of 20.
    """
    plain, networks = lift(without_comments(text))
    span = Span(max(1, steps), before)
    if not composes:
        return Prompt((Subprompt(1.0, _moments(parse(plain, networks), span)),))
    return Prompt(
        tuple(
            Subprompt(part.weight, _moments(parse(part.text, part.networks), span))
            for part in parts(plain, networks)
        )
    )


def moment_at(moments: Sequence[Moment], index: int) -> Moment:
    """What is said at evaluation `index`, counted from 0.

    It is the first moment with index <= until, as in A1111: so the first one lasts an evaluation longer than
    its number says.
    """
    return next((moment for moment in moments if index <= moment.until), moments[-1])


def _moments(said: Said, span: Span) -> tuple[Moment, ...]:
    moments: list[Moment] = []
    for step in _ends(said, span):
        moment = Moment(step, *_at(said, step, span))
        if moments and (moments[-1].text, moments[-1].networks) == (moment.text, moment.networks):
            moments.pop()
        moments.append(moment)
    return tuple(moments)


def _ends(said: Said, span: Span) -> Iterable[int]:
    """The steps after which anything may change, in their order, and the last."""
    ends = {span.steps}
    for part in _changing(said):
        if isinstance(part, Alternation):
            return range(1, span.steps + 1)
        ends.add(part.until(span))
    return sorted(ends - {0})


def _changing(said: Said) -> Iterator[Editing | Alternation]:
    """All that changes in it, however deep."""
    waiting = [said]
    while waiting:
        for part in waiting.pop():
            if isinstance(part, Editing | Alternation):
                yield part
                waiting.extend(part.choices)


def _at(said: Said, step: int, span: Span) -> tuple[str, tuple[Network, ...]]:
    """The text at a step, and its networks."""
    words: list[str] = []
    networks: list[Network] = []
    waiting = list(reversed(said))
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            words.append(part)
        elif isinstance(part, Network):
            networks.append(part)
        else:
            waiting.extend(reversed(part.at(step, span)))
    return "".join(words), tuple(networks)
