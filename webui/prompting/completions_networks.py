"""Networks as a prompt names them: `<lora:name:0.8>`, `<hypernet:name:1>`, and embeddings by bare name."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

NetworkKind = Literal["lora", "embedding", "network"]
TAGS: dict[NetworkKind, str] = {"lora": "lora", "network": "hypernet", "embedding": ""}
MAX_BYTES = 2**20
MAX_ACTIVATION = 1000


@dataclass(frozen=True)
class Network:
    """A file that a prompt can name. `detail` is shown beside it."""

    kind: NetworkKind
    name: str
    path: Path
    detail: str = ""

    @property
    def tag(self) -> str:
        """What its tag in < > begins with; empty: it has none."""
        return TAGS[self.kind]

    def insert(self) -> str:
        """What to write for it: as in A1111 with the weight and the words that the file beside it tells."""
        if not self.tag:
            return self.name
        weight, activation = _beside(self.path)
        return f"<{self.tag}:{self.name}:{weight:g}> {activation}".strip()


def _beside(path: Path) -> tuple[float, str]:
    """The preferred weight and the activation text in A1111's `name.json`; 1 and none if it tells nothing."""
    told = _read(path.with_suffix(".json"))
    weight, activation = told.get("preferred weight"), told.get("activation text")
    # A1111 writes 0 where nothing has been set.
    usable = isinstance(weight, int | float) and not isinstance(weight, bool) and math.isfinite(weight)
    words = " ".join(activation.split()) if isinstance(activation, str) else ""
    return (float(weight) if usable and weight else 1.0), words[:MAX_ACTIVATION]


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        told = json.loads(content) if len(content) <= MAX_BYTES else None
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
