"""How far dynamic prompts may go, and the error where they go too far."""

from __future__ import annotations

from collections.abc import Callable

from webui.params import MAX_PROMPT

MAX_CHOICES = 20_000
"""For one prompt: half a second's work."""
MAX_CHARACTERS = 10 * MAX_PROMPT
MAX_CHOICES_ALTOGETHER = 500_000
"""For all pictures of a job."""
MAX_CHARACTERS_ALTOGETHER = 2**26


class TemplateError(ValueError):
    """A prompt that can't be read or filled in; the text says what is wrong and the way out."""


class Allowance:
    """What may still be chosen: wildcards that tell of each other could go on for ever.

    It also keeps what was met on the way: `unknown` is what was written of wildcards and variables that there
    aren't, `last` the wildcard that was looked up last.
    """

    def __init__(self) -> None:
        self._choices = self._characters = 0
        self._all_choices = self._all_characters = 0
        self.unknown: dict[str, None] = {}
        self.last = ""

    def begin(self) -> None:
        """The next prompt."""
        self._choices = self._characters = 0
        self.last = ""

    def spend(self, characters: int = 0, choices: int = 1) -> None:
        """One more choice, or what is as much work as several, and that much more text.

        Raises:
            TemplateError: it is too much.
        """
        self._spend(characters, choices, self.endless)

    def search(self, choices: int) -> None:
        """As much work as so many choices, in finding what there is to choose from.

        Raises:
            TemplateError: it is too much.
        """
        self._spend(0, choices, self._too_many)

    def _spend(self, characters: int, choices: int, told: Callable[[], str]) -> None:
        self._choices += choices
        self._characters += characters
        if self._choices > MAX_CHOICES or self._characters > MAX_CHARACTERS:
            raise TemplateError(told())
        self._all_choices += choices
        self._all_characters += characters
        if self._all_choices > MAX_CHOICES_ALTOGETHER or self._all_characters > MAX_CHARACTERS_ALTOGETHER:
            raise TemplateError("Too much is chosen for so many pictures. Lower the batch count.")

    def endless(self) -> str:
        """The sentence for what has no end."""
        told = f"The prompt's wildcards or variables lead to each other without end{self._where()}"
        return f"{told}. Take out the one that leads back."

    def _too_many(self) -> str:
        told = f"The prompt's wildcards hold too many texts to look through{self._where()}"
        return f"{told}. Name fewer wildcards, or shorter ones."

    def _where(self) -> str:
        return f" (at __{self.last[:100]}__)" if self.last else ""
