"""The text for one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webui import __version__
from webui.infotext import told_scripts, told_units
from webui.infotext.fields import AFTER_MODELS, BEFORE_MODELS, EXTRAS
from webui.infotext.key import Key
from webui.infotext.pairs import EMBEDDINGS, FP8, LORAS, NEGATIVE_TEMPLATE, TEMPLATE, USER, join
from webui.infotext.picture_fields import HIRES, HIRES_MORE, MASKS
from webui.infotext.programs import DARKROOM
from webui.params import GenerationParams


@dataclass(frozen=True)
class ModelIdentity:
    """The checkpoint that drew a picture: its name and the first ten digits of its sha256, if known.

    The same of the VAE, where it was another than the checkpoint's own.
    """

    name: str
    hash: str | None
    vae: str | None = None
    vae_hash: str | None = None
    fp8: bool = False
    """Whether its weights were kept in 8 bits, which changes pictures."""
    refiner: str | None = None
    """The checkpoint that finished the picture: "name [hash]", or the name alone."""
    hires: str | None = None
    """The same of the one that drew the second pass of hires fix, where it was another."""


def write(
    params: GenerationParams,
    model: ModelIdentity,
    *,
    template: str | None = None,
    negative_template: str | None = None,
    user: str | None = None,
    loras: Mapping[str, str] | None = None,
    embeddings: Mapping[str, str] | None = None,
) -> str:
    """The text for one picture drawn by `model` from `params`, which hold the picture's own values.

    Those are prompt, negative prompt, seed, variation seed, and the schedule type that it was drawn with.
    The templates are the prompts as they were written, where wildcards changed them; `user` is who asked.
    `loras` and `embeddings` are the hashes of those that the prompts name.
    """
    pairs = {
        **_told(BEFORE_MODELS, params),
        "Model hash": model.hash,
        "Model": model.name,
        FP8: "Enable" if model.fp8 else None,
        "VAE hash": model.vae_hash,
        "VAE": model.vae,
        **_told(AFTER_MODELS, params),
        **_told(HIRES, params),
        "Hires checkpoint": model.hires if params.hires and params.hr_checkpoint_name else None,
        **_told((*HIRES_MORE, *MASKS), params),
        "Refiner": model.refiner if params.refiner_checkpoint else None,
        **_told(EXTRAS, params),
        **dict(told_units.facts(params.control)),
        **dict(told_scripts.facts(params.script)),
        LORAS: hashes(loras or {}),
        EMBEDDINGS: hashes(embeddings or {}),
        TEMPLATE: template or None,
        NEGATIVE_TEMPLATE: negative_template or None,
        "Version": f"{DARKROOM} {__version__}",
        USER: user or None,
    }
    return join(params.prompt, params.negative_prompt, pairs)


def _told(keys: tuple[Key, ...], params: GenerationParams) -> dict[str, str | None]:
    return {key.name: key.write(params) for key in keys}


def hashes(by_name: Mapping[str, str]) -> str | None:
    """Names and hashes in one value, as A1111 writes them; None where there are none."""
    return ", ".join(f"{name}: {digits}" for name, digits in by_name.items()) or None
