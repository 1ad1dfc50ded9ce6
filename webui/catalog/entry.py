"""What the catalog knows of a file or folder in the model folders. Nothing here reads a disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal[
    "checkpoint",
    "vae",
    "lora",
    "controlnet",
    "t2i-adapter",
    "ip-adapter",
    "clip-vision",
    "annotator",
    "embedding",
    "hypernetwork",
    "upscaler",
    "text-encoder",
    "diffusion-model",
    "tokenizer",
    "other",
]
"""What a file is for. "other": foreign, broken or unknown.

"diffusion-model" is a UNet or transformer alone, "checkpoint" whatever pictures can be drawn with: also the
transformers alone that SD 3 and Flux are published as, since text encoders and VAE beside them complete them.

"tokenizer" is T5's, which can be downloaded but is no model: the catalog lists none.
"""

Family = Literal["", "sd1", "sd2", "sdxl", "sdxl-refiner", "sd3", "flux", "other"]
"""The architecture. "other": one that diffusers' own pipeline draws with. "": unknown, or it has none."""

COMPLETED: tuple[Family, ...] = ("sd3", "flux")
"""The families whose single files may lack text encoders and VAE, which are then taken from beside."""

CLASSIC: tuple[Family, ...] = ("sd1", "sd2", "sdxl", "sdxl-refiner")
"""The Stable Diffusion families with a UNet. All others are drawn by diffusers' own pipelines."""

Variant = Literal["", "inpaint", "pix2pix", "union", "control-lora"]
"""Which inputs a UNet takes beside the latents: none, mask and masked picture (9), a picture (8).

Of ControlNets "union" takes maps of several kinds, "control-lora" completes itself with a checkpoint's UNet.
"""

Layout = Literal["original", "diffusers", ""]
"""Names of the weights: as in the first release of the family (one file), or as diffusers names them."""

Prediction = Literal["epsilon", "v_prediction"]

DIFFUSERS_WEIGHTS = "diffusion_pytorch_model"


@dataclass(frozen=True)
class Identity:
    """What the header of a file, or the JSON files of a folder, tell.

    `problem` says in a sentence why it can't be used: truncated, foreign, a pickle that holds code.
    """

    kind: Kind = "other"
    family: Family = ""
    variant: Variant = ""
    layout: Layout = ""
    dtype: str = ""
    """The number format of most of the weights: fp32, fp16, bf16, fp8, ..."""
    pipeline: str = ""
    """A folder's `_class_name` in model_index.json."""
    prediction: Prediction | None = None
    """None: nothing in the file tells."""
    zero_snr: bool | None = None
    has_vae: bool = True
    has_text_encoder: bool = True
    latent_channels: int = 0
    """Of a VAE: how many channels the latents have that it decodes. 0: it doesn't tell, or is no VAE."""
    context: int = 0
    """How wide the text is that its UNet listens to, or the UNet that it was made for. 0: it doesn't tell."""
    channels: int = 0
    """How many features that UNet's first level has. 0: it doesn't tell."""
    vectors: int = 0
    """Of an embedding: how many tokens it takes the room of."""
    alias: str = ""
    """Of a LoRA: what it was called in training, which A1111's prompts may name it by."""
    problem: str | None = None


@dataclass(frozen=True)
class ModelSettings:
    """What a person has set for one model in the Models tab. None: follows the file.

    `defaults` holds fields of GenerationParams (vae, sampler_name, scheduler, steps, width, height,
    cfg_scale, clip_skip).
    """

    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    prediction: Prediction | None = None
    zero_snr: bool | None = None
    notes: str = ""


@dataclass(frozen=True)
class Usage:
    """How a network is to be used in prompts, as the files beside it tell."""

    activation: str = ""
    """The words that go into the prompt with it."""
    weight: float | None = None
    """The weight that it goes with. None: nothing is told."""
    negative: str = ""
    """The words that go into the negative prompt with it."""
    trained: tuple[str, ...] = ()
    """All that it was trained with, of which some may be wanted."""


@dataclass(frozen=True)
class ModelFile:
    """One file or diffusers folder. `problem` says in a sentence why it can't be used, if so."""

    name: str
    """Its path inside its model folder, with "/": what the picker shows, `anime/foo.safetensors`."""
    path: Path
    kind: Kind = "checkpoint"
    identity: Identity = Identity()
    folder: bool = False
    """Whether it is in diffusers' folder format."""
    problem: str | None = None
    size: int = 0
    """Bytes; of a folder, those of its weights."""
    modified: float = 0.0
    created: float = 0.0
    """When it came to be where it lies, as far as the file system tells; both in seconds since 1970."""
    sha256: str | None = None
    """Of the file (of a folder: of its UNet's or transformer's weights); None until it has been computed."""
    thumbnail: Path | None = None
    description: str = ""
    settings: ModelSettings = ModelSettings()
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    """Fields of GenerationParams to begin with: the architecture's, then its card's, then `settings`'."""
    examples: tuple[str, ...] = ()
    usage: Usage = Usage()

    @property
    def stem(self) -> str:
        """The name that infotexts tell: without folders and extension.

        Weights that diffusers has written are all called alike, so that their folder's name tells.
        """
        if self.path.stem.startswith(DIFFUSERS_WEIGHTS) and not self.folder:
            return self.path.parent.name
        return self.path.name if self.folder else self.path.stem

    @property
    def short_hash(self) -> str | None:
        """A1111's: the first ten hex digits of the sha256."""
        return self.sha256[:10] if self.sha256 else None

    @property
    def prediction(self) -> Prediction | None:
        """What the UNet predicts, if anyone has said so."""
        return self.settings.prediction or self.identity.prediction

    @property
    def zero_snr(self) -> bool | None:
        """Whether it was trained to a terminal signal-to-noise ratio of zero, if anyone has said so."""
        return self.identity.zero_snr if self.settings.zero_snr is None else self.settings.zero_snr
