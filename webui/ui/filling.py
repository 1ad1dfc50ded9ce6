"""Filling the form: from an infotext, from what a picture holds, from a job, from one's last picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from webui.catalog.catalog import Catalog
from webui.catalog.mentioned import resolve
from webui.engine.samplers.table import find_sampler, find_schedule
from webui.infotext import looks_like_infotext, read
from webui.infotext.pairs import EXACT, EXACT_NEGATIVE, FP8, NEGATIVE_TEMPLATE, TEMPLATE, USER
from webui.jobs.service import Jobs, UnknownJobError
from webui.params import GenerationParams, InvalidParamsError
from webui.params.detailer import DetailerParams
from webui.params.hires import HiresParams
from webui.params.image import ImageParams
from webui.params.sides import GRAIN, MAX_SIDE, MIN_SIDE
from webui.prompting.styles_store import StyleStore
from webui.ui.components.fields import TOLD
from webui.ui.submission import sentence

STARTS = (ImageParams, HiresParams, DetailerParams)
NOTHING = "There is nothing to read yet: the prompt holds no parameters, and you have no picture."
MAX_WISH = 8 * 2**20
MOST_NAMED = 12
MOST_NOTICES = 20
LONGEST_NOTICE = 500
OUR_NOTES = (FP8, TEMPLATE, NEGATIVE_TEMPLATE, USER, EXACT, EXACT_NEGATIVE, "Version")
"""Keys that Darkroom writes for people to read: nobody misses a control that they would set."""
SIZE = ("width", "height", "batch_size")
"""The fields of a problem that has no place of its own: that of the picture's size as a whole."""
OWN_START = (
    "n_iter",
    "batch_size",
    "width",
    "height",
    "control",
    *(name for kind in STARTS for name in kind.model_fields),
)
"""What a picture's making says nothing of for drawing from it: how it was begun, how many there were."""
PROPER: dict[str, Callable[[str], str]] = {
    "sampler_name": lambda name: find_sampler(name).name,
    "scheduler": find_schedule,
    "hr_sampler_name": lambda name: find_sampler(name).name if name else "",
    "hr_scheduler": lambda name: find_schedule(name) if name else "",
}
"""Fields whose values are names -> what gives the proper name, or raises InvalidParamsError."""


@dataclass(frozen=True)
class Filling:
    """What the form is to show: `only` these fields of `params`. Notices are sentences for the person.

    `whole`: they are a job's, so that units name their pictures, too; infotexts don't tell these.
    """

    params: GenerationParams
    only: frozenset[str]
    notices: tuple[str, ...] = ()
    whole: bool = False

    def told(self, more: Sequence[str] = ()) -> str:
        """For the page, as JSON; `more` are further notices."""
        told = {str(field) for field in TOLD if field in self.only}
        steering = self.params.model_dump(mode="json", include=told)
        return json.dumps(
            {
                "notices": [*self.notices, *more],
                "filled": len(self.only),
                "steering": steering,
                "whole": self.whole,
            }
        )


