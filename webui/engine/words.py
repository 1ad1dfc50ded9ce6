"""Textual inversion: words that embeddings have taught (Gal et al., arXiv:2208.01618).

A taught word is found in a prompt by its name's tokens, and heard as its vectors in place of those that the
text encoder has for tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

from webui.catalog.control_models import goes_with
from webui.catalog.entry import ModelFile
from webui.engine import weights
from webui.engine.adapter import Adapter
from webui.engine.model import Model, TextEncoder
from webui.params.guidance import Emphasis
from webui.prompting.chunks import CHUNK, Chunk, chunked
from webui.prompting.language import read
from webui.prompting.learned import Names

SHORT_HASH = 12
"""Hex digits of a sum that infotexts tell, as in A1111."""


def _no_hash(_: ModelFile) -> str | None:
    return None


@dataclass(frozen=True)
class Embeddings:
    """The embeddings that there are. `sha256` gives a file's sum, None where it isn't to be told."""

    files: Callable[[], Sequence[ModelFile]] = list[ModelFile]
    sha256: Callable[[ModelFile], str | None] = _no_hash


NO_EMBEDDINGS = Embeddings()


@dataclass(frozen=True)
class _Taught:
    """What a file teaches: vectors by their width, of shape (length, width), or why it teaches nothing."""

    length: int = 0
    vectors: Mapping[int, Tensor] = field(default_factory=dict[int, Tensor])
    problem: str = ""


@dataclass(frozen=True)
class Words:
    """A text in chunks, and sentences of the words in it that could not be used."""

    chunks: list[Chunk]
    misfits: tuple[str, ...] = ()


class Vocabulary:
    """The taught words that one model knows, of the embeddings that there are at the moment."""

    def __init__(self, model: Model, embeddings: Embeddings = NO_EMBEDDINGS) -> None:
        self._model = model
        self._embeddings = embeddings
        self._widths = {int(cast(Any, each.network.config).hidden_size) for each in model.encoders}
        self._stamp: Hashable = ()
        self._files: dict[str, ModelFile] = {}
        self._names: dict[str, Names] = {}
        self._taught: dict[str, _Taught] = {}

    def stamp(self) -> Hashable:
        """Another whenever other embeddings are there: what was encoded before may be heard otherwise now."""
        files = self._embeddings.files()
        stamp = tuple((file.path, file.modified, file.size) for file in files)
        if stamp != self._stamp:
            self._stamp = stamp
            self._files = {file.stem: file for file in reversed(files)}
            self._names.clear()
            self._taught.clear()
        return self._stamp

    def read(self, text: str, encoder: TextEncoder, emphasis: Emphasis, backtrack: int) -> Words:
        """`text`, without networks and editing, in chunks for one of the model's encoders."""
        misfits: dict[str, str] = {}

        def length(name: str) -> int:
            taught = self._of(name)
            if self._widths <= taught.vectors.keys():
                return taught.length
            misfits[name] = self._misfit(self._files[name], taught)
            return 0

        if encoder.part not in self._names:
            self._names[encoder.part] = Names(self._files, encoder.tokenizer)
        find = self._names[encoder.part].finder(length)
        chunks = chunked(text, encoder.tokenizer, emphasis, backtrack, find)
        return Words(chunks, tuple(misfits.values()))

    def spoken(self, encoder: TextEncoder, chunks: Sequence[Chunk]) -> AbstractContextManager[object]:
        """Has `encoder` hear the taught words of `chunks`, which it is given in the block."""
        names = {name for chunk in chunks for _, name in chunk.words}
        if not names:
            return nullcontext()
        width = int(cast(Any, encoder.network.config).hidden_size)
        vectors = {name: self._of(name).vectors[width] for name in names}
        return Spoken(encoder.network, chunks, vectors)

    def hashes(self, texts: Iterable[str], emphasis: Emphasis, steps: int) -> dict[str, str]:
        """The taught words that prompts say at any of `steps`, by name, and their files' sums."""
        self.stamp()
        if not self._files:
            return {}
        encoder = self._model.encoders[0]
        said = {
            moment.text for text in texts for part in read(text, steps).subprompts for moment in part.moments
        }
        chunks = [chunk for text in sorted(said) for chunk in self.read(text, encoder, emphasis, 0).chunks]
        names = sorted({name for chunk in chunks for _, name in chunk.words}, key=str.lower)
        sums = {name: self._embeddings.sha256(self._files[name]) for name in names}
        return {name: sha256[:SHORT_HASH] for name, sha256 in sums.items() if sha256}

    def _misfit(self, file: ModelFile, taught: _Taught) -> str:
        reason = goes_with(file, self._model.checkpoint)
        if reason is None:
            why = f"can't be used: {taught.problem}" if taught.problem else "is for models of another width"
            reason = f'The embedding "{file.name}" {why}.'
        return f"{reason} Its name was read as words."

    def _of(self, name: str) -> _Taught:
        if name not in self._taught:
            self._taught[name] = _read(self._files[name])
        return self._taught[name]


class Spoken(Adapter):
    """Puts vectors in the place of what a text encoder looks up for the tokens of taught words."""

    def __init__(self, network: nn.Module, chunks: Sequence[Chunk], vectors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._network = network
        self._chunks = chunks
        self._vectors = vectors

    def _change(self) -> None:
        looked_up = cast(Any, self._network).get_input_embeddings()
        self._hook(looked_up.register_forward_hook(self._said))

    def _said(self, _: nn.Module, __: tuple[Any, ...], found: Tensor) -> Tensor:
        found = found.clone()
        for row, chunk in enumerate(self._chunks):
            for place, name in chunk.words:
                vectors = self._vectors[name]
                found[row, place : place + len(vectors)] = vectors.to(found)
        return found


def _read(file: ModelFile) -> _Taught:
    """What an embedding's file teaches.

    A1111's .pt has its vectors under "string_to_param", .safetensors of it under "emb_params", SDXL's pair
    under "clip_l" and "clip_g", and diffusers' under the word itself. Widths tell which encoder they are for.
    """
    if file.problem:
        return _Taught(problem=file.problem)
    try:
        tensors = weights.load(file.path)
    except weights.WeightsError as error:
        return _Taught(problem=str(error))
    except OSError as error:
        return _Taught(problem=f"its file can't be read ({error.strerror or error})")
    vectors = {
        tensor.shape[-1]: torch.atleast_2d(tensor).float()
        for tensor in reversed(tensors.values())
        if tensor.ndim in (1, 2) and tensor.is_floating_point()
    }
    lengths = {len(tensor) for tensor in vectors.values()}
    if len(lengths) != 1:
        return _Taught(problem="its file holds no vectors, or not as many for each text encoder")
    if not 1 <= max(lengths) <= CHUNK:
        return _Taught(problem=f"it has {max(lengths)} vectors, and 1 to {CHUNK} are read at once")
    if not all(torch.isfinite(tensor).all() for tensor in vectors.values()):
        return _Taught(problem="its vectors are no numbers")
    return _Taught(max(lengths), vectors)
