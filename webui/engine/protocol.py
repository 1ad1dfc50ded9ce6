"""What an engine is to those who call it. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from PIL import Image

from webui.catalog.entry import ModelFile
from webui.engine.samplers.table import find_sampler
from webui.imaging.masks import mask_of_alpha
from webui.imaging.views import WHOLE, View
from webui.params import GenerationParams
from webui.params.control import ControlUnit
from webui.params.extras import ExtrasParams
from webui.params.regions import Region
from webui.params.training import TrainParams
from webui.prompting.prepared import PicturePrompt

TRANSPARENT = "transparent parts"
"""Stands for the mask's name where the init image brings the mask itself."""


class EngineError(Exception):
    """Drawing failed for a reason a person can act on; the text is that sentence."""


@dataclass(frozen=True)
class Inputs:
    """The pictures that an order starts from, as `imaging.reading` gives them: RGB or RGBA, upright."""

    image: Image.Image | None = None
    """What img2img starts from; for hires fix, the finished first pass. Of its own size still."""
    mask: Image.Image | None = None
    """L, of the picture's size: white where it is to change. None: all of it, or its transparent parts."""
    detail_mask: Image.Image | None = None
    """L: what the detailer's "Mask" finds."""


@dataclass(frozen=True)
class Control:
    """A ControlNet unit that has a say, its names resolved and its pictures opened."""

    unit: ControlUnit
    image: Image.Image
    """RGB or RGBA, of its own size; the unit's preprocessor has not seen it yet."""
    model: ModelFile | None = None
    """ControlNet, T2I- or IP-Adapter. None: its preprocessor steers by itself, as reference does."""
    mask: Image.Image | None = None
    """L, of any size: white where the unit has a say, or for inpaint preprocessors what is to change."""
    named: str = ""
    """What infotexts call the model: "name [hash]". Empty: as the unit does."""

    @property
    def told(self) -> ControlUnit:
        """The unit as infotexts tell it."""
        return self.unit.model_copy(update={"model": self.named}) if self.named else self.unit


@dataclass(frozen=True)
class Order:
    """A job as the engine sees it: the seed is settled, the checkpoint found."""

    params: GenerationParams
    checkpoint: ModelFile
    seed: int
    """Seed of the first picture; the others count up from it."""
    vae: ModelFile | None = None
    """The file that decodes instead of the checkpoint's own VAE."""
    subseed: int = 0
    """Variation seed of the first picture, settled; the others count up from it."""
    refiner: ModelFile | None = None
    """The checkpoint that takes over at `params.refiner_switch_at`."""
    prompts: tuple[PicturePrompt, ...] = ()
    """One for each picture; none where they all have those of `params`."""
    inputs: Inputs = Inputs()
    hires_checkpoint: ModelFile | None = None
    """What draws the second pass of hires fix, if not the checkpoint."""
    upscalers: Mapping[str, ModelFile] = field(default_factory=dict[str, ModelFile])
    """The files behind the names of upscalers in `params`; those that need no file aren't in it."""
    controls: tuple[Control, ...] = ()
    """The units that steer, in their order; those that aren't enabled are left out."""
    region_masks: tuple[Image.Image | None, ...] = ()
    """L, of any size, one for each of `params.regions`; None: it is a rectangle. Empty: all are."""
    view: View = WHOLE
    """The part of the picture that is drawn: a tile, what is masked alone, what hires fix keeps."""

    @property
    def largest(self) -> tuple[int, int]:
        """Width and height of the largest pass, in pixels: what memory must suffice for."""
        params, first = self.params, self.inputs.image
        drawn = (params.width, params.height)
        if not params.hires:
            return drawn
        second = params.hires_size(first.size if first else None)
        return max(drawn, second, key=lambda size: size[0] * size[1])

    def prompt_of(self, place: int) -> PicturePrompt:
        """What is said of picture number `place`, from 0."""
        own = self.prompts[place] if self.prompts else None
        return own or PicturePrompt.asked(self.params)

    def told(self, place: int, scheduler: str) -> GenerationParams:
        """What is written into picture number `place`: its own seeds and prompts, and the schedule's name."""
        said, (seed, subseed) = self.prompt_of(place), self.seeds_of(place)
        own = {**said.texts, "seed": seed, "subseed": subseed, "mask": self.params.mask or self._masked_by}
        listed = {
            "regions": self._told_regions(said.regions),
            "control": tuple(control.told for control in self.controls),
        }
        # Not through validation: what was drawn is told, be it longer than what may be asked for.
        schedules = {"scheduler": scheduler, "hr_scheduler": self._second_schedule(scheduler)}
        return self.params.model_copy(update={**own, **listed, **schedules, "styles": ()})

    def _told_regions(self, prompts: tuple[str, ...]) -> tuple[Region, ...]:
        """The regions with one picture's prompts. Masks are told as the rectangles around them."""
        masks = self.region_masks or (None,) * len(self.params.regions)
        told = zip(self.params.regions, prompts, masks, strict=True)
        return tuple(_told_region(*each) for each in told)

    def _second_schedule(self, first: str) -> str:
        """The name of the second pass's schedule; empty: it is `first`, the first pass's.

        "Automatic" may mean another one there, since it is the sampler's own.
        """
        params = self.params
        if not params.hires:
            return params.hr_scheduler
        sampler = find_sampler(params.hr_sampler_name or params.sampler_name)
        second = sampler.schedule_name(params.hr_scheduler or params.scheduler)
        return "" if second == first else second

    @property
    def _masked_by(self) -> str:
        """What masks a picture though no mask was named; empty: nothing does."""
        image, mask = self.inputs.image, self.inputs.mask
        if not self.params.init_images or image is None:
            return ""
        return TRANSPARENT if mask or mask_of_alpha(image) else ""

    def seeds_of(self, place: int) -> tuple[int, int]:
        """Seed and variation seed of picture number `place`. Where noises are mixed, the seed stays."""
        return self.seed + (0 if self.params.subseed_strength else place), self.subseed + place