class Filler:
    """Understands what the page wishes the form to be filled with."""

    def __init__(self, catalog: Catalog, jobs: Jobs, styles: StyleStore) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._styles = styles

    def filling(self, wish: str, owner: str, now: Mapping[str, Any]) -> Filling:
        """What `wish`, the page's JSON, comes to; `now` are fields that hold unless it says otherwise.

        A wish is one of {"job": id}, {"text": an infotext}, {"prompt": what the prompt's box holds},
        {"prompts": [prompt, negative prompt]}, {"infotext": what the API told of a picture}. With "picture",
        its [width, height], they are of a picture that is to be drawn from.
        """
        try:
            parsed = _parsed(wish)
            fields, notices = self._read(parsed, owner)
        except (UnknownJobError, InvalidParamsError) as error:
            return _fitting({}, now, (_said(error),))
        if "picture" in parsed:
            fields = _of_start(fields, parsed["picture"])
        return replace(_fitting(fields, now, notices), whole="job" in parsed)

    def _read(self, wish: Mapping[str, Any], owner: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        if isinstance(job := wish.get("job"), str):
            return self._jobs.get(owner, job).params.model_dump(), ()
        if isinstance(text := wish.get("text"), str):
            return self._from_text(text)
        if isinstance(prompt := wish.get("prompt"), str):
            return self._from_text(prompt) if looks_like_infotext(prompt) else self._last(owner)
        if isinstance(prompts := wish.get("prompts"), list):
            return dict(zip(("prompt", "negative_prompt"), prompts, strict=False)), ()
        told = wish.get("infotext")
        return self._from_picture(told if isinstance(told, dict) else {})

    def _from_text(self, text: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        infotext = read(text)
        resolved = resolve(self._catalog, infotext)
        notices = (*infotext.problems, *resolved.notices, *_not_used(infotext.unused))
        return self._with_styles(resolved.fields), notices

    def _from_picture(self, told: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
        fields, notices, unused = (told.get(part) for part in ("fields", "notices", "unused"))
        known = {str(field): value for field, value in fields.items()} if isinstance(fields, dict) else {}
        said = [str(notice) for notice in notices] if isinstance(notices, list) else []
        return self._with_styles(known), (*said, *_not_used(unused if isinstance(unused, dict) else {}))

    def _with_styles(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Styles that the prompts hold are taken out of them and chosen, as in A1111."""
        if "prompt" not in fields or "styles" in fields:
            return dict(fields)
        prompt, negative = str(fields["prompt"]), str(fields.get("negative_prompt", ""))
        prompt, negative, names = self._styles.extract(prompt, negative)
        return {**fields, "prompt": prompt, "negative_prompt": negative, "styles": tuple(names)}

    def _last(self, owner: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The newest picture's settings; if the newest job has none yet, that job's."""
        for job in self._jobs.listed(owner, limit=2):
            if job.live:  # at most one, which is nobody's wish
                continue
            if job.pictures:
                return self._from_text(job.pictures[0].infotext)
            return {**job.params.model_dump(), "seed": job.seed}, ()
        return {}, (NOTHING,)


def _parsed(wish: str) -> Mapping[str, Any]:
    try:
        parsed = json.loads(wish) if len(wish) <= MAX_WISH else None
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, dict):
        return parsed
    raise InvalidParamsError("", "This can't be read as generation parameters.")


def _of_start(fields: Mapping[str, Any], size: Any) -> dict[str, Any]:  # noqa: ANN401
    """`fields` as they are of use for drawing from the picture, which has this size."""
    kept = {name: value for name, value in fields.items() if name not in OWN_START}
    sides = size if isinstance(size, list) else []
    whole = [
        round(side / GRAIN) * GRAIN
        for side in sides
        if isinstance(side, int) and MIN_SIDE <= side <= MAX_SIDE
    ]
    return {**kept, **dict(zip(("width", "height"), whole, strict=False))} if len(whole) == 2 else kept


def _not_used(unused: Collection[Any]) -> list[str]:
    """A sentence on the keys of an infotext that mean nothing here."""
    ours = {note.lower() for note in OUR_NOTES}
    names = [name for name in (str(key)[:60] for key in unused) if name.lower() not in ours]
    if not names:
        return []
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return [f"Not used: {', '.join(names[:MOST_NAMED])}{more}."]


def _said(error: Exception) -> str:
    return "This job is not there any more." if isinstance(error, UnknownJobError) else str(error)


def _fitting(fields: Mapping[str, Any], now: Mapping[str, Any], notices: Sequence[str]) -> Filling:
    """Those of `fields` that params take; of the others a notice says why not."""
    known = {field: value for field, value in fields.items() if field in GenerationParams.model_fields}
    named, wrong = _with_proper_names(known)
    standing, _ = _with_proper_names(now)
    params, taken, refused = _taken(named, standing)
    told = _shortened(
        [*notices, *_not_used([field for field in fields if field not in known]), *wrong, *refused]
    )
    return Filling(params, frozenset(taken), told)


def _with_proper_names(fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """`fields` without samplers and schedule types that aren't known, and a sentence on each of these."""
    proper, wrong = dict(fields), list[str]()
    for field in [field for field in PROPER if field in fields]:
        try:
            proper[field] = PROPER[field](str(fields[field]))
        except InvalidParamsError as error:
            wrong.append(str(error))
            del proper[field]
    return proper, wrong


def _taken(
    fields: Mapping[str, Any], standing: Mapping[str, Any]
) -> tuple[GenerationParams, Collection[str], list[str]]:
    """Params of what can be taken of both, which of `fields` that is, and sentences on the others."""
    try:
        return GenerationParams.model_validate({**standing, **fields}), fields.keys(), []
    except ValidationError as error:
        problems = error.errors()
    wrong = {str(place) for problem in problems for place in (problem["loc"][:1] or SIZE)}
    left, still = (_without(held, wrong) for held in (fields, standing))
    params, taken, more = _taken(left, still)
    return params, taken, [*map(sentence, problems), *more]


def _without(fields: Mapping[str, Any], wrong: Collection[str]) -> dict[str, Any]:
    return {field: value for field, value in fields.items() if field not in wrong}


def _shortened(notices: Sequence[str]) -> tuple[str, ...]:
    """No more than can be read: a stranger's picture may bring any number of notices, of any length."""
    shown = [
        notice if len(notice) <= LONGEST_NOTICE else f"{notice[:LONGEST_NOTICE]}…"
        for notice in notices[:MOST_NOTICES]
    ]
    more = len(notices) - MOST_NOTICES
    return (*shown, f"And {more:,} more notices.") if more > 0 else tuple(shown)
