"""What a text says, as parameters that can be used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from webui.infotext import civitai, old_hires, told_scripts, told_units
from webui.infotext.fields import BY_NAME, KEYS
from webui.infotext.key import DEFAULTS, Key
from webui.infotext.names import OLD_UNIFORM, find_both, find_sampler, find_schedule
from webui.infotext.pairs import (
    EMBEDDINGS,
    FP8,
    LORAS,
    MAX_TEXT,
    NEGATIVE_TEMPLATE,
    TEMPLATE,
    USER,
    Parts,
    split,
)
from webui.infotext.programs import DARKROOM, NOISE_ON_CPU, program_of
from webui.params import GenerationParams, message

WITH_HASH = re.compile(r"(.+?) ?\[([0-9a-fA-F]{6,64})\]", re.DOTALL)
BEFORE_SCHEDULES = re.compile(r"v1\.[0-8](\D|$)")
VERSION = "version"
NO_VAE = ("", "none", "automatic", "default (model)")
NO_MODEL = ("none", "use same checkpoint")
QUOTED = 60
"""How much of a value that can't be used is told."""
MOST_UNUSED = 300
"""How many unknown keys are kept."""
MODEL_KEYS = {
    "model hash": "model_hash",
    "model": "checkpoint",
    "vae hash": "vae_hash",
    "vae": "vae",
    "refiner": "refiner",
    "hires checkpoint": "hires",
}
"""In lower case, as they are looked up."""
NO_FIELDS = (*MODEL_KEYS, VERSION)
OUR_NOTES = (FP8, LORAS, EMBEDDINGS, TEMPLATE, NEGATIVE_TEMPLATE, USER)
"""Keys that Darkroom writes for whoever reads the text: nothing is to be set by them."""


@dataclass(frozen=True)
class Infotext:
    """A text, read. Models are told by the names and hashes that stand there, to be looked up in a catalog.

    `fields` are fields of GenerationParams, each a value that it takes. Those that the text leaves out, and
    that aren't known without it, such as steps and seed, are missing.
    """

    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    checkpoint: str | None = None
    model_hash: str | None = None
    vae: str | None = None
    vae_hash: str | None = None
    refiner: str | None = None
    refiner_hash: str | None = None
    hires: str | None = None
    hires_hash: str | None = None
    unused: dict[str, str] = field(default_factory=dict[str, str])
    """Keys that have no field here, as they stand in the text."""
    notes: dict[str, str] = field(default_factory=dict[str, str])
    """Keys that have none either, but that Darkroom wrote, to be read by people: who asked, what a prompt was
    before wildcards changed it."""
    problems: tuple[str, ...] = ()
    """Sentences: what can't be used, and what means something else here."""
    version: str | None = None
    source: str = ""
    """The program that wrote it, as far as the text tells; empty where it is only a prompt."""


def read(text: str) -> Infotext:
    """What `text` says: A1111's form, in the ways in which A1111, its forks and its imitators write it.

    Never fails: what isn't settings is prompt, and what is amiss is told in `problems`.
    """
    if len(text) > MAX_TEXT:
        return Infotext(problems=(f"This text is longer than {MAX_TEXT:,} signs and has not been read.",))
    parts = split(text)
    return settle(parts, program_of(parts.pairs))


def looks_like_infotext(text: str) -> bool:
    """Whether `text` holds settings, rather than being a prompt alone."""
    return len(text) <= MAX_TEXT and bool(split(text).pairs)


def settle(parts: Parts, source: str) -> Infotext:
    """The parameters that a text's parts tell, written by `source`.

    Keys that are left out mean the defaults of that program, if there are any keys at all.
    """
    reading = _Reading(source)
    reading.put({"prompt": parts.prompt}, parts.prompt)
    reading.put({"negative_prompt": parts.negative}, parts.negative)
    if not parts.pairs:
        return reading.finished({}, None)
    pairs = old_hires.converted(parts.pairs)
    told = {name.lower(): value for name, value in pairs.items()}
    models = {name: told[key] for key, name in MODEL_KEYS.items() if key in told}
    if "checkpoint" not in models and (name := civitai.checkpoint_of(told)):
        models["checkpoint"] = name
    others = {name: value for name, value in pairs.items() if name.lower() not in NO_FIELDS}
    reading.fill_defaults()
    if script := told_scripts.script_of(others):
        reading.put({"script": script}, f"Script: {script['name']}")
    for name in told_scripts.keys(script):
        others.pop(name, None)
    reading.take_units(others)
    for name in told_units.keys(others):
        others.pop(name, None)
    for name, value in others.items():
        key = BY_NAME.get(name.lower())
        if key is None or (name != key.name and key.name in others) or (key.own and source != DARKROOM):
            reading.keep(name, value)
        else:
            reading.take(key, name, value)
    reading.settle_names(told.get(VERSION))
    reading.settle_hires()
    return reading.finished(models, told.get(VERSION))


