"""The prompt book: what each picture of a job is made from, with styles and wildcards put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from webui.params import GenerationParams, InvalidParamsError
from webui.prompting import dynamic
from webui.prompting.dynamic import Template
from webui.prompting.dynamic_limits import Allowance, TemplateError
from webui.prompting.prepared import PicturePrompt, regions_of, texts_of
from webui.prompting.styles_store import StyleStore
from webui.prompting.wildcards import Wildcards

MAX_NAMED = 10
PAIRS = (("prompt", "negative_prompt"), ("hr_prompt", "hr_negative_prompt"))
"""The fields that styles are put into."""


@dataclass(frozen=True)
class Prepared:
    """The prompts of a job's pictures; none where all have those of its params. Notices are sentences."""

    prompts: tuple[PicturePrompt, ...] = ()
    notices: tuple[str, ...] = ()


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
        texts = self._styled(params)
        templates = {field: _read(field, text, params.dynamic_prompts) for field, text in texts.items()}
        own = regions_of(params)
        regions = [_read("regions", text, params.dynamic_prompts) for text in own]
        if all(template.command is None for template in (*templates.values(), *regions)):
            as_asked = texts == texts_of(params)
            return Prepared() if as_asked else Prepared((PicturePrompt.of(texts, own),) * len(seeds))
        allowance = allowance or Allowance()
        prompts = tuple(self._filled(templates, regions, seed, allowance) for seed in seeds)
        return Prepared(prompts, tuple(_notices(allowance)))

    def _styled(self, params: GenerationParams) -> dict[str, str]:
        """All texts that are used, by field. Styles are put in the pictures' prompts, not in the details'."""
        texts = texts_of(params)
        for prompt, negative in PAIRS:
            asked = texts.get(prompt, ""), texts.get(negative, "")
            styled = self.styles.apply(params.styles, *asked)
            for field, before, after in zip((prompt, negative), asked, styled, strict=True):
                # Where nothing is said of the second pass, it is told what the first is.
                if before or field in PAIRS[0]:
                    texts[field] = after
        return texts

    def _filled(
        self, templates: dict[str, Template], regions: Sequence[Template], seed: int, allowance: Allowance
    ) -> PicturePrompt:
        texts = {field: self._fill(field, template, seed, allowance) for field, template in templates.items()}
        # Regions choose each for itself: two that show __animal__ are to show two.
        own = [
            self._fill("regions", template, seed + number, allowance)
            for number, template in enumerate(regions, 1)
        ]
        return replace(
            PicturePrompt.of(texts, own),
            template=_if_changed(templates["prompt"], texts["prompt"]),
            negative_template=_if_changed(templates["negative_prompt"], texts["negative_prompt"]),
        )

    def _fill(self, field: str, template: Template, seed: int, allowance: Allowance) -> str:
        try:
            return template.fill(seed, self.wildcards, allowance)
        except TemplateError as error:
            raise InvalidParamsError(field, str(error)) from error


def _read(field: str, text: str, dynamic_prompts: bool) -> Template:
    if not dynamic_prompts:
        return Template(text)
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
