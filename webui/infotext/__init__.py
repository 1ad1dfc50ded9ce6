"""The "parameters" text in pictures: written as AUTOMATIC1111 does, read from wherever it came."""

from webui.infotext.write import ModelIdentity, quote, write

__all__ = ["ModelIdentity", "quote", "write"]
