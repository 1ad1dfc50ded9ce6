"""Where the networks of a single file lie: in the file itself, or in others beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from webui.engine.general.shapes import Shapes
from webui.engine.protocol import EngineError

TRANSFORMERS = ("model.diffusion_model.", "")
VAES = ("first_stage_model.", "vae.", "")
ENCODERS = (
    "text_encoders.clip_l.transformer.",
    "text_encoders.clip_g.transformer.",
    "text_encoders.t5xxl.transformer.",
)
CLIP_SIGN = "text_model.embeddings.token_embedding.weight"
T5_SIGN = "encoder.block.0.layer.0.SelfAttention.q.weight"


@dataclass(frozen=True)
class Source:
    """The tensors of `path` whose names begin with `prefix`; `shapes` are theirs, without the prefix."""

    path: Path
    prefix: str
    shapes: Shapes

    def weights(self) -> dict[str, Tensor]:
        """The tensors on the CPU, by name without the prefix: windows into the file, read when used.

        Raises:
            EngineError: the file can't be read any more.
        """
        try:
            with safe_open(self.path, framework="pt", device="cpu") as opened:
                return {name: opened.get_tensor(self.prefix + name) for name in self.shapes}
        except (SafetensorError, OSError) as error:
            raise EngineError(f"{self.path.name} can't be read: {error}") from error


def source(path: Path, prefixes: tuple[str, ...], sign: str) -> Source | None:
    """The part of a file that holds a tensor `sign` behind one of `prefixes`; None: there is none.

    Raises:
        EngineError: the file is no .safetensors file, or damaged.
    """
    shapes = read_shapes(path)
    for prefix in prefixes:
        if prefix + sign in shapes:
            own = {
                name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)
            }
            return Source(path, prefix, own)
    return None


def text_encoders(own: Path, beside: Iterator[Path]) -> list[Source]:
    """The CLIP and T5 encoders in `own`, then those that `beside` are."""
    found = [source(own, (prefix,), sign) for prefix in ENCODERS for sign in (CLIP_SIGN, T5_SIGN)]
    found += [source(path, ("",), sign) for path in beside for sign in (CLIP_SIGN, T5_SIGN)]
    return [each for each in found if each]


def read_shapes(path: Path) -> Shapes:
    """The shape of each tensor in a file, from its header.

    Raises:
        EngineError: it is no .safetensors file, or damaged.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as opened:
            return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise EngineError(
            f"{path.name} can't be read as .safetensors, the only format for SD 3 and Flux: {error}"
        ) from error
