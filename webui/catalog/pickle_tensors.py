"""The tensors in what a torch file holds: nested dicts, of which some only wrap the weights."""

from __future__ import annotations

from collections.abc import Iterator

from webui.catalog.headers import MAX_TENSORS, HeaderError, TensorInfo
from webui.catalog.pickle_stubs import ParameterDict, Tensor

WRAPPERS = ("state_dict", "params_ema", "params", "model_state_dict", "model")
"""Keys under which trainers keep the weights, the better ones first."""
MAX_DEPTH = 6
MAX_VISITS = 1_000_000


def tensors(content: object) -> dict[str, TensorInfo]:
    """The tensors by name; keys of nested dicts, and places in lists, are joined with dots.

    Raises:
        HeaderError: there are far too many.
    """
    found: dict[str, TensorInfo] = {}
    for visits, (name, value) in enumerate(_walk(_unwrapped(content), "", 0)):
        if isinstance(value, Tensor):
            found[name] = value.info
        if visits > MAX_VISITS or len(found) > MAX_TENSORS:
            raise HeaderError("holds more parts than any model")
    return found


def metadata(content: object) -> dict[str, str]:
    """What is told in words or numbers beside the weights: the name and step of an embedding, say."""
    if not isinstance(content, dict):
        return {}
    return {
        key: str(value)
        for key, value in content.items()
        if isinstance(key, str) and isinstance(value, (str, int, float))
    }


def _unwrapped(content: object) -> object:
    for key in WRAPPERS:
        inside = content.get(key) if isinstance(content, dict) else None
        if isinstance(inside, dict) and any(isinstance(value, Tensor) for value in inside.values()):
            return inside
    return content


def _walk(value: object, name: str, depth: int) -> Iterator[tuple[str, object]]:
    yield name, value
    if depth == MAX_DEPTH:
        return
    if isinstance(value, ParameterDict):
        value = value.parameters
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, (list, tuple)):
        inside = enumerate(value)
    else:
        return
    for key, part in inside:
        yield from _walk(part, f"{name}.{key}" if name else str(key), depth + 1)