class _Reading:
    """What has been found out so far."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.fields: dict[str, Any] = {}
        self.unused: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        self.problems: list[str] = []
        self.told: set[str] = set()

    def fill_defaults(self) -> None:
        for key in KEYS:
            if not key.needed:
                self.fields |= {name: getattr(DEFAULTS, name) for name in key.fields}
        if self.source not in NOISE_ON_CPU:
            self.fields["rng"] = "GPU"

    def keep(self, name: str, value: str) -> None:
        """A pair that nothing here uses."""
        if self.source == DARKROOM and name in OUR_NOTES:
            self.notes[name] = value
        elif len(self.unused) < MOST_UNUSED:
            self.unused[name] = value

    def take(self, key: Key, name: str, value: str) -> None:
        """The fields that one pair tells: all of them or none."""
        try:
            read = key.read(value)
        except ValueError as error:
            self.refuse(f"{name}: {value}", str(error))
            return
        self.told |= read.keys()
        self.put(read, f"{name}: {value}")

    def put(self, found: dict[str, Any], said: str) -> None:
        """Keep what GenerationParams takes; `said` is what stands in the text."""
        try:
            params = GenerationParams.model_validate(found)
        except ValidationError as error:
            reason = message(error.errors(include_url=False, include_input=False)[0])
            self.refuse(said, reason[:1].lower() + reason[1:])
        else:
            self.fields |= {name: getattr(params, name) for name in found}

    def take_units(self, pairs: Mapping[str, str]) -> None:
        """The ControlNet units; where none are told of there were none."""
        self.fields["control"], problems = told_units.units_of(pairs)
        self.problems += problems

    def refuse(self, said: str, reason: str) -> None:
        short = said if len(said) <= QUOTED else f"{said[:QUOTED]}…"
        self.problems.append(f'"{short}" can\'t be used: {reason}.')

    def settle_names(self, version: str | None) -> None:
        """Give sampler and schedule type the names that they have here."""
        asked = self.fields.pop("sampler_name", None)
        sampler, schedule = find_both(asked) if asked else (None, None)
        if sampler or (asked and self.source == DARKROOM):
            self.fields["sampler_name"] = sampler or asked
        elif asked:
            self.problems.append(f'There is no sampler "{asked[:QUOTED]}" here; the one chosen stays.')
        self._settle_schedule(schedule)
        old = BEFORE_SCHEDULES.match(version or "") and not schedule and "scheduler" not in self.told
        if old and sampler in OLD_UNIFORM:
            self.fields["scheduler"] = "Uniform"
            self.problems.append(
                f'"{sampler}" alone meant the schedule type Uniform before A1111 1.9, so that is set.'
            )

    def _settle_schedule(self, schedule: str | None) -> None:
        asked = str(self.fields["scheduler"])
        known = find_schedule(asked) or (asked if self.source == DARKROOM else None)
        if known is None:
            self.problems.append(
                f'There is no schedule type "{asked[:QUOTED]}" here; it is left to the sampler.'
            )
        explicit = known if "scheduler" in self.told else None
        self.fields["scheduler"] = explicit or schedule or "Automatic"

    def settle_hires(self) -> None:
        """Names of the second pass, and none of it where it can't be drawn from the size that is told."""
        if self.source != DARKROOM:
            finders = {"hr_sampler_name": find_sampler, "hr_scheduler": find_schedule}
            for name, find in finders.items():
                asked = str(self.fields[name])
                if asked and find(asked) is None:
                    self.refuse(f"Hires: {asked}", "there is none of that name here; the first pass's serves")
                    self.fields[name] = ""
        try:
            GenerationParams.model_validate(self.fields)
        except ValidationError as error:
            self.refuse("Hires", message(error.errors(include_url=False, include_input=False)[0]).rstrip("."))
            self.fields["enable_hr"] = False

    def finished(self, models: Mapping[str, str], version: str | None) -> Infotext:
        refiner, refiner_hash = _name_and_hash(models.get("refiner"))
        hires, hires_hash = _name_and_hash(models.get("hires"))
        checkpoint, model_hash = models.get("checkpoint"), models.get("model_hash")
        if not model_hash:
            checkpoint, model_hash = _name_and_hash(checkpoint)
        vae = models.get("vae", "")
        return Infotext(
            self.fields,
            checkpoint=checkpoint or None,
            model_hash=model_hash,
            vae=None if vae.lower() in NO_VAE else vae,
            vae_hash=models.get("vae_hash") or None,
            refiner=refiner,
            refiner_hash=refiner_hash,
            hires=hires,
            hires_hash=hires_hash,
            unused=self.unused,
            notes=self.notes,
            problems=tuple(self.problems),
            version=version,
            source=self.source,
        )


def _name_and_hash(text: str | None) -> tuple[str | None, str | None]:
    """Of "name [hash]", or of a name alone."""
    if not text or text.lower() in NO_MODEL:
        return None, None
    match = WITH_HASH.fullmatch(text)
    return (match[1], match[2].lower()) if match else (text, None)
