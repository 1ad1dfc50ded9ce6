"""A short trial of what is quicker on this machine's CPU: bfloat16 or 32 bits, channels last or not.

It times the operations that a UNet is made of. The answer is kept in a file, so that it is looked for once
for each processor, version of torch and number of threads.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor

log = logging.getLogger(__name__)

NATIVE_BF16 = ("amx_bf16", "avx512_bf16", "sve_bf16", "bf16")
"""torch's names of the instructions that multiply bfloat16; without one it is emulated, and slow."""
BF16_GAIN = 1.2
"""By how much bfloat16 must be quicker to be worth its coarser numbers."""
CHANNELS_LAST_GAIN = 1.05
SECONDS = 1.0
"""About how long a trial may take."""
ROUNDS = 3
"""The fewest rounds that are timed, however slow the machine is."""


class Preference(BaseModel):
    """What to compute in on the CPU, and in which order to keep the weights of convolutions."""

    model_config = ConfigDict(frozen=True)

    dtype: Literal["fp32", "bf16"] = "fp32"
    channels_last: bool = False


class _Kept(BaseModel):
    """The file: what was found, and for which machine."""

    machine: str
    preference: Preference


def preferred(file: Path, *, run: Callable[[], Preference] | None = None) -> Preference:
    """What is quicker here: what `file` says of this machine, else what a trial shows, which is then kept.

    `run` makes the trial. A file that is broken or of another machine is written anew; where it can't be
    written, the trial is simply made again the next time.
    """
    here = machine()
    if (kept := _read(file)) and kept.machine == here:
        return kept.preference
    preference = (run or trial)()
    if preference.dtype == "fp32" and has_bf16():
        # It nearly always wins where the processor has it: the machine was busy. The next start looks again.
        return preference
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            _Kept(machine=here, preference=preference).model_dump_json(indent=2), encoding="utf-8"
        )
    except OSError as error:
        log.warning("%s can't be written, so that the next start tries the CPU again: %s", file, error)
    return preference


def _read(file: Path) -> _Kept | None:
    try:
        return _Kept.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def machine() -> str:
    """What the answer depends on: processor, version of torch and number of threads."""
    known = torch.cpu.get_capabilities()
    name = known.get("cpu_name") or known["architecture"]
    return f"{name}, torch {torch.__version__}, {torch.get_num_threads()} threads"


def has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 itself."""
    known = torch.cpu.get_capabilities()
    return any(known.get(name, False) for name in NATIVE_BF16)


@torch.inference_mode()
def trial() -> Preference:
    """Time the operations in each way and take what wins clearly; takes one to three seconds."""
    dtypes: list[Literal["fp32", "bf16"]] = ["fp32", "bf16"] if has_bf16() else ["fp32"]
    ways = [Preference(dtype=dtype, channels_last=last) for dtype in dtypes for last in (False, True)]
    return decide(measure({way: operations(way) for way in ways}))


def decide(seconds: dict[Preference, list[float]]) -> Preference:
    """The way to take, from the seconds that each took in each round; plain fp32 must be among them.

    Their quickest rounds are compared, so that rounds in which the machine was busy say nothing.
    """
    dtype = "bf16" if _gain(seconds, Preference(dtype="bf16"), Preference()) >= BF16_GAIN else "fp32"
    plain, last = Preference(dtype=dtype), Preference(dtype=dtype, channels_last=True)
    return last if _gain(seconds, last, plain) >= CHANNELS_LAST_GAIN else plain


def _gain(seconds: dict[Preference, list[float]], way: Preference, other: Preference) -> float:
    """How many times as quick as `other` it is; 0 if it was not tried."""
    return min(seconds[other]) / min(seconds[way]) if way in seconds else 0.0


def measure(
    operations: dict[Preference, Callable[[], object]], seconds: float = SECONDS
) -> dict[Preference, list[float]]:
    """The seconds of each in every round, in turns, so that whatever else the machine does hits all alike."""
    taken: dict[Preference, list[float]] = {way: [] for way in operations}
    for operation in operations.values():
        operation()  # the first run chooses and compiles kernels
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(taken[Preference()]) < ROUNDS:
        for way, operation in operations.items():
            begun = time.perf_counter()
            operation()
            taken[way].append(time.perf_counter() - begun)
    return taken


def operations(way: Preference) -> Callable[[], Tensor]:
    """A UNet's block: convolution, norm, attention and feed-forward, with SD 1.5's 640 channels, 16 x 16."""
    dtype = torch.bfloat16 if way.dtype == "bf16" else torch.float32
    order = torch.channels_last if way.channels_last else torch.contiguous_format
    channels, side, heads = 640, 16, 8
    picture = _ramp(2, channels, side, side).to(dtype=dtype, memory_format=order)
    kernel = _ramp(channels, channels, 3, 3).to(dtype=dtype, memory_format=order)
    wide, narrow = _ramp(4 * channels, channels).to(dtype), _ramp(channels, 4 * channels).to(dtype)

    def run() -> Tensor:
        x = F.silu(F.group_norm(picture, 32))
        x = F.conv2d(F.silu(F.group_norm(F.conv2d(x, kernel, padding=1), 32)), kernel, padding=1)
        rows = x.permute(0, 2, 3, 1).reshape(2, side * side, channels)
        split = rows.view(2, side * side, heads, -1).transpose(1, 2)
        rows = F.scaled_dot_product_attention(split, split, split).transpose(1, 2).reshape(rows.shape)
        rows = F.linear(F.gelu(F.linear(F.layer_norm(rows, (channels,)), wide)), narrow)
        return rows.view(2, side, side, channels).permute(0, 3, 1, 2).contiguous(memory_format=order)

    return run


def _ramp(*shape: int) -> Tensor:
    """Weights that keep a layer's output as large as its input; drawing them would move torch's generator."""
    fan_in = math.prod(shape[1:])
    return torch.arange(math.prod(shape)).mul(0.7).sin().div(math.sqrt(fan_in)).reshape(shape)
