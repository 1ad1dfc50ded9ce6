"""Having the network of a pipeline that works on the device, and the others where they are kept."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch
from accelerate.hooks import ModelHook, add_hook_to_module, remove_hook_from_module
from torch import nn


@contextmanager
def placed(
    networks: Mapping[str, nn.Module],
    device: torch.device,
    on_device: Callable[[str], AbstractContextManager[None]],
) -> Generator[None]:
    """For the block, have each network on `device` from when it runs until another one does.

    diffusers' pipelines ask accelerate's hooks where to compute, and tell them before a VAE decodes.
    """
    if device.type == "cpu":
        yield
        return
    turns = _Turns(on_device)
    try:
        for part, network in networks.items():
            add_hook_to_module(network, _Turn(part, device, turns))
        yield
    finally:
        for network in networks.values():
            remove_hook_from_module(network)
        turns.end()


class _Turns:
    """Whose turn it is to be on the device."""

    def __init__(self, on_device: Callable[[str], AbstractContextManager[None]]) -> None:
        self._on_device = on_device
        self._part: str | None = None
        self._held = ExitStack()

    def take(self, part: str) -> None:
        if part != self._part:
            self.end()
            self._held.enter_context(self._on_device(part))
            self._part = part

    def end(self) -> None:
        self._part = None
        self._held.close()


class _Turn(ModelHook):
    """accelerate's hook on one network. `execution_device` is what diffusers' pipelines look for."""

    def __init__(self, part: str, device: torch.device, turns: _Turns) -> None:
        self.execution_device = device
        self._part = part
        self._turns = turns

    def pre_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:  # noqa: ANN401, ARG002
        """Before the network runs."""
        self._turns.take(self._part)
        return args, kwargs
