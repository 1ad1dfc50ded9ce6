"""What is said of one picture, once styles and wildcards have been put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from webui.params import GenerationParams
from webui.params.detailer import NO_DETAILER

FIELDS = {
    "prompt": "prompt",
    "negative_prompt": "negative",
    "hr_prompt": "hires",
    "hr_negative_prompt": "hires_negative",
    "detailer_prompt": "detail",
    "detailer_negative_prompt": "detail_negative",
}
"""What the prompts are called in GenerationParams, and in a PicturePrompt."""


@dataclass(frozen=True)
class PicturePrompt:
    """The prompts of one picture. The templates tell what was written, where wildcards changed it."""

    prompt: str
    negative: str
    template: str | None = None
    negative_template: str | None = None
    hires: str = ""
    """What the second pass of hires fix draws; empty: the same as the first."""
    hires_negative: str = ""
    detail: str = ""
    """What the parts that the detailer finds show; empty: the same as the picture."""
    detail_negative: str = ""
    regions: tuple[str, ...] = ()
    """What its regions show, one for each of the params'."""

    @classmethod
    def of(cls, texts: Mapping[str, str], regions: Sequence[str] = ()) -> Self:
        """Of texts by the names of their fields in GenerationParams, as `texts_of` gives them."""
        return cls(**{FIELDS[field]: text for field, text in texts.items()}, regions=tuple(regions))

    @classmethod
    def asked(cls, params: GenerationParams) -> Self:
        """What `params` ask for, as it was written."""
        return cls.of(texts_of(params), regions_of(params))

    @property
    def texts(self) -> dict[str, str]:
        """All that is said, by the names of the fields in GenerationParams."""
        return {field: getattr(self, name) for field, name in FIELDS.items()}

    @property
    def second(self) -> Self:
        """What the second pass of hires fix is told."""
        return replace(self, prompt=self.hires or self.prompt, negative=self.hires_negative or self.negative)


def texts_of(params: GenerationParams) -> dict[str, str]:
    """The prompts that `params` have a use for, as they were written, by the names of their fields."""
    names = ["prompt", "negative_prompt"]
    if params.hires:
        names += ["hr_prompt", "hr_negative_prompt"]
    if params.detailer != NO_DETAILER:
        names += ["detailer_prompt", "detailer_negative_prompt"]
    return {name: getattr(params, name) for name in names}


def regions_of(params: GenerationParams) -> tuple[str, ...]:
    """The regions' prompts, as they were written."""
    return tuple(region.prompt for region in params.regions)
