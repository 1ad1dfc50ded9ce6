"""From what a scan found to what people see: each file as a ModelFile, with its problem and its defaults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from webui.catalog.defaults import native_defaults
from webui.catalog.diffusers_folder import Seen, describe_folder
from webui.catalog.entry import Identity, Kind, ModelFile, ModelSettings
from webui.catalog.folders import belongs_into
from webui.catalog.identify import identify
from webui.catalog.scan import Found
from webui.catalog.side_words import Words, read_words
from webui.params import GenerationParams

SPOKEN: dict[Kind, str] = {
    "checkpoint": "a checkpoint",
    "vae": "a VAE",
    "lora": "a LoRA",
    "controlnet": "a ControlNet",
    "t2i-adapter": "a T2I-Adapter",
    "ip-adapter": "an IP-Adapter",
    "clip-vision": "a CLIP image encoder",
    "annotator": "a preprocessor's network",
    "embedding": "an embedding",
    "hypernetwork": "a hypernetwork",
    "upscaler": "an upscaler",
    "text-encoder": "a text encoder",
    "diffusion-model": "a UNet or transformer without text encoder and VAE",
    "other": "no kind of model that Darkroom knows",
}


def look(found: Found) -> Seen:
    """Read the header of the file, or the folder's JSON files. Never raises."""
    if found.is_folder:
        return describe_folder(Path(found.path), found.name)
    if found.stamp is None:
        return Seen(Identity(problem="is a link to a file that isn't there."))
    try:
        return Seen(identify(Path(found.path)))
    except OSError as error:
        return Seen(Identity(problem=f"can't be read: {error.strerror or error}."), lasting=False)


def make(found: Found, seen: Seen, name: str, settings: ModelSettings, sha256: str | None) -> ModelFile:
    """The ModelFile for what was found and seen; `name` is the one that no other file of its kind has."""
    words = read_words(found.sides)
    identity = _completed(seen.identity, words)
    kind = kind_of(found, identity)
    path = Path(found.path)
    model = ModelFile(
        name=name,
        path=path,
        kind=kind,
        identity=identity,
        folder=found.is_folder,
        problem=_problem(found, identity, kind, name),
        size=found.stamp.size if found.stamp else 0,
        modified=found.stamp.mtime_ns / 1e9 if found.stamp else 0.0,
        created=_created(path),
        sha256=sha256,
        thumbnail=words.thumbnail,
        description=words.description,
        settings=settings if settings.notes else replace(settings, notes=words.notes),
        examples=words.examples,
        usage=words.usage,
    )
    native = (
        native_defaults(identity, model.stem, model.prediction, seen.size) if kind == "checkpoint" else {}
    )
    return replace(model, defaults=_usable({**native, **words.defaults}, settings.defaults))


def _created(path: Path) -> float:
    try:
        return path.stat().st_ctime
    except OSError:
        return 0.0


def _completed(identity: Identity, words: Words) -> Identity:
    return replace(
        identity,
        family=identity.family or words.family,
        prediction=words.prediction or identity.prediction,
        zero_snr=identity.zero_snr if words.zero_snr is None else words.zero_snr,
    )


def kind_of(found: Found, identity: Identity) -> Kind:
    """The list that the file appears in: of its own kind where that belongs there, else of the folder's."""
    kinds = found.folder.kinds
    if identity.kind in kinds or _is_side_vae(found, identity):
        return identity.kind
    return kinds[0]


def _is_side_vae(found: Found, identity: Identity) -> bool:
    """Whether it is a VAE that lies beside checkpoints by intention: `anime.vae.safetensors`."""
    return identity.kind == "vae" and ".vae." in found.name.lower() and "checkpoint" in found.folder.kinds


def _problem(found: Found, identity: Identity, kind: Kind, name: str) -> str | None:
    if found.is_folder:
        if kind == "checkpoint" or identity.problem:
            return identity.problem
    elif identity.problem:
        return f'"{name}" {identity.problem}'
    if identity.kind == kind:
        return None
    where = belongs_into(identity.kind)
    return f'"{name}" is {SPOKEN[identity.kind]}; it belongs into models/{where}.'


def _usable(told: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """What was told and set, together; where that is too much at once, what was told."""
    try:
        GenerationParams().completed({**told, **own})
        return {**told, **own}
    except ValidationError:
        return told
