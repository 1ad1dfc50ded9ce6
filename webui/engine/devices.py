"""Which device to draw on, and in which number format."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from webui.config import Config
from webui.engine.protocol import EngineError
from webui.engine.trial import Preference
from webui.settings import Settings

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Placement:
    """Where the weights lie and what is computed in."""

    device: torch.device
    dtype: torch.dtype
    channels_last: bool = False


def choose_device(config: Config) -> torch.device:
    """The GPU where there is one, else the CPU.

    Raises:
        EngineError: `--device-id` names a GPU that isn't there.
    """
    if config.use_cpu or not torch.cuda.is_available():
        if config.device_id is not None and not config.use_cpu:
            raise EngineError("--device-id names a GPU, but torch sees none. Without the flag the CPU draws.")
        return torch.device("cpu")
    index = config.device_id or 0
    if not 0 <= index < torch.cuda.device_count():
        raise EngineError(f"There is no GPU number {index}; torch sees {torch.cuda.device_count()}.")
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    return torch.device("cuda", index)


def place(device: torch.device, config: Config, settings: Settings, trial: Preference) -> Placement:
    """How to compute: what is set; else half precision on a GPU, and on a CPU what the trial showed."""
    on_cpu = device.type == "cpu"
    automatic = trial.dtype if on_cpu else "fp16"
    name = automatic if settings.precision == "Automatic" else settings.precision
    if config.no_half:
        name = "fp32"
    last = {"On": True, "Off": False, "Automatic": config.channels_last or trial.channels_last or not on_cpu}
    return Placement(device, DTYPES[name], last[settings.channels_last])


OUT_OF_MEMORY = (
    "DefaultCPUAllocator",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "Cannot allocate memory",
)
"""What errors say that have no class of their own; words differ between systems and libraries."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)
