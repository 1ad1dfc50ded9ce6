"""What a dynamic prompt is made of, as commands of the library dynamicprompts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dynamicprompts.commands import (
    Command,
    LiteralCommand,
    SequenceCommand,
    VariantCommand,
    VariantOption,
    WildcardCommand,
)
from dynamicprompts.commands.variable_commands import VariableAssignmentCommand

from webui.prompting.dynamic_limits import TemplateError

BOUNDS = re.compile(
    r"\s*[~!@]?\s*(?:(?:(?P<low>\d{1,3})(?P<to>-(?P<high>\d{1,3})?)?|-(?P<upto>\d{1,3}))\$\$"
    r"(?:(?P<between>[^${}]*)\$\$)?)?"
)
"""What may stand behind a brace: how many are chosen, and what is put between them."""


@dataclass(frozen=True)
class Wildcard(WildcardCommand):
    """`__name__`. `source` is what was written, which stays where there is no such wildcard."""

    source: str = ""


@dataclass
class Pieces:
    """What follows one another, texts joined."""

    commands: list[Command] = field(default_factory=list[Command])
    varies: bool = False

    def say(self, text: str) -> None:
        """Text is next."""
        last = self.commands[-1] if self.commands else None
        if isinstance(last, LiteralCommand):
            self.commands[-1] = LiteralCommand(last.literal + text)
        elif text:
            self.commands.append(LiteralCommand(text))

    def add(self, command: Command) -> None:
        """Something that varies is next."""
        self.commands.append(command)
        self.varies = True

    def command(self) -> Command:
        """All of it as one command."""
        # A variable is set for the sequence that it stands in, so that it always needs one.
        if len(self.commands) == 1 and not isinstance(self.commands[0], VariableAssignmentCommand):
            return self.commands[0]
        return SequenceCommand(list(self.commands)) if self.commands else LiteralCommand("")


@dataclass
class Options:
    """What stands between the bars of a pair of braces, with weights."""

    pieces: list[Pieces] = field(default_factory=list[Pieces])
    weights: list[float] = field(default_factory=list[float])

    def vary(self) -> bool:
        """Whether there is anything to choose."""
        return len(self.pieces) > 1 or any(pieces.varies for pieces in self.pieces)

    def command(self, bounds: re.Match[str], at: int) -> VariantCommand:
        """As many of them as `bounds`, a match of BOUNDS, tells; the brace stands at `at`.

        Raises:
            TemplateError: all weights are 0.
        """
        if not sum(self.weights):
            raise TemplateError(
                f"All weights in the {{ }} at character {at + 1} are 0, so that nothing can be chosen. "
                "Give one option another weight."
            )
        pairs = zip(self.pieces, self.weights, strict=True)
        variants = [VariantOption(pieces.command(), weight) for pieces, weight in pairs]
        if bounds["low"] is None and bounds["upto"] is None:
            return VariantCommand(variants)
        low = int(bounds["low"] or 1)
        exact = bounds["low"] and not bounds["to"]
        high = low if exact else int(bounds["high"] or bounds["upto"] or len(variants))
        between = bounds["between"]
        return VariantCommand(variants, low, high, "," if between is None else between)
