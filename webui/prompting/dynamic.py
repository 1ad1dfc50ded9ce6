"""Dynamic prompts: prompts in which something is chosen for each picture, by its seed.

The same seed always chooses the same. It is what A1111's extension sd-dynamic-prompts chooses, whose library
makes the choices here too, but where it goes wrong: where several are chosen of options that repeat or have
weights, and in .txt files with weights. Jinja templates are not read: they are programs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webui.params import MAX_PROMPT
from webui.prompting.dynamic_limits import Allowance, TemplateError
from webui.prompting.wildcards import Wildcards

if TYPE_CHECKING:
    from dynamicprompts.commands import Command


@dataclass(frozen=True)
class Template:
    """A prompt as it was written. `command` is what is to be chosen; None: nothing in it varies."""

    text: str
    command: Command | None = None

    def fill(self, seed: int, wildcards: Wildcards, allowance: Allowance) -> str:
        """The prompt of the picture with that seed. What is unknown stays, and is kept in the allowance.

        Raises:
            TemplateError: it has no end, becomes longer than a prompt may be, or a wildcard's line is broken.
        """
        if self.command is None:
            return self.text
        # Here and not above: the library takes a tenth of a second to import.
        from webui.prompting.dynamic_choice import choose

        allowance.begin()
        try:
            text = choose(self.command, seed, wildcards, allowance)
        except RecursionError as error:
            raise TemplateError(allowance.endless()) from error
        if len(text) > MAX_PROMPT:
            told = f"With all that is chosen the prompt is longer than {MAX_PROMPT:,} characters"
            raise TemplateError(f"{told}. Choose fewer or shorter parts.")
        return text


def read(text: str) -> Template:
    """The template that `text` is. Most prompts have no sign of one and aren't looked at closer.

    Raises:
        TemplateError: it can't be read; the text names the bracket and the way out.
    """
    if "{" not in text and "}" not in text and "__" not in text:
        return Template(text)
    from webui.prompting.dynamic_grammar import read as read_grammar

    return Template(text, read_grammar(text))
