"""Comments in prompts: from # to the line's end."""

from __future__ import annotations

import re

_COMMENT = re.compile(r"^#[^\n]*\n?|#[^\n]*", re.MULTILINE)


def without_comments(text: str) -> str:
    """`text` less its comments; a line that is nothing else goes as a whole."""
    return _COMMENT.sub("", text)
