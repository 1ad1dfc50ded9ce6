"""What goes wrong in diffusers and transformers, as a sentence for people."""

from __future__ import annotations

import re

from webui.engine.protocol import EngineError

PACKAGES = {
    "sentencepiece": "sentencepiece",
    "protobuf": "protobuf",
    # What transformers asks for where it can't read a sentencepiece file for lack of the first.
    "tiktoken": "sentencepiece",
    "ftfy": "ftfy",
    "bs4": "beautifulsoup4",
    "beautifulsoup4": "beautifulsoup4",
    "torchvision": "torchvision",
    "bitsandbytes": "bitsandbytes",
    "torchao": "torchao",
    "gguf": "gguf",
    "optimum-quanto": "optimum-quanto",
}
"""Optional packages by the words in which their absence is told, and what pip calls them."""


def explained(name: str, what: str, error: Exception) -> EngineError:
    """The error as a sentence: the model `name` `what` ("can't be loaded"), why, and what to do."""
    text = " ".join(str(error).split()) or type(error).__name__
    if package := missing_package(error):
        return EngineError(f'"{name}" needs the Python package {package}. Install it: pip install {package}')
    # Most errors tell the cause in their first sentence, and speak of Python afterwards.
    first = re.split(r"(?<=[.!?])\s+(?=[A-Z`])", text)[0][:300].rstrip(".")
    return EngineError(f'"{name}" {what}: {first}.')


def missing_package(error: Exception) -> str | None:
    """The optional package, as pip calls it, whose absence `error` tells of."""
    text = str(error)
    if isinstance(error, ModuleNotFoundError) and error.name and error.name not in PACKAGES:
        return error.name
    absent = isinstance(error, ImportError) or "install" in text or "not found in your environment" in text
    found = [name for name in PACKAGES if re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE)]
    return PACKAGES[found[0]] if absent and found else None
