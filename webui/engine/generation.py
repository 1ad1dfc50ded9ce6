"""One order, from prompt or picture to finished pictures, on a model of the Stable Diffusion families."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from PIL import Image
from torch import Tensor

from webui import infotext
from webui.catalog.entry import ModelFile
from webui.engine.batch import Batch, batches
from webui.engine.company import NOBODY, Company
from webui.engine.conditioning import Conditioning
from webui.engine.decoding import Decoder
from webui.engine.denoiser import Denoiser
from webui.engine.detailing import detailed
from webui.engine.encoding import PromptEncoder
from webui.engine.extra_inputs import without_picture
from webui.engine.guidance import Guidance
from webui.engine.hires import second_pass
from webui.engine.inpainting import Ground
from webui.engine.model import Model
from webui.engine.passes import Passes
from webui.engine.previews import PreviewBudget, PreviewDecoder
from webui.engine.protocol import EngineError, Inputs, Observer, Order, Picture
from webui.engine.sampling import SamplingState
from webui.engine.sources import Scene
from webui.engine.start import Start
from webui.engine.studio import ALONE, Helpers, Opener
from webui.engine.walking import Walker
from webui.engine.way import Way
from webui.infotext import ModelIdentity
from webui.params.detailer import NO_DETAILER
from webui.prompting.prepared import PicturePrompt

NOTHING_MASKED = "Nothing is masked, so that the picture was left as it is. Paint over what is to change."
WARM_UP_SIDE = 16
"""In latents: small, since a full-size UNet takes seconds for a whole picture on a CPU."""


class ClassicStudio:
    """A model with what is kept ready beside it. Draws with our own samplers."""

    def __init__(
        self,
        model: Model,
        identity: Callable[[], ModelIdentity],
        decoder: Decoder,
        fit_preview: Callable[[], PreviewDecoder],
        company: Company = NOBODY,
    ) -> None:
        self.model = model
        self.decoder = decoder
        self._walker = Walker(model, decoder, fit_preview, company)
        self.advance = self._walker.advance
        self._identity = identity
        self._company = company

    @property
    def encoder(self) -> PromptEncoder:
        """What encodes prompts for it."""
        return self._walker.encoder

    @property
    def preview(self) -> PreviewDecoder:
        """The preview decoder, fitted when first someone watches."""
        return self._walker.preview

    @torch.inference_mode()
    def draw(self, order: Order, observer: Observer, already: int = 0, helpers: Helpers = ALONE) -> None:
        """Draw the pictures of `order` after the first `already`; stops between steps when told to.

        Raises:
            EngineError: the model gave no usable picture, or the refiner doesn't go with it.
        """
        ground = self._ground(order, observer) if order.params.init_images else None
        if ground:
            order = replace(order, view=order.view.part(ground.scene.view))
        budget = PreviewBudget()
        for batch in batches(order, already):
            for place, image in self._images(batch, ground, observer, budget, helpers, already):
                observer.picture(self._told(order, place, image))
            if observer.interrupted():
                return

    def _ground(self, order: Order, observer: Observer) -> Ground:
        scene = Scene.of(order.inputs, order.params)
        if scene.unmasked:
            observer.notice(NOTHING_MASKED)
        return Ground(self.model, self.decoder, scene, order.params, observer.notice)

    def _images(
        self,
        batch: Batch,
        ground: Ground | None,
        observer: Observer,
        budget: PreviewBudget,
        helpers: Helpers,
        already: int,
    ) -> Iterator[tuple[int, Image.Image]]:
        """The finished pictures of a batch after the first `already`; none if it was interrupted or skipped.

        One at a time: the decoder is what needs most memory.
        """
        passes = Passes(observer, batch.params.steps_ahead)
        drawn = self._drawn(batch, ground, passes, budget, helpers)
        for place, one in zip(batch.places, drawn or (), strict=bool(drawn)):
            if place < already:
                continue
            image = one if isinstance(one, Image.Image) else self._decoded(batch, one, passes)
            if ground and isinstance(one, Tensor):
                image = ground.put_back(image, one)
            scene = ground.scene if ground else None
            if batch.params.detailer != NO_DETAILER and not (scene and scene.unmasked):
                image = detailed(self, batch, place, image, passes, budget, helpers.detectors, scene)
            yield place, image

    def _drawn(
        self,
        batch: Batch,
        ground: Ground | None,
        observer: Passes,
        budget: PreviewBudget,
        helpers: Helpers,
    ) -> Drawn | None:
        """What comes of each picture's passes, or None if the batch was interrupted or skipped."""
        params = batch.params
        if ground and (ground.scene.unmasked or not params.denoising_strength):
            return [ground.scene.picture] * len(batch.places)
        if params.hires and batch.order.inputs.image:
            return second_pass(self, batch, None, observer, budget, helpers)
        start = self._start(batch, ground, observer)
        # With hires fix the refiner is the second pass's, as in A1111.
        refiner = None if params.hires else helpers.refiner
        latents = self.walked(batch, Way.of(self.model, batch, start), observer, budget, refiner)
        if latents is not None and params.hires:
            return second_pass(self, batch, latents, observer, budget, helpers)
        return None if latents is None else latents.split(1)

    def _start(self, batch: Batch, ground: Ground | None, observer: Observer) -> Start | None:
        if ground is None:
            return None
        observer.phase("reading the picture")
        return ground.start(batch)

    def walked(
        self, batch: Batch, way: Way, observer: Observer, budget: PreviewBudget, refiner: Opener | None = None
    ) -> Tensor | None:
        """The latents at the end of `way`, with the refiner's help; None: told to stop."""
        until = batch.params.refiner_switch_at if refiner else 1.0
        state: SamplingState | None = way.begin()
        if way.share(state) < until:
            state = self.advance(batch, way, state, observer, budget, until)
        if state is not None and refiner and not way.over(state):
            observer.phase("loading the refiner")
            with self.joined(refiner, batch.order.refiner) as second:
                state = second.advance(batch, way, state, observer, budget)
        return None if state is None else way.finished(state)

    @contextmanager
    def joined(
        self, opener: Opener, checkpoint: ModelFile | None, doing: str = "refine"
    ) -> Generator[ClassicStudio]:
        """The studio that goes on with what this one drew; `doing` says to people what it does with that.

        Raises:
            EngineError: it can't be loaded, or it knows other latents.
        """
        with opener() as second:
            if not isinstance(second, ClassicStudio) or not _alike(self.model, second.model):
                raise EngineError(_foreign(self.model.checkpoint, checkpoint, doing))
            yield second

    def inpainted(
        self, image: Image.Image, mask: Image.Image, batch: Batch, observer: Observer, budget: PreviewBudget
    ) -> Image.Image | None:
        """`image` with what is white in `mask` drawn anew; None: told to stop.

        Args:
            image: RGB, of any size.
            mask: L, of the same size. Outside it and its blur nothing changes.
            batch: of one picture; its params say how to draw, and whether the masked part alone.
            observer: is told of the steps.
            budget: for previews.
        """
        scene = Scene.of(Inputs(image, mask), batch.params)
        if scene.unmasked or not batch.params.denoising_strength:
            return image
        ground = Ground(self.model, self.decoder, scene, batch.params, observer.notice)
        way = Way.of(self.model, batch, self._start(batch, ground, observer))
        latents = self.walked(batch, way, observer, budget)
        return None if latents is None else ground.put_back(self._decoded(batch, latents, observer), latents)

    def _decoded(self, batch: Batch, latents: Tensor, observer: Observer) -> Image.Image:
        observer.phase("decoding")
        return self.decoder.decode(latents, observer.notice, seamless=batch.params.tiling)

    def _told(self, order: Order, place: int, image: Image.Image) -> Picture:
        """A picture with what is written into it."""
        params, said = order.params, order.prompt_of(place)
        texts = [*said.texts.values(), *said.regions]
        text = infotext.write(
            order.told(place, Way.schedule_of(params)),
            self._identity(),
            template=said.template,
            negative_template=said.negative_template,
            loras=self._company.lora_hashes(texts),
            embeddings=self.encoder.vocabulary.hashes(texts, params.emphasis, params.steps),
        )
        return Picture(image, order.seeds_of(place)[0], text)

    @torch.inference_mode()
    def run_once(self) -> None:
        """Run each of the networks once: a process's first run is the slowest."""
        model, side = self.model, WARM_UP_SIDE
        latents = torch.zeros(1, model.latent_channels, side, side, device=model.placement.device)
        conditioning = Conditioning(self.encoder, [PicturePrompt("", "")])
        beside = without_picture(model, self.decoder, side, side)
        with model.on_device("unet"):
            clean = Denoiser(model, conditioning, Guidance(2.0), beside)(latents, 1.0)
        self.preview.fitting(clean)(clean)
        self.decoder.decode(torch.zeros_like(latents))


Drawn = Sequence[Tensor | Image.Image]
"""Of each picture the latents, (1, channels, height, width), or the picture itself where it is whole."""


def _alike(model: Model, other: Model) -> bool:
    """Whether both know the same latents: SDXL's are its own."""
    return model.family.startswith("sdxl") == other.family.startswith("sdxl") and (
        model.latent_channels == other.latent_channels
    )


def _foreign(checkpoint: ModelFile, other: ModelFile | None, doing: str) -> str:
    return (
        f'"{other.name if other else ""}" can\'t {doing} pictures of "{checkpoint.name}": they are of '
        "different families. Choose another, or none."
    )
