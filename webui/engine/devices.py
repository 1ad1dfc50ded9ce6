"""Which device to draw on, and in which number format."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from webui.config import Config
from webui.engine.protocol import EngineError


@dataclass(frozen=True)
class Placement:
    """Where the weights lie and what is computed in."""

    device: torch.device
    dtype: torch.dtype


def choose(config: Config) -> Placement:
    """CUDA in half precision where there is a GPU, else the CPU in 32 bits.

    Raises:
        EngineError: `--device-id` names a GPU that isn't there.
    """
    if config.use_cpu or not torch.cuda.is_available():
        if config.device_id is not None and not config.use_cpu:
            raise EngineError("--device-id names a GPU, but torch sees none. Without the flag the CPU draws.")
        return Placement(torch.device("cpu"), torch.float32)
    index = config.device_id or 0
    if not 0 <= index < torch.cuda.device_count():
        raise EngineError(f"There is no GPU number {index}; torch sees {torch.cuda.device_count()}.")
    torch.backends.cuda.matmul.allow_tf32 = True
    return Placement(torch.device("cuda", index), torch.float32 if config.no_half else torch.float16)
