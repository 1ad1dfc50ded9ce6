"""What the files beside a model say, as one value. What can't be read is left out, and the log says so."""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from webui.catalog import user_metadata
from webui.catalog.entry import Family, Prediction, Usage
from webui.catalog.side_files import Role, Sides, is_preview
from webui.infotext.pairs import clean
from webui.params import GenerationParams

log = logging.getLogger(__name__)

MAX_BYTES = 2**20
UNUSABLE = (
    *(OSError, ValueError, TypeError, AttributeError, ArithmeticError),
    *(ValidationError, RecursionError),
)
"""What a file that holds anything at all may raise where it is read."""
ZERO_SNR = ("ztsnr", "zsnr", "zero_snr", "zero_terminal_snr", "rescale_betas_zero_snr")
FAMILIES: tuple[tuple[str, Family], ...] = (
    ("flux", "flux"), ("sd 3", "sd3"), ("sd3", "sd3"), ("xl", "sdxl"), ("pony", "sdxl"),
    ("illustrious", "sdxl"), ("noobai", "sdxl"), ("sd 2", "sd2"), ("sd2", "sd2"), ("sd 1", "sd1"),
    ("sd1", "sd1"),
)  # fmt: skip
"""Parts of Civitai's "baseModel" and of A1111's "sd version"."""


class Card(BaseModel):
    """`darkroom.json` beside a model: what the page's controls are set to for it."""

    model_config = ConfigDict(extra="ignore")

    summary: str = ""
    defaults: dict[str, str | int | float] = {}
    examples: list[str] = []
    thumbnail: str = ""
    prediction: Prediction | None = None
    zero_snr: bool | None = None


@dataclass
class Words:
    """All that is told; of several files that tell the same thing, the later in `READERS` wins."""

    description: str = ""
    notes: str = ""
    family: Family = ""
    prediction: Prediction | None = None
    zero_snr: bool | None = None
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    examples: tuple[str, ...] = ()
    thumbnail: Path | None = None
    usage: Usage = field(default_factory=Usage)


def read_words(sides: Sides) -> Words:
    """What `sides` say together."""
    words = Words()
    paths = {side.role: Path(side.path) for side in sides}
    words.thumbnail = paths.get("thumbnail")
    for role, reader in READERS:
        if file := paths.get(role):
            try:
                reader(words, _content(file), file)
            except UNUSABLE as error:
                log.warning("%s can't be used: %s", file, error)
    return words


def _content(file: Path) -> bytes:
    with file.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MiB")
    return content


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("it does not hold an object")
    return value


def _config(words: Words, content: bytes, _: Path) -> None:
    """LDM's configuration: model.params.parameterization is "eps" or "v"."""
    try:
        told = _mapping(yaml.safe_load(content))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    params = _mapping(_mapping(told.get("model", {})).get("params", {}))
    parameterization = params.get("parameterization")
    if parameterization in ("v", "eps"):
        words.prediction = "v_prediction" if parameterization == "v" else "epsilon"
    if any(params.get(name) is True for name in ZERO_SNR):
        words.zero_snr = True


def _civitai(words: Words, content: bytes, _: Path) -> None:
    told = _mapping(json.loads(content))
    words.description = _plain(
        told.get("description") or _mapping(told.get("model") or {}).get("description")
    )
    base = str(told.get("baseModel") or "")
    words.family = _family(base)
    if base.lower().startswith("sd 2") and "768" in base:
        words.prediction = "v_prediction"
    trained = [clean(str(word)).strip() for word in told.get("trainedWords") or ()]
    if trained:
        words.description = f"{words.description}\nTrained words: {', '.join(trained)}".strip()
        words.usage = replace(words.usage, trained=tuple(trained))


def _a1111(words: Words, content: bytes, _: Path) -> None:
    told = _mapping(json.loads(content))
    written = user_metadata.of_mapping(told)
    words.description = written.description or words.description
    words.notes = written.notes
    words.family = _family(written.sd_version) or words.family
    words.usage = Usage(
        written.activation_text, written.preferred_weight, written.negative_text, words.usage.trained
    )
    vae = told.get("vae")
    if isinstance(vae, str) and vae not in ("", "Automatic"):
        words.defaults["vae"] = clean(vae)


def _card(words: Words, content: bytes, file: Path) -> None:
    card = Card.model_validate_json(content)
    GenerationParams().completed(card.defaults)
    words.description = card.summary or words.description
    words.defaults.update(card.defaults)
    words.examples = tuple(card.examples)
    words.prediction = card.prediction or words.prediction
    words.zero_snr = words.zero_snr if card.zero_snr is None else card.zero_snr
    thumbnail = file.parent / card.thumbnail
    chosen = words.thumbnail is not None and is_preview(words.thumbnail)
    if card.thumbnail and not chosen and thumbnail.parent == file.parent and thumbnail.is_file():
        words.thumbnail = thumbnail


READERS: tuple[tuple[Role, Callable[[Words, bytes, Path], None]], ...] = (
    ("config", _config),
    ("civitai", _civitai),
    ("a1111", _a1111),
    ("card", _card),
)


def _family(told: str) -> Family:
    for part, family in FAMILIES:
        if part in told.lower():
            return family
    return ""


def _plain(text: object) -> str:
    """Civitai's HTML as text."""
    breaks = re.sub(r"(?i)<br\s*/?>|</p>|</li>", "\n", str(text or ""))
    return html.unescape(re.sub(r"<[^>]*>", "", clean(breaks))).strip()
