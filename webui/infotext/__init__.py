"""The "parameters" text in pictures: written as AUTOMATIC1111 does, read from wherever it came."""

from webui.infotext.pairs import quote
from webui.infotext.read import Infotext, looks_like_infotext, read
from webui.infotext.write import ModelIdentity, write

__all__ = ["Infotext", "ModelIdentity", "looks_like_infotext", "quote", "read", "write"]
