"""A prompt as plain text, for models that know nothing of weights and editing."""

from __future__ import annotations

from dataclasses import dataclass

from webui.params.guidance import Emphasis
from webui.prompting.emphasis import stretches
from webui.prompting.language import Subprompt, read
from webui.prompting.networks import Network

STEPS = 100
"""Enough that an edited prompt's beginning is told from its end."""


@dataclass(frozen=True)
class Plain:
    """What is left of a prompt without its signs, and whether any of them meant something."""

    text: str
    lost: bool
    networks: tuple[Network, ...] = ()
    """Those that its `<…>` tags name at first."""


def plain(text: str, emphasis: Emphasis = "Original") -> Plain:
    """What `text` says at first, in words alone: comments and `<…>` tags go, and the signs around words."""
    subprompts = read(text, STEPS).subprompts
    found = [stretches(part.moments[0].text, emphasis) for part in subprompts]
    said = [" ".join("".join(span.text for span in spans) for spans in parts) for parts in found]
    weighed = any(
        len(parts) > 1 or any(span.weight != 1 for spans in parts for span in spans) for parts in found
    )
    changing = len(subprompts) > 1 or any(_changes(part) for part in subprompts)
    named = dict.fromkeys(network for part in subprompts for network in part.moments[0].networks)
    words = ", ".join(part.strip() for part in said) if len(said) > 1 else said[0]
    return Plain(words, weighed or changing, tuple(named))


def _changes(part: Subprompt) -> bool:
    return len(part.moments) > 1 or part.weight != 1
