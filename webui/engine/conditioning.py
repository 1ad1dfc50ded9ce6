"""What the pictures of a batch listen to, evaluation by evaluation: prompts change while they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from webui.engine.encoding import ROW, Embedding, PromptEncoder, Reading
from webui.engine.protocol import EngineError
from webui.engine.regions import ALONE, Shares
from webui.prompting.language import Moment, Network, moment_at, read
from webui.prompting.prepared import PicturePrompt

MOST_PARTS = 32
"""Prompts joined by AND; each costs as much as a picture of its own."""
MOST_CHUNKS = 100
"""Chunks of 75 tokens in a prompt; beyond what its characters can fill only BREAKs make more."""
MOST_CHUNKS_ALTOGETHER = 1000
"""Of all texts that are said in a batch: each is kept while it is drawn."""

_Said = tuple[str, tuple[Network, ...]]
"""A text and the networks that it is encoded with."""
_Embed = Callable[[str, Reading | None, tuple[Network, ...]], Embedding]


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
class _Portion:
    """A part of a prompt, and how hard it pulls."""

    moments: tuple[Moment, ...]
    weight: float | Tensor


@dataclass(frozen=True)
class _Voice:
    """A text that is said, and the networks that it is heard with."""

    text: str
    networks: tuple[Network, ...]
    weight: float | Tensor = 1.0


@dataclass(frozen=True)
class _Spoken:
    """A picture's prompts as read."""

    own: tuple[_Portion, ...]
    """The parts of the picture's own prompt. None of them may be heard, but their networks count."""
    regions: tuple[tuple[_Portion, ...], ...]
    """Those of its regions' prompts."""
    unwanted: tuple[Moment, ...]
    own_heard: bool = True

    @property
    def heard(self) -> list[_Portion]:
        """Every part that is a row of its own."""
        own = self.own if self.own_heard else ()
        return [*own, *(part for region in self.regions for part in region)]

    @property
    def wanted(self) -> list[Moment]:
        """All that the prompts say, of regions too."""
        said = [*self.own, *(part for region in self.regions for part in region)]
        return [moment for part in said for moment in part.moments]

    def at(self, evaluation: int) -> tuple[list[_Voice], _Voice]:
        """What is said at an evaluation: of each row that is wanted, and of the unwanted one."""
        common = _networks(self.own, evaluation)
        wanted = _voices(self.own, evaluation, common) if self.own_heard else []
        for region in self.regions:
            wanted += _voices(region, evaluation, _joined(common, _networks(region, evaluation)))
        return wanted, _Voice(moment_at(self.unwanted, evaluation).text, common)

    def each(self) -> Iterator[tuple[list[_Voice], _Voice]]:
        """All that `at` can give, in its order."""
        return map(self.at, sorted({moment.until for moment in (*self.wanted, *self.unwanted)}))


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
        shares: Shares = ALONE,
    ) -> None:
        """Encode all that will be said.

        Args:
            encoder: the model's.
            prompts: one for each picture of the batch.
            evaluations: how often the model will be asked; "half of the steps" is half of that.
            reading: how texts are read.
            stopped: whether to give up; asked before each text.
            before: in the second pass of hires fix, how often it was asked in the first.
            shares: how much the picture's own prompt and its regions' count.

        Raises:
            EngineError: a prompt has too many parts to be drawn.
            Interrupted: `stopped` said so.
        """
        spoken = {prompt: _read(prompt, evaluations, before, shares) for prompt in dict.fromkeys(prompts)}
        self._kept = set[Embedding]()
        self._tokens = 0
        self._stopped = stopped
        self._wanted: dict[_Said, Embedding] = {}
        self._unwanted: dict[_Said, Embedding] = {}
        for wanted, unwanted in (said for one in spoken.values() for said in one.each()):
            for voice in wanted:
                self._encode(self._wanted, encoder.embed, voice, reading)
            self._encode(self._unwanted, encoder.unwanted, unwanted, reading)
        self._spoken = [spoken[prompt] for prompt in prompts]
        self._parts: dict[tuple[Embedding, float | Tensor, tuple[Network, ...]], Part] = {}

    def _encode(
        self, known: dict[_Said, Embedding], embed: _Embed, voice: _Voice, reading: Reading | None
    ) -> None:
        said = voice.text, voice.networks
        if said in known:
            return
        if self._stopped():
            raise Interrupted
        known[said] = embedding = embed(voice.text, reading, voice.networks)
        self._tokens += 0 if embedding in self._kept else embedding.tokens.shape[1]
        self._kept.add(embedding)
        if self._tokens > MOST_CHUNKS_ALTOGETHER * ROW:
            raise EngineError(
                "The prompts say too many different things over the steps. Edit less, or shorten them."
            )

    def __len__(self) -> int:
        return len(self._spoken)

    @property
    def networks(self) -> tuple[Network, ...]:
        """Every network that a prompt names, once."""
        return _named(moment for spoken in self._spoken for moment in spoken.wanted)

    @property
    def unheard(self) -> tuple[Network, ...]:
        """Those that negative prompts name, where networks change nothing."""
        return _named(moment for spoken in self._spoken for moment in spoken.unwanted)

    @property
    def misfits(self) -> tuple[str, ...]:
        """Sentences: embeddings that the prompts name and that can't be used."""
        found = [*self._wanted.values(), *self._unwanted.values()]
        return tuple(dict.fromkeys(misfit for embedding in found for misfit in embedding.misfits))

    def at(self, evaluation: int) -> list[Heard]:
        """What each picture hears at `evaluation`, counted from 0."""
        return [self._heard(spoken, evaluation) for spoken in self._spoken]

    def _heard(self, spoken: _Spoken, evaluation: int) -> Heard:
        wanted, unwanted = spoken.at(evaluation)
        return Heard(
            tuple(self._part(self._wanted, voice) for voice in wanted), self._part(self._unwanted, unwanted)
        )

    def _part(self, known: dict[_Said, Embedding], voice: _Voice) -> Part:
        """The very same object for the same, by which it is told whether anything has changed."""
        key = (known[voice.text, voice.networks], voice.weight, voice.networks)
        return self._parts.setdefault(key, Part(*key))


