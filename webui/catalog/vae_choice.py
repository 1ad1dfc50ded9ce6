"""Which VAE file decodes for a checkpoint where nobody has named one, as A1111 chooses."""

from __future__ import annotations

from collections.abc import Iterable

from webui.catalog.entry import ModelFile

AUTOMATIC = "automatic"
OWN = "none"
BESIDE = (".vae.safetensors", ".vae.pt", ".vae.ckpt")


def matching_vae(vaes: Iterable[ModelFile], checkpoint: ModelFile) -> ModelFile | None:
    """The usable VAE called like the checkpoint: the one beside it, else any; None: there is none."""
    usable = [vae for vae in vaes if vae.problem is None]
    for ending in BESIDE:
        beside = checkpoint.path.parent / f"{checkpoint.stem}{ending}"
        if found := next((vae for vae in usable if vae.path == beside), None):
            return found
    same = (checkpoint.stem, f"{checkpoint.stem}.vae")
    return next((vae for vae in usable if vae.stem in same), None)
