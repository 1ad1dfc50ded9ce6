"""Which VAE file decodes for a checkpoint: the one named, else as A1111 chooses, else its family's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from webui.catalog.entry import CLASSIC, COMPLETED, Family, ModelFile
from webui.catalog.naming import best_match
from webui.params import InvalidParamsError

AUTOMATIC = "automatic"
OWN = "none"
BESIDE = (".vae.safetensors", ".vae.pt", ".vae.ckpt")
CHANNELS: dict[Family, int] = {**dict.fromkeys(CLASSIC, 4), "sd3": 16, "flux": 16}
"""How many channels a family's latents have."""
WORDS: dict[Family, re.Pattern[str]] = {
    "sd3": re.compile(r"sd[-_ .]?3|stable[-_ ]?diffusion[-_ ]?3", re.IGNORECASE),
    "flux": re.compile(r"flux|(^|/)ae\.", re.IGNORECASE),
}
"""What in a VAE's name speaks of a family; headers don't. BFL's file is called `ae.safetensors`."""
SOURCES: dict[Family, tuple[str, str]] = {
    "sd3": (
        "SD 3's VAE (sd3_vae.safetensors)",
        "stabilityai/stable-diffusion-3.5-large:vae/diffusion_pytorch_model.safetensors (wants a login)",
    ),
    "flux": (
        "Flux's VAE (ae.safetensors)",
        "Comfy-Org/Lumina_Image_2.0_Repackaged:split_files/vae/ae.safetensors",
    ),
}
"""A family's VAE with the usual name of its file, and where the Hub has it."""


def choose_vae(vaes: Sequence[ModelFile], name: str, checkpoint: ModelFile) -> ModelFile | None:
    """The one of `vaes` that `name` means for `checkpoint`, see `Catalog.find_vae`; None: its own.

    Raises:
        InvalidParamsError: there is no such VAE file, it can't be used or doesn't fit, or one is needed.
    """
    if name.lower() not in (AUTOMATIC, OWN):
        return _named(vaes, name, checkpoint)
    if not takes_vae(checkpoint):
        return None
    found = _automatic(vaes, checkpoint) if name.lower() == AUTOMATIC else None
    if found is None and not checkpoint.identity.has_vae:
        raise InvalidParamsError("vae", without_vae(vaes, checkpoint))
    return found


def takes_vae(checkpoint: ModelFile) -> bool:
    """Whether a VAE file can decode for it. Folders that diffusers draws with keep to their own."""
    family = checkpoint.identity.family
    return family in ("", *CLASSIC) or (family in COMPLETED and not checkpoint.folder)


def without_vae(vaes: Sequence[ModelFile], checkpoint: ModelFile) -> str:
    """What to do about a checkpoint that holds no VAE, where none of `vaes` was chosen for it."""
    holds_none = f'"{checkpoint.name}" holds no VAE'
    if checkpoint.identity.family not in SOURCES or _of_the_family(vaes, checkpoint):
        return f"{holds_none}. Choose one under SD VAE."
    what, source = SOURCES[checkpoint.identity.family]
    return (
        f"{holds_none}. Put {what} into models/VAE, or download it as a VAE in the Models tab under "
        f'"Get models": {source}.'
    )


def _named(vaes: Sequence[ModelFile], name: str, checkpoint: ModelFile) -> ModelFile:
    vae = best_match(vaes, name)
    if vae is None:
        known = ", ".join(model.name for model in vaes[:10]) or "none"
        raise InvalidParamsError("vae", f'There is no VAE "{name}" in models/VAE. Found: {known}.')
    if vae.problem:
        raise InvalidParamsError("vae", vae.problem)
    if not takes_vae(checkpoint):
        told = f'"{checkpoint.name}" decodes with its own VAE only. Set SD VAE to Automatic.'
        raise InvalidParamsError("vae", told)
    if not _fits(vae, checkpoint):
        raise InvalidParamsError("vae", _misfit(vae, checkpoint))
    return vae


def _fits(vae: ModelFile, checkpoint: ModelFile) -> bool:
    """Whether its latents have the channels of the checkpoint's, as far as both tell."""
    told, needed = vae.identity.latent_channels, CHANNELS.get(checkpoint.identity.family, 0)
    return not told or not needed or told == needed


def _misfit(vae: ModelFile, checkpoint: ModelFile) -> str:
    told, needed = vae.identity.latent_channels, CHANNELS[checkpoint.identity.family]
    return (
        f'The VAE "{vae.name}" doesn\'t fit "{checkpoint.name}": it decodes latents of {told} channels, and '
        f"that model's have {needed}. Choose another under SD VAE, or Automatic."
    )


def _automatic(vaes: Sequence[ModelFile], checkpoint: ModelFile) -> ModelFile | None:
    found = _called_like_it(vaes, checkpoint)
    return found or (None if checkpoint.identity.has_vae else _family_vae(vaes, checkpoint))


def _called_like_it(vaes: Sequence[ModelFile], checkpoint: ModelFile) -> ModelFile | None:
    """The fitting VAE of the checkpoint's name: the one beside it, else any."""
    usable = [vae for vae in vaes if vae.problem is None and _fits(vae, checkpoint)]
    for ending in BESIDE:
        beside = checkpoint.path.parent / f"{checkpoint.stem}{ending}"
        if found := next((vae for vae in usable if vae.path == beside), None):
            return found
    same = (checkpoint.stem, f"{checkpoint.stem}.vae")
    return next((vae for vae in usable if vae.stem in same), None)


def _family_vae(vaes: Sequence[ModelFile], checkpoint: ModelFile) -> ModelFile | None:
    """Of SD 3's or Flux's VAEs one whose name says so, else the only one that may be."""
    family = checkpoint.identity.family
    fitting = _of_the_family(vaes, checkpoint)
    spoken = {vae.name: [each for each, words in WORDS.items() if words.search(vae.name)] for vae in fitting}
    if named := [vae for vae in fitting if family in spoken[vae.name]]:
        return named[0]
    silent = [vae for vae in fitting if not spoken[vae.name]]
    return silent[0] if len(silent) == 1 else None


def _of_the_family(vaes: Sequence[ModelFile], checkpoint: ModelFile) -> list[ModelFile]:
    """Those whose channels an SD 3 or Flux checkpoint needs; SD 3's and Flux's have the same."""
    if checkpoint.identity.family not in COMPLETED:
        return []
    needed = CHANNELS[checkpoint.identity.family]
    return [vae for vae in vaes if vae.problem is None and vae.identity.latent_channels == needed]