def _told_region(region: Region, prompt: str, mask: Image.Image | None) -> Region:
    if mask is None:
        return region.model_copy(update={"prompt": prompt})
    box = mask.getbbox()
    if box is None:  # it covers nothing
        return region.model_copy(update={"prompt": prompt, "mask": "", "weight": 0.0})
    shares = View.of(box, mask.size)
    own = {"x": shares.left, "y": shares.top, "width": shares.width, "height": shares.height}
    return region.model_copy(update={"prompt": prompt, "mask": "", **own})


@dataclass(frozen=True)
class Picture:
    """A finished picture, RGB, and what its infotext needs beside the params."""

    image: Image.Image
    seed: int
    infotext: str


@dataclass(frozen=True)
class Repair:
    """A picture to be enlarged or mended without drawing: what the Extras tab does."""

    image: Image.Image
    extras: ExtrasParams
    upscalers: Mapping[str, ModelFile] = field(default_factory=dict[str, ModelFile])
    """The files behind the names of upscalers; those that need no file aren't in it."""
    infotext: str = ""
    """What the picture brought; the repair's own keys are added."""


@dataclass(frozen=True)
class TrainingPicture:
    """A picture to learn from, and what it shows."""

    file: Path
    caption: str


@dataclass(frozen=True)
class Training:
    """A run that teaches the order's checkpoint something. What the order asks for is its sample picture."""

    order: Order
    train: TrainParams
    pictures: tuple[TrainingPicture, ...]
    folder: Path
    """Where the run keeps what it needs to go on."""
    result: Path
    """The file that it makes."""


@dataclass(frozen=True)
class Resident:
    """A part of a model that is loaded."""

    model: str
    """The name of the checkpoint or other model file that it belongs to."""
    part: str
    """unet, transformer, vae, text_encoder, text_encoder_2, ..., lora, upscaler, annotator."""
    size: int
    """Bytes."""
    place: Literal["RAM", "VRAM"]
    in_use: bool


@dataclass(frozen=True)
class MemoryReport:
    """What is loaded, and how much room there is, in bytes. Without a GPU the VRAM's are 0."""

    device: str
    """"CPU", or the GPU's name."""
    precision: str
    """What is computed in: fp32, bf16, fp16."""
    residents: tuple[Resident, ...]
    ram_total: int
    ram_free: int
    ram_budget: int
    vram_total: int = 0
    vram_free: int = 0
    vram_budget: int = 0


class Observer(Protocol):
    """Who watches a picture being made. Called on the engine's thread; must return at once."""

    def phase(self, text: str) -> None:
        """What is being done now: "loading the checkpoint", "sampling", "decoding"."""
        ...

    def step(self, iteration: int, step: int, steps: int) -> None:
        """`step` of `steps` is done in batch number `iteration` (both count from 1)."""
        ...

    def notice(self, text: str) -> None:
        """Something the person should know of this job: a sentence, shown beside the picture."""
        ...

    def wants_preview(self) -> bool:
        """Whether anyone looks; no preview is made where nobody does."""
        ...

    def preview(self, jpegs: list[bytes]) -> None:
        """The predicted clean pictures of the batch, as they look now."""
        ...

    def picture(self, picture: Picture) -> None:
        """One finished picture."""
        ...

    def interrupted(self) -> bool:
        """Whether to stop now. What is finished stays."""
        ...

    def skipped(self) -> bool:
        """Whether to leave this batch and go on with the next. Asking takes the wish back."""
        ...


class Engine(Protocol):
    """Draws pictures, one order at a time, on one device."""

    def warm_up(self, checkpoint: ModelFile | None, report: Callable[[str], None]) -> None:
        """Make ready for the first order; `report` hears what is being done."""
        ...

    def draw(self, order: Order, observer: Observer) -> None:
        """Draw every picture of `order`.

        Raises:
            EngineError: it can't be done; the text says why and the way out.
        """
        ...

    def repair(self, repair: Repair, observer: Observer) -> None:
        """Do what Extras are asked for, and hand over one picture. Steps are tiles.

        Raises:
            EngineError: it can't be done; the text says why and the way out.
        """
        ...

    def train(self, training: Training, observer: Observer) -> None:
        """Train, from where the run has stopped before; told to stop, it keeps what is needed to go on.

        Raises:
            EngineError: it can't be done; the text says why and the way out.
        """
        ...

    def preload(self, order: Order) -> None:
        """Begin to read what `order` needs, on a thread of its own; may be called from any thread."""
        ...

    def load(self, order: Order) -> None:
        """Read what `order` needs now. From any thread.

        Raises:
            EngineError: it can't be loaded; the text says why.
        """
        ...

    def unload(self, model: str | None = None) -> None:
        """Let go what is loaded of `model` (None: of all), as far as it isn't in use. From any thread."""
        ...

    def memory(self) -> MemoryReport:
        """What is loaded now. From any thread."""
        ...
