"""What is trained: a LoRA or an embedding, put into networks that are otherwise left as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor, nn

from webui.engine.encoding import PromptEncoder


class Trainee(Protocol):
    """Numbers that a run changes, and what becomes of them."""

    parameters: dict[str, nn.Parameter]
    """By names that are the same each time the run begins; in 32 bits, on the model's device."""

    silence: str
    """What is said of a picture whose caption is left out."""

    @property
    def fresh(self) -> Callable[[], PromptEncoder] | None:
        """Makes what encodes captions anew at each step, where that is trained; None: they stay the same."""
        ...

    def caption(self, caption: str) -> str:
        """What is said of a picture with that caption."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """The finished network, as files have it."""
        ...
