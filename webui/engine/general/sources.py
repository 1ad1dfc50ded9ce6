"""Where the networks of a single file lie: in the file itself, or in others beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from webui.engine.general.shapes import Shapes
from webui.engine.protocol import EngineError

TRANSFORMERS = ("model.diffusion_model.", "diffusion_model.", "")
VAES = ("first_stage_model.", "vae.", "")
ENCODERS = (
    "text_encoders.clip_l.transformer.",
    "text_encoders.clip_g.transformer.",
    "text_encoders.t5xxl.transformer.",
)
CLIP_SIGN = "text_model.embeddings.token_embedding.weight"
T5_SIGN = "encoder.block.0.layer.0.SelfAttention.q.weight"

SCALES = (".scale_weight", ".weight_scale", ".input_scale")


@dataclass(frozen=True)
class Source:
    """The tensors of `path` whose names begin with `prefix`; `shapes` are theirs, without the prefix."""

    path: Path
    prefix: str
    shapes: Shapes

    @property
    def is_scaled(self) -> bool:
        """Whether its 8-bit weights must be multiplied by numbers beside them, which diffusers doesn't do."""
        return any(name.endswith(SCALES) for name in self.shapes)

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


def source(path: Path, prefixes: tuple[str, ...], *signs: str) -> Source | None:
    """The part of a file that holds one of the tensors `signs` behind one of `prefixes`; None: there is none.

    Raises:
        EngineError: the file is no .safetensors file, or damaged.
    """
    return _within(path, read_shapes(path), prefixes, *signs)


def _within(path: Path, shapes: Shapes, prefixes: tuple[str, ...], *signs: str) -> Source | None:
    for prefix in prefixes:
        if any(prefix + sign in shapes for sign in signs):
            own = {
                name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)
            }
            return Source(path, prefix, own)
    return None


def text_encoders(own: Path, beside: Iterable[Path]) -> list[Source]:
    """The CLIP and T5 encoders in `own`, then those that `beside` are, as far as they are .safetensors files.

    Raises:
        EngineError: `own` or one of them is damaged.
    """
    shapes = read_shapes(own)
    found = [_within(own, shapes, (prefix,), CLIP_SIGN, T5_SIGN) for prefix in ENCODERS]
    readable = (path for path in beside if path.suffix.lower() in (".safetensors", ".sft"))
    found += [source(path, ("",), CLIP_SIGN, T5_SIGN) for path in readable]
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
