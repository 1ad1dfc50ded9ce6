"""Axes that change the prompts: words replaced by others, words in another order."""

from __future__ import annotations

from itertools import permutations
from math import factorial
from typing import Any

from webui.params import MAX_PROMPT, GenerationParams
from webui.scripts import values

Changes = dict[str, Any]
"""Fields of GenerationParams, and what they become."""


def search_and_replace(text: str) -> list[tuple[str, str]]:
    """Of a line of words the first, which is searched for, with each that takes its place.

    Raises:
        ValueError: the first word is empty.
    """
    wanted = values.texts(text)
    if wanted and not wanted[0]:
        raise ValueError("the first value is what is searched for, and it is empty")
    return [(wanted[0], value) for value in wanted]


def replaced(params: GenerationParams, pair: tuple[str, str]) -> Changes:
    """Both prompts with the one word for the other.

    Raises:
        ValueError: it is in neither of them, or they get too long.
    """
    old, new = pair
    prompts = {"prompt": params.prompt, "negative_prompt": params.negative_prompt}
    if not any(old in prompt for prompt in prompts.values()):
        raise ValueError(f'"{old[:60]}" is neither in the prompt nor in the negative prompt')
    for prompt in prompts.values():
        if len(prompt) + prompt.count(old) * (len(new) - len(old)) > MAX_PROMPT:
            raise ValueError(f'with "{new[:60]}" the prompt gets longer than {MAX_PROMPT:,} characters')
    return {name: prompt.replace(old, new) for name, prompt in prompts.items()}


def orders(text: str) -> list[tuple[str, ...]]:
    """Every order of a line of words.

    Raises:
        ValueError: one of them stands there twice, or there are too many.
    """
    words = [word for word in values.texts(text) if word]
    if len(set(words)) < len(words):
        raise ValueError("each of the words may be named once only")
    if len(words) > values.MAX_VALUES.bit_length() or factorial(len(words)) > values.MAX_VALUES:
        raise ValueError(f"{len(words)} words have more than {values.MAX_VALUES:,} orders; name fewer")
    return list(permutations(words)) if words else []


def ordered(params: GenerationParams, order: tuple[str, ...]) -> Changes:
    """The words of `order` put, in that order, where they stand in the prompt.

    Raises:
        ValueError: one of them isn't there.
    """
    for word in order:
        if word not in params.prompt:
            raise ValueError(f'"{word[:60]}" is not in the prompt')
    found = sorted(order, key=params.prompt.find)
    rest, prompt = params.prompt, ""
    for word, instead in zip(found, order, strict=True):
        before, met, rest = rest.partition(word)
        if not met:
            raise ValueError(f'"{word[:60]}" lies across another of the words in the prompt')
        prompt += before + instead
    return {"prompt": prompt + rest}
