"""Controls beside the fields: "Extra" at the seed, "Resize by" at the size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradio.components import Component

from webui.params import GenerationParams


@dataclass(frozen=True)
class Switch:
    """While `control` holds anything but `on`, `fields` aren't used: they are as they are by default."""

    control: Component
    fields: tuple[str, ...]
    on: Any
    off: Any

    def unused(self, held: Mapping[Any, Any]) -> tuple[str, ...]:
        """The fields that aren't used; `held` are values by control."""
        return () if held[self.control] == self.on else self.fields

    def shown(self, params: GenerationParams) -> Any:  # noqa: ANN401
        """What the control holds to show `params`."""
        known = GenerationParams.model_fields
        used = any(getattr(params, field) != known[field].default for field in self.fields)
        return self.on if used else self.off
