"""Networks as a prompt names them: `<lora:name:0.8>`, `<hypernet:name:1>`, and embeddings by bare name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NetworkKind = Literal["lora", "embedding", "network"]
TAGS: dict[NetworkKind, str] = {"lora": "lora", "network": "hypernet", "embedding": ""}


@dataclass(frozen=True)
class Network:
    """A file that a prompt can name. `detail` is shown beside it."""

    kind: NetworkKind
    name: str
    detail: str = ""
    weight: float | None = None
    """The weight that it is to be put in with. None: 1."""
    activation: str = ""
    """The words that are to be put in with it."""

    @property
    def tag(self) -> str:
        """What its tag in < > begins with; empty: it has none."""
        return TAGS[self.kind]

    def insert(self) -> str:
        """What to write for it: as in A1111 with the weight and the words that were set for it."""
        if not self.tag:
            return self.name
        weight = 1.0 if self.weight is None else self.weight
        return f"<{self.tag}:{self.name}:{weight:g}> {self.activation}".strip()
