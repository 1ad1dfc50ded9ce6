"""A change to networks that is put on and taken off without a trace."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

from torch import nn
from torch.utils.hooks import RemovableHandle

ABSENT = object()


class Adapter(ABC):
    """`with SomeAdapter(network):` or `inject()` and `eject()`: after it, all is bit for bit as before.

    Adapters that are put on one above the other come off in the opposite order.
    """

    def __init__(self) -> None:
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        self.inject()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.eject()

    def inject(self) -> None:
        """Put it on. If that fails, nothing is changed."""
        try:
            self._change()
        except BaseException:
            self.eject()
            raise

    def eject(self) -> None:
        """Take it off; harmless where it isn't on."""
        self._undo.close()

    @abstractmethod
    def _change(self) -> None:
        """Make the change, by `_set` and `_hook`."""

    def _set(self, module: nn.Module, **attributes: Any) -> None:  # noqa: ANN401
        """Give a module other attributes of its own; parameters and children are not among them."""
        own = vars(module)
        for name, value in attributes.items():
            self._undo.callback(partial(_restore, own, name, own.get(name, ABSENT)))
            own[name] = value

    def _hook(self, handle: RemovableHandle) -> None:
        """Take this hook off at the end."""
        self._undo.callback(handle.remove)


def _restore(own: dict[str, Any], name: str, before: object) -> None:
    if before is ABSENT:
        own.pop(name, None)
    else:
        own[name] = before
