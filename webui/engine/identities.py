"""What infotexts tell of the models that drew: names, and hashes that may take seconds to compute."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from pathlib import Path

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.engine.protocol import Order
from webui.infotext import ModelIdentity

log = logging.getLogger(__name__)


class Identities:
    """Computes hashes on a thread of its own while pictures are drawn. `hashing`: whether at all."""

    def __init__(self, catalog: Catalog, *, hashing: bool) -> None:
        self._catalog = catalog
        self._hashing = hashing
        self._begun: dict[tuple[Path, float], Future[str | None]] = {}

    def begin(self, order: Order) -> None:
        """Begin to compute what infotexts of this order will tell."""
        files = (order.checkpoint, order.vae, order.refiner, order.hires_checkpoint)
        wanted = {_key(file): file for file in files if file}
        self._begun = {key: self._begun.get(key) or self._future(file) for key, file in wanted.items()}

    def of(self, order: Order, *, fp8: bool = False) -> ModelIdentity:
        """The identity of an order's models, waiting for hashes that are not there yet."""
        vae = order.vae
        return ModelIdentity(
            order.checkpoint.stem,
            self._hash(order.checkpoint),
            vae.path.name if vae else None,
            self._hash(vae) if vae else None,
            fp8,
            refiner=self._titled(order.refiner) if order.refiner else None,
            hires=self._titled(order.hires_checkpoint) if order.hires_checkpoint else None,
        )

    def sha256(self, file: ModelFile) -> str | None:
        """The whole sum of a small file, computed at once; None: it isn't to be told, or can't be."""
        if not self._hashing:
            return None
        try:
            return self._catalog.sha256(file)
        except OSError as error:
            log.warning("The hash of %s can't be computed: %s", file.name, error)
            return None

    def _titled(self, file: ModelFile) -> str:
        """Name and hash in one, as A1111 writes them."""
        known = self._hash(file)
        return f"{file.stem} [{known}]" if known else file.stem

    def _hash(self, file: ModelFile) -> str | None:
        return (self._begun.get(_key(file)) or self._future(file)).result()

    def _future(self, file: ModelFile) -> Future[str | None]:
        future: Future[str | None] = Future()
        if not self._hashing or (file.sha256 and _is_as_known(file)):
            future.set_result(file.short_hash if self._hashing else None)
        else:
            threading.Thread(target=lambda: future.set_result(self._computed(file)), daemon=True).start()
        return future

    def _computed(self, file: ModelFile) -> str | None:
        try:
            return self._catalog.short_hash(file)
        except OSError as error:
            log.warning("The hash of %s can't be computed: %s", file.name, error)
            return None


def _key(file: ModelFile) -> tuple[Path, float]:
    try:
        return file.path, file.path.stat().st_mtime
    except OSError:
        return file.path, file.modified


def _is_as_known(file: ModelFile) -> bool:
    """Whether the file is still the one that the catalog has seen."""
    try:
        stat = file.path.stat()
        same = stat.st_size == file.size and abs(stat.st_mtime - file.modified) < 0.001
        return file.folder or same
    except OSError:
        return True
