"""Chooses what a template's commands leave open, by the library dynamicprompts, within an allowance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from dynamicprompts.commands import (
    Command,
    LiteralCommand,
    VariantCommand,
    WildcardCommand,
    WrapCommand,
)
from dynamicprompts.commands.variable_commands import VariableAccessCommand
from dynamicprompts.commands.wrap_command import WRAP_MARKER_RE
from dynamicprompts.enums import SamplingMethod
from dynamicprompts.samplers.random import RandomSampler
from dynamicprompts.sampling_context import SamplingContext
from dynamicprompts.sampling_result import SamplingResult
from dynamicprompts.types import ResultGen
from dynamicprompts.wildcards import WildcardManager

from webui.prompting.dynamic_grammar import Wildcard, read
from webui.prompting.dynamic_limits import MAX_CHOICES, Allowance
from webui.prompting.wildcards import Wildcards, is_pattern
from webui.prompting.wildcards_entries import Entries

PATTERN = 100
"""How many choices looking for all that match a pattern costs."""
TEXTS = 50
"""So many texts that have to be read, or put together, are as much work as a choice."""
MOST_FOR_TEXTS = MAX_CHOICES // 8
"""Not more, so that files of any size can be chosen from."""


def choose(command: Command, seed: int, wildcards: Wildcards, allowance: Allowance) -> str:
    """One text that `command` can become, settled by `seed`.

    Raises:
        TemplateError: a wildcard's line can't be read, or the allowance is used up.
        RecursionError: wildcards or variables lead back to themselves.
    """
    context = _Context(
        SamplingMethod.RANDOM,
        WildcardManager(),
        samplers={SamplingMethod.RANDOM: _Sampler()},
        rand=Random(seed),
        wildcards=wildcards,
        allowance=allowance,
    )
    return context.text_of(command)


@dataclass(frozen=True)
class _Context(SamplingContext):
    """What commands are sampled in: variables and random numbers, as the library has them, and our limits."""

    wildcards: Wildcards = field(default_factory=lambda: Wildcards(()))
    allowance: Allowance = field(default_factory=Allowance)

    def generator_from_command(self, command: Command) -> ResultGen:
        """The texts that `command` can become, without end; the first is the one that counts."""
        if isinstance(command, VariableAccessCommand) and not self._knows(command):
            command = LiteralCommand(f"${{{command.name}}}")
            self.allowance.unknown[command.literal] = None
        self.allowance.spend(len(command.literal) if isinstance(command, LiteralCommand) else 0)
        return super().generator_from_command(command)

    def _knows(self, command: VariableAccessCommand) -> bool:
        return command.name in self.variables or command.default is not None

    def text_of(self, command: Command) -> str:
        """The first of them."""
        return next(self.generator_from_command(command)).text

    def named(self, command: WildcardCommand) -> tuple[str, Entries]:
        """What `command` calls its wildcard, and what there is to choose from."""
        name = command.wildcard if isinstance(command.wildcard, str) else self.text_of(command.wildcard)
        self.allowance.last = name
        if is_pattern(name):
            self.allowance.search(PATTERN)
        return name, self.wildcards.entries(name, self._gathered)

    def _gathered(self, texts: int) -> None:
        self.allowance.search(min(texts // TEXTS, MOST_FOR_TEXTS))


class _Sampler(RandomSampler):
    """The library's random sampler, but for wildcards and for choosing several."""

    def _get_wildcard(self, command: WildcardCommand, context: SamplingContext) -> ResultGen:
        assert isinstance(context, _Context)
        name, entries = context.named(command)
        if entries.texts:
            chosen = read_entry(entries.choice(context.rand))
            yield from context.with_variables(command.variables).generator_from_command(chosen)
        yield _as_it_was(command, name, context)

    def _get_variant(self, command: VariantCommand, context: SamplingContext) -> ResultGen:
        assert isinstance(context, _Context)
        wildcard = command.values[0] if len(command.values) == 1 else None
        if not isinstance(wildcard, WildcardCommand):
            yield from super()._get_variant(command, context)
            return
        # `{2$$__name__}`: several lines of the wildcard, none twice.
        name, entries = context.named(wildcard)
        if not entries.texts:
            yield _as_it_was(wildcard, name, context)
        most = len(entries.texts)
        number = context.rand.randint(min(command.min_bound, most), min(command.max_bound, most))
        inner = context.with_variables(wildcard.variables)
        texts = [
            next(inner.generator_from_command(read_entry(entries.texts[place])))
            for place in _places(entries.weights or [1.0] * most, number, context.rand)
        ]
        yield SamplingResult.joined(texts, separator=command.separator)

    def _get_wrap(self, command: WrapCommand, context: SamplingContext) -> ResultGen:
        wrappers = context.generator_from_command(command.wrapper)
        for wrapper, inner in zip(wrappers, context.generator_from_command(command.inner), strict=False):
            # Where there are no dots the library puts it at the end too, but logs what was written.
            marked = wrapper if WRAP_MARKER_RE.search(wrapper.text) else SamplingResult(f"{wrapper.text}…")
            yield marked.as_wrapper()(inner)

    def _get_variant_choices(
        self, values: list[Command], weights: list[float], num_choices: int, rand: Random
    ) -> list[Command]:
        return [values[place] for place in _places(weights, num_choices, rand)]


def read_entry(text: str) -> Command:
    """A wildcard's line: it may be a template itself."""
    return read(text) or LiteralCommand(text)


def _as_it_was(command: WildcardCommand, name: str, context: _Context) -> SamplingResult:
    written = command.source if isinstance(command, Wildcard) and isinstance(command.wildcard, str) else ""
    text = written or f"__{name}__"
    context.allowance.spend(len(text))
    context.allowance.unknown[text] = None
    return SamplingResult(text)


def _places(weights: Sequence[float], number: int, rand: Random) -> list[int]:
    """`number` different places in `weights`, or as many as have a weight."""
    places, left = list(range(len(weights))), list(weights)
    chosen: list[int] = []
    while len(chosen) < number and any(left):
        at = rand.choices(range(len(places)), weights=left)[0]
        chosen.append(places.pop(at))
        del left[at]
    return chosen
