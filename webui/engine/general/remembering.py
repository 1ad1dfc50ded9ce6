"""Reading a prompt once, however many batches are drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from webui.engine.general.kinds import Pipeline, Value


@contextmanager
def remembered_prompts(pipeline: Pipeline, now: Callable[[], Hashable]) -> Generator[None]:
    """Within the block `pipeline` runs its text encoders once for each prompt and what `now` gives.

    `now`: what else the text encoders depend on at the moment.
    """
    encode = getattr(pipeline, "encode_prompt", None)
    if encode is None:
        yield
        return
    known: dict[str, Any] = {}

    def encode_prompt(*given: Value, **named: Value) -> Value:
        if any(isinstance(value, Tensor) for value in (*given, *named.values())):
            return encode(*given, **named)
        key = repr((given, sorted(named.items()), now()))
        if key not in known:
            known[key] = encode(*given, **named)
        return known[key]

    pipeline.encode_prompt = encode_prompt
    try:
        yield
    finally:
        del pipeline.encode_prompt
