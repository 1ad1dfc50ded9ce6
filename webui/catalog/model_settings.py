"""What people have set for single models, kept in one JSON file."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from webui.catalog.entry import ModelSettings

log = logging.getLogger(__name__)

KEPT = TypeAdapter(dict[str, ModelSettings])


class ModelSettingsStore:
    """Settings by the model's name. Thread-safe; `file` None: kept in memory alone."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._kept = _read(file) if file else {}

    def get(self, name: str) -> ModelSettings:
        """What has been set for the model `name`; nothing, if nothing has."""
        return self._kept.get(name, ModelSettings())

    def put(self, name: str, settings: ModelSettings) -> None:
        """Keep `settings`; those that set nothing are forgotten.

        Raises:
            OSError: the file can't be written; nothing has been changed.
        """
        with self._lock:
            kept = {**self._kept, name: settings}
            if settings == ModelSettings():
                del kept[name]
            if self._file:
                _write(self._file, {known: asdict(told) for known, told in sorted(kept.items())})
            self._kept = kept


def _read(file: Path) -> dict[str, ModelSettings]:
    try:
        return KEPT.validate_json(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        log.warning("%s can't be used, so that no model has settings of its own: %s", file, error)
        return {}


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
    unfinished.replace(file)
