"""What is said of one picture, once styles and wildcards have been put in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PicturePrompt:
    """The prompts of one picture. The templates tell what was written, where wildcards changed it."""

    prompt: str
    negative: str
    template: str | None = None
    negative_template: str | None = None
