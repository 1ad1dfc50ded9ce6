"""How much may be computed for one module: what a file says of shapes can make giants of small factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

FEW = 2**24
"""Numbers that may be computed for any module."""
TIMES = 8
"""How many times as many numbers as its weight has may be computed for a larger one."""


def most(shape: Sequence[int]) -> int:
    """How many numbers any step on the way to a module's difference may have; `shape`: its weight's."""
    return max(FEW, TIMES * math.prod(shape))


class Bounded(TorchDispatchMode):
    """For a block, what gives more numbers than that is a ValueError; with shapes alone nothing is spent."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self._most = numbers

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        found = func(*args, **(kwargs or {}))
        if isinstance(found, Tensor) and found.numel() > self._most:
            raise ValueError(f"more than {self._most} numbers")
        return found
