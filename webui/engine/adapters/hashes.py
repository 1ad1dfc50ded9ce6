"""What infotexts tell of LoRAs: a hash for each that a prompt names, as A1111 writes it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from webui.catalog.entry import ModelFile
from webui.catalog.headers import HeaderError, read_header
from webui.catalog.safetensors_header import LENGTH_BYTES, is_one
from webui.engine.adapters.library import Stamp, stamp_of
from webui.engine.adapters.tags import LORA_TAGS
from webui.prompting.comments import without_comments
from webui.prompting.networks import lift

log = logging.getLogger(__name__)

DIGITS = 12
TOLD = "sshs_model_hash"
"""Where kohya's trainer keeps the sum of what it has written."""
CHUNK = 2**20


class LoraHashes:
    """Computes them on a thread of its own, while pictures are drawn."""

    def __init__(self, find: Callable[[str], ModelFile | None], *, hashing: bool = True) -> None:
        """`hashing`: whether infotexts tell hashes at all."""
        self._find = find
        self._hashing = hashing
        self._thread = ThreadPoolExecutor(1, "lora-hashes")
        self._begun: dict[Stamp, Future[str | None]] = {}

    def of(self, texts: Iterable[str]) -> Mapping[str, str]:
        """The hash of each LoRA that `texts` name, by its name there; waits for what is missing."""
        begun = {name: future for name in _named(texts) if (future := self._future(name))}
        found = {name: future.result() for name, future in begun.items()}
        return {name: digits for name, digits in found.items() if digits}

    def begin(self, texts: Iterable[str]) -> None:
        """Begin to compute what `of` will be asked for."""
        for name in _named(texts):
            self._future(name)

    def _future(self, name: str) -> Future[str | None] | None:
        file = self._find(name) if self._hashing else None
        if file is None or file.problem:
            return None
        try:
            stamp = stamp_of(file.path)
        except OSError:
            return None
        if stamp not in self._begun:
            self._begun[stamp] = self._thread.submit(_hash, file.path)
        return self._begun[stamp]


def _named(texts: Iterable[str]) -> list[str]:
    placed = [each for text in texts for each in lift(without_comments(text))[1]]
    names = (each.network.name for each in placed if each.network.kind in LORA_TAGS)
    return list(dict.fromkeys(names))


def _hash(path: Path) -> str | None:
    try:
        return hash_of(path)
    except (HeaderError, OSError) as error:
        log.warning("The hash of %s can't be computed: %s", path.name, error)
        return None


def hash_of(path: Path) -> str:
    """The first digits of a LoRA's hash: what its trainer told, else the sha256 of what is behind the header.

    So a file keeps its hash when its metadata are edited. Of a pickle the sum is of all.

    Raises:
        HeaderError: it is damaged.
        OSError: it can't be read.
    """
    if told := read_header(path).metadata.get(TOLD):
        return told[:DIGITS]
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        start = stream.read(16)
        behind = LENGTH_BYTES + int.from_bytes(start[:LENGTH_BYTES], "little") if is_one(start) else 0
        stream.seek(behind)
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()[:DIGITS]
