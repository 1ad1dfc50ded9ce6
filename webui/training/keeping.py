"""What a run needs to go on as if it had not stopped: what is trained, and what the optimiser remembers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from webui.engine.protocol import EngineError

TRAINED = "trained"


def keep(
    file: Path, parameters: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer, step: int
) -> None:
    """Write it all into `file`, whole or not at all.

    Raises:
        OSError: the disk is full or can't be written to.
    """
    tensors = {f"{TRAINED}/{name}": parameter.detach() for name, parameter in parameters.items()}
    for name, parameter in parameters.items():
        remembered: dict[str, Tensor] = optimizer.state[parameter]
        tensors |= {f"{kind}/{name}": tensor for kind, tensor in remembered.items()}
    save_whole({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, file, step=str(step))


def restore(file: Path, parameters: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer) -> int:
    """Have all as it was kept; the steps that were done, 0 if nothing is kept.

    Raises:
        EngineError: the file is damaged, or another run's.
    """
    if not file.is_file():
        return 0
    try:
        with safe_open(file, framework="pt", device="cpu") as opened:
            step = int(opened.metadata()["step"])
            kept = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(kept.pop(f"{TRAINED}/{name}"))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise EngineError(
            "What was kept of this run is damaged, so that it can't go on. Turn Resume off to begin anew."
        ) from error
    for key, tensor in kept.items():
        kind, _, name = key.partition("/")
        if name in parameters:
            place = "cpu" if kind == "step" else parameters[name].device
            optimizer.state[parameters[name]][kind] = tensor.to(place)
    return step


def save_whole(tensors: dict[str, Tensor], file: Path, **metadata: str) -> None:
    """Write a `.safetensors` file, whole or not at all.

    Raises:
        OSError: the disk is full or can't be written to.
    """
    unfinished = file.with_name(f".{file.name}.part")
    try:
        # safetensors makes files that nobody else may read; models are often shared.
        unfinished.unlink(missing_ok=True)
        unfinished.touch()
        usual = unfinished.stat().st_mode
        save_file(tensors, unfinished, metadata)
        with suppress(OSError):  # not every file system has modes
            unfinished.chmod(usual)
        unfinished.replace(file)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    finally:
        unfinished.unlink(missing_ok=True)


def optimizer_of(parameters: Mapping[str, nn.Parameter], rate: float) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, arXiv:1711.05101) over all of them."""
    made: Any = torch.optim.AdamW(list(parameters.values()), lr=rate, weight_decay=0.01)
    return made
