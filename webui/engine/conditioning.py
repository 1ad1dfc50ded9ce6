"""What the pictures of a batch listen to, evaluation by evaluation: prompts change while they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from webui.engine.encoding import ROW, Embedding, PromptEncoder, Reading
from webui.engine.protocol import EngineError
from webui.prompting.language import Moment, Network, moment_at, read
from webui.prompting.prepared import PicturePrompt

MOST_PARTS = 32
"""Prompts joined by AND; each costs as much as a picture of its own."""
MOST_CHUNKS = 100
"""Chunks of 75 tokens in a prompt; beyond what its characters can fill only BREAKs make more."""

MOST_CHUNKS_ALTOGETHER = 1000
"""Of all texts that are said in a batch: each is kept while it is drawn."""


class Interrupted(Exception):  # noqa: N818  # nothing is wrong
    """The person wishes to stop."""


def _never() -> bool:
    return False


@dataclass(frozen=True, eq=False)
class Part:
    """What one row of the UNet hears."""

    embedding: Embedding
    weight: float | Tensor = 1.0
    """How hard it pulls: a number, or one for each place, shape (1, height, width) in latents."""
    networks: tuple[Network, ...] = ()
    """Those that change the UNet for this row."""


@dataclass(frozen=True, eq=False)
class Heard:
    """What one picture hears at an evaluation: parts to go towards, and the one to go away from."""

    wanted: tuple[Part, ...]
    unwanted: Part

    @property
    def plain(self) -> bool:
        """Whether there is one prompt only, at full weight."""
        weight = self.wanted[0].weight
        return len(self.wanted) == 1 and not isinstance(weight, Tensor) and weight == 1


@dataclass(frozen=True)
class _Spoken:
    """A picture's prompts as read."""

    wanted: tuple[tuple[tuple[Moment, ...], float], ...]
    unwanted: tuple[Moment, ...]

    @property
    def moments(self) -> list[Moment]:
        return [moment for moments, _ in self.wanted for moment in moments] + list(self.unwanted)


class Conditioning:
    """The prompts of a batch's pictures, read and encoded once by one model's encoders."""

    def __init__(
        self,
        encoder: PromptEncoder,
        prompts: Sequence[PicturePrompt],
        evaluations: int = 1,
        reading: Reading | None = None,
        stopped: Callable[[], bool] = _never,
        before: int | None = None,
    ) -> None:
        """Encode all that will be said.

        Args:
            encoder: the model's.
            prompts: one for each picture of the batch.
            evaluations: how often the model will be asked; "half of the steps" is half of that.
            reading: how texts are read.
            stopped: whether to give up; asked before each text.
            before: in the second pass of hires fix, how often it was asked in the first.

        Raises:
            EngineError: a prompt has too many parts to be drawn.
            Interrupted: `stopped` said so.
        """
        spoken = {prompt: _read(prompt, evaluations, before) for prompt in dict.fromkeys(prompts)}
        wanted = {text for one in spoken.values() for moments, _ in one.wanted for text in _texts(moments)}
        unwanted = {text for one in spoken.values() for text in _texts(one.unwanted)}
        self._tokens = 0
        self._stopped = stopped
        self._wanted = {text: self._counted(encoder.embed, text, reading) for text in wanted}
        self._unwanted = {text: self._counted(encoder.unwanted, text, reading) for text in unwanted}
        self._spoken = [spoken[prompt] for prompt in prompts]
        self._parts: dict[tuple[Embedding, float, tuple[Network, ...]], Part] = {}

    def _counted(
        self, embed: Callable[[str, Reading | None], Embedding], text: str, reading: Reading | None
    ) -> Embedding:
        if self._stopped():
            raise Interrupted
        embedding = embed(text, reading)
        self._tokens += embedding.tokens.shape[1]
        if self._tokens > MOST_CHUNKS_ALTOGETHER * ROW:
            raise EngineError(
                "The prompts say too many different things over the steps. Edit less, or shorten them."
            )
        return embedding

    def __len__(self) -> int:
        return len(self._spoken)

    @property
    def networks(self) -> tuple[Network, ...]:
        """Every network that a prompt names, once."""
        moments = [moment for spoken in self._spoken for moment in spoken.moments]
        return tuple(dict.fromkeys(network for moment in moments for network in moment.networks))

    def at(self, evaluation: int) -> list[Heard]:
        """What each picture hears at `evaluation`, counted from 0."""
        return [self._heard(spoken, evaluation) for spoken in self._spoken]

    def _heard(self, spoken: _Spoken, evaluation: int) -> Heard:
        said = [(moment_at(moments, evaluation), weight) for moments, weight in spoken.wanted]
        networks = tuple(dict.fromkeys(network for moment, _ in said for network in moment.networks))
        wanted = [self._part(self._wanted[moment.text], weight, networks) for moment, weight in said]
        unwanted = self._unwanted[moment_at(spoken.unwanted, evaluation).text]
        return Heard(tuple(wanted), self._part(unwanted, 1.0, networks))

    def _part(self, embedding: Embedding, weight: float, networks: tuple[Network, ...]) -> Part:
        """The very same object for the same, by which it is told whether anything has changed."""
        key = (embedding, weight, networks)
        return self._parts.setdefault(key, Part(*key))


def _read(prompt: PicturePrompt, evaluations: int, before: int | None) -> _Spoken:
    positive = read(prompt.prompt, evaluations, before=before)
    negative = read(prompt.negative, evaluations, composes=False, before=before)
    if len(positive.subprompts) > MOST_PARTS:
        raise EngineError(
            f"The prompt joins {len(positive.subprompts)} parts by AND; up to {MOST_PARTS} can be drawn."
        )
    if max(text.count("BREAK") for text in (prompt.prompt, prompt.negative)) > MOST_CHUNKS:
        raise EngineError(f"A prompt has more than {MOST_CHUNKS} BREAKs. Use fewer.")
    return _Spoken(
        tuple((part.moments, part.weight) for part in positive.subprompts), negative.subprompts[0].moments
    )


def _texts(moments: Sequence[Moment]) -> set[str]:
    return {moment.text for moment in moments}
