"""What people ask for: values, and nothing that could be done with them."""

from webui.params.generation import (
    MAX_PIXELS,
    MAX_PROMPT,
    GenerationParams,
    InvalidParamsError,
    JobKind,
    message,
)
from webui.params.noise import MAX_SEED
from webui.params.sides import MAX_SIDE

__all__ = [
    "MAX_PIXELS",
    "MAX_PROMPT",
    "MAX_SEED",
    "MAX_SIDE",
    "GenerationParams",
    "InvalidParamsError",
    "JobKind",
    "message",
]
