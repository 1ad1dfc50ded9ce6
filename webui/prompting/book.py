"""The prompt book: what each picture of a job is made from, with styles and wildcards put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webui.params import GenerationParams, InvalidParamsError
from webui.prompting import dynamic
from webui.prompting.dynamic import Template
from webui.prompting.dynamic_limits import Allowance, TemplateError
from webui.prompting.prepared import PicturePrompt
from webui.prompting.styles_store import StyleStore
from webui.prompting.wildcards import Wildcards

MAX_NAMED = 10


@dataclass(frozen=True)
class Prepared:
    """The prompts of a job's pictures; none where all have those of its params. Notices are sentences."""

    prompts: tuple[PicturePrompt, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Templates:
    """Both prompts as they are before anything has been chosen."""

    prompt: Template
    negative: Template

    @property
    def vary(self) -> bool:
        return not (self.prompt.command is None and self.negative.command is None)


class PromptBook:
    """Styles and wildcards, and what they make of prompts. Thread-safe."""

    def __init__(self, styles: StyleStore, wildcards: Wildcards) -> None:
        self.styles = styles
        self.wildcards = wildcards

    def check(self, params: GenerationParams, allowance: Allowance | None = None) -> None:
        """Whether prompts can be made of `params`: found out with one seed, when a job is submitted.

        `allowance`: what is left of it for the whole job, if it has several wishes.

        Raises:
            InvalidParamsError: an unknown style, a broken template, or too long a prompt.
        """
        self.prepare(params, [max(params.seed, 0)], allowance)

    def prepare(
        self, params: GenerationParams, seeds: Sequence[int], allowance: Allowance | None = None
    ) -> Prepared:
        """The prompts of the pictures with these seeds: first styles are put in, then wildcards.

        Raises:
            InvalidParamsError: an unknown style, a broken template, or too long a prompt.
        """
        prompt, negative = self.styles.apply(params.styles, params.prompt, params.negative_prompt)
        templates = _templates(prompt, negative, params.dynamic_prompts)
        if not templates.vary:
            if (prompt, negative) == (params.prompt, params.negative_prompt):
                return Prepared()
            return Prepared((PicturePrompt(prompt, negative),) * len(seeds))
        allowance = allowance or Allowance()
        prompts = tuple(self._filled(templates, seed, allowance) for seed in seeds)
        return Prepared(prompts, tuple(_notices(allowance)))

    def _filled(self, templates: _Templates, seed: int, allowance: Allowance) -> PicturePrompt:
        prompt = self._fill("prompt", templates.prompt, seed, allowance)
        negative = self._fill("negative_prompt", templates.negative, seed, allowance)
        return PicturePrompt(
            prompt,
            negative,
            template=_if_changed(templates.prompt, prompt),
            negative_template=_if_changed(templates.negative, negative),
        )

    def _fill(self, field: str, template: Template, seed: int, allowance: Allowance) -> str:
        try:
            return template.fill(seed, self.wildcards, allowance)
        except TemplateError as error:
            raise InvalidParamsError(field, str(error)) from error


def _templates(prompt: str, negative: str, dynamic_prompts: bool) -> _Templates:
    if not dynamic_prompts:
        return _Templates(Template(prompt), Template(negative))
    return _Templates(_read("prompt", prompt), _read("negative_prompt", negative))


def _read(field: str, text: str) -> Template:
    try:
        return dynamic.read(text)
    except TemplateError as error:
        raise InvalidParamsError(field, str(error)) from error


def _if_changed(template: Template, text: str) -> str | None:
    return None if template.text == text else template.text


def _notices(allowance: Allowance) -> list[str]:
    notices = [
        f"There is no wildcard {written}, so it stays in the prompt as it is."
        if written.startswith("__")
        else f"Nothing sets the variable {written}, so it stays in the prompt as it is."
        for written in allowance.unknown
    ]
    more = len(notices) - MAX_NAMED
    return [*notices[:MAX_NAMED], f"So do {more} others."] if more > 0 else notices
