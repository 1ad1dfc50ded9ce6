"""Which image encoder an IP-Adapter sees with, from what both headers tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.catalog.headers import HeaderError, read_header

Shapes = Mapping[str, tuple[int, ...]]

PROJECTION = "image_proj."
ENTRANCES = (("proj.weight", True), ("proj.0.weight", False), ("proj_in.weight", False))
"""The first layers of base, full-face and plus adapters, and whether they take the projected vector."""


class Sight(NamedTuple):
    """What of an image encoder's outputs an adapter takes."""

    width: int
    projected: bool
    """True: the one vector that is compared with texts. False: all patches', one layer before the last."""


ENCODERS = {
    Sight(1280, projected=False): "CLIP ViT-H/14",
    Sight(1024, projected=True): "CLIP ViT-H/14",
    Sight(1664, projected=False): "CLIP ViT-bigG/14",
    Sight(1280, projected=True): "CLIP ViT-bigG/14",
    Sight(1024, projected=False): "CLIP ViT-L/14",
    Sight(768, projected=True): "CLIP ViT-L/14",
}
"""The encoders that adapters were trained with, by what they give."""


def sight_of(projection: Shapes) -> Sight | None:
    """What an adapter takes whose projection has weights of these shapes; None: it is of an unknown kind."""
    for name, projected in ENTRANCES:
        if len(shape := projection.get(name, ())) == 2:
            return Sight(shape[1], projected)
    return None


def sights_of(shapes: Shapes) -> tuple[Sight, ...]:
    """What an encoder with weights of these shapes has to give; nothing if it is none."""
    names = ("vision_model.embeddings.class_embedding", "visual.class_embedding")
    width = next((shapes[name][-1] for name in names if shapes.get(name)), 0)
    if not width:
        return ()
    hidden = Sight(width, projected=False)
    # OpenCLIP keeps the matrix turned.
    projected = shapes.get("visual_projection.weight") or shapes.get("visual.proj", ())[::-1]
    return (hidden, Sight(projected[0], projected=True)) if len(projected) == 2 else (hidden,)


def encoder_of(catalog: Catalog, adapter: ModelFile) -> ModelFile | None:
    """The first usable encoder in the model folders that gives what `adapter` takes; None: there is none."""
    sight = _sight(adapter)
    files = (file for file in catalog.files("clip-vision") if not file.problem)
    return next((file for file in files if sight in sights_of(_shapes(file))), None)


def encoder_needed(adapter: ModelFile) -> str:
    """What is to be done where the encoder of `adapter` isn't there."""
    sight = _sight(adapter)
    what = f" ({ENCODERS[sight]})" if sight and sight in ENCODERS else ""
    return (
        f'The IP-Adapter "{adapter.name}" needs the CLIP image encoder that it was trained with{what}, and '
        "there is none. Put its .safetensors file into models/clip_vision, or download it in the Models tab."
    )


def _sight(adapter: ModelFile) -> Sight | None:
    """What an adapter takes."""
    return sight_of({name.removeprefix(PROJECTION): shape for name, shape in _shapes(adapter).items()})


def _shapes(file: ModelFile) -> Shapes:
    try:
        return {name: tensor.shape for name, tensor in read_header(file.path).tensors.items()}
    except (HeaderError, OSError):
        return {}