def _read(prompt: PicturePrompt, evaluations: int, before: int | None, shares: Shares) -> _Spoken:
    negative = read(prompt.negative, evaluations, composes=False, before=before)
    _check_breaks(prompt.negative)

    def said(text: str, share: float | Tensor) -> tuple[_Portion, ...]:
        _check_breaks(text)
        parts = read(text, evaluations, before=before).subprompts
        return tuple(_Portion(part.moments, part.weight * share) for part in parts)

    spoken = _Spoken(
        said(prompt.prompt, shares.own),
        tuple(said(prompt.regions[number], share) for number, share in shares.regions.items()),
        negative.subprompts[0].moments,
        isinstance(shares.own, Tensor) or shares.own > 0,
    )
    if len(spoken.heard) > MOST_PARTS:
        how = "by AND and regions" if spoken.regions else "by AND"
        raise EngineError(
            f"The prompt joins {len(spoken.heard)} parts {how}; up to {MOST_PARTS} can be drawn."
        )
    return spoken


def _check_breaks(text: str) -> None:
    if text.count("BREAK") > MOST_CHUNKS:
        raise EngineError(f"A prompt has more than {MOST_CHUNKS} BREAKs. Use fewer.")


def _voices(said: Sequence[_Portion], evaluation: int, networks: tuple[Network, ...]) -> list[_Voice]:
    """What the parts of one prompt say now."""
    return [_Voice(moment_at(part.moments, evaluation).text, networks, part.weight) for part in said]


def _networks(said: Sequence[_Portion], evaluation: int) -> tuple[Network, ...]:
    """Those that the parts of a prompt name now, each once."""
    return _named(moment_at(part.moments, evaluation) for part in said)


def _named(moments: Iterable[Moment]) -> tuple[Network, ...]:
    return tuple(dict.fromkeys(network for moment in moments for network in moment.networks))


def _joined(common: tuple[Network, ...], own: tuple[Network, ...]) -> tuple[Network, ...]:
    """A region's networks: the whole picture's, but for those that it names itself."""
    names = {(network.kind, network.name) for network in own}
    return tuple(network for network in common if (network.kind, network.name) not in names) + own
