"""One order, from prompt to finished pictures, on a model of the Stable Diffusion families."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import cached_property

import torch
from torch import Tensor

from webui import infotext
from webui.engine import token_merging
from webui.engine.batch import Batch, batches
from webui.engine.conditioning import Conditioning, Interrupted
from webui.engine.decoding import Decoder
from webui.engine.denoiser import Denoiser
from webui.engine.encoding import PromptEncoder, Reading
from webui.engine.freeu import FreeU
from webui.engine.guidance import Guidance
from webui.engine.model import Model
from webui.engine.previews import PreviewBudget, PreviewDecoder, jpegs
from webui.engine.protocol import EngineError, Observer, Order, Picture
from webui.engine.sampling import SamplingState
from webui.engine.stepcache import StepCache
from webui.engine.studio import Refiner
from webui.engine.tiling import Tiling
from webui.engine.token_merging import TokenMerging
from webui.engine.way import Way
from webui.infotext import ModelIdentity
from webui.params import GenerationParams
from webui.prompting.prepared import PicturePrompt

NOTHING_TO_MERGE = "Token merging changes nothing here: this model has no attention at full resolution."
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
    ) -> None:
        self.model = model
        self.encoder = PromptEncoder(model)
        self.decoder = decoder
        self._identity = identity
        self._fit_preview = fit_preview

    @cached_property
    def preview(self) -> PreviewDecoder:
        """The preview decoder, fitted when first someone watches."""
        return self._fit_preview()

    @torch.inference_mode()
    def draw(
        self, order: Order, observer: Observer, already: int = 0, refiner: Refiner | None = None
    ) -> None:
        """Draw the pictures of `order` after the first `already`; stops between steps when told to.

        Raises:
            EngineError: the model gave no usable picture, or the refiner doesn't go with it.
        """
        budget = PreviewBudget()
        for batch in batches(order, already):
            latents = self._sample(batch, observer, budget, refiner)
            if latents is not None:
                self._develop(batch, latents, observer, already)
            if observer.interrupted():
                return

    def _sample(
        self, batch: Batch, observer: Observer, budget: PreviewBudget, refiner: Refiner | None
    ) -> Tensor | None:
        """The latents of one batch, or None if it was interrupted or skipped."""
        way = Way.of(self.model, batch)
        until = batch.params.refiner_switch_at if refiner else 1.0
        state = self.advance(batch, way, way.begin(), observer, budget, until)
        if state is None or refiner is None or way.over(state):
            return None if state is None else way.finished(state)
        observer.phase("loading the refiner")
        with refiner() as second:
            if not isinstance(second, ClassicStudio) or not _alike(self.model, second.model):
                raise EngineError(_foreign_refiner(batch.order))
            state = second.advance(batch, way, state, observer, budget)
        return None if state is None else way.finished(state)

    def advance(
        self,
        batch: Batch,
        way: Way,
        state: SamplingState,
        observer: Observer,
        budget: PreviewBudget,
        until: float = 1.0,
    ) -> SamplingState | None:
        """Walk from `state` to the end of the way, or past the share `until` of it; None: told to stop."""
        params = batch.params
        try:
            conditioning = self._read(batch, way, observer)
        except Interrupted:
            return None
        guidance, beside = Guidance.of(params, way.sampler), self._beside(batch.order)
        observer.phase("sampling")
        observer.step(batch.number, way.shown(state), way.steps)
        with self._at_work(params) as before_each:
            asked = state.done * way.sampler.evaluations
            denoise = Denoiser(self.model, conditioning, guidance, beside, way.table, asked, before_each)
            for state in way.walk(state, denoise):  # noqa: B020
                observer.step(batch.number, way.shown(state), way.steps)
                if observer.interrupted() or observer.skipped():
                    return None
                self._show(denoise.latest, observer, budget)
                if way.share(state) >= until:
                    break
        return state

    def _read(self, batch: Batch, way: Way, observer: Observer) -> Conditioning:
        observer.phase("reading the prompt")
        reading = Reading.of(batch.params)
        found = Conditioning(self.encoder, batch.prompts, way.evaluations, reading, observer.interrupted)
        if found.networks:
            observer.notice(_not_applied(found))
        if batch.params.token_merging_ratio and not token_merging.usable(self.model.unet):
            observer.notice(NOTHING_TO_MERGE)
        return found

    @contextmanager
    def _at_work(self, params: GenerationParams) -> Generator[Callable[[], None]]:
        """The UNet on its device and as `params` want it; what is given is to be called before it runs."""
        unet = self.model.unet
        with ExitStack() as changes:
            changes.enter_context(self.model.on_device("unet"))
            if params.tiling:
                changes.enter_context(Tiling(unet))
            if params.freeu:
                weights = params.freeu_b1, params.freeu_b2, params.freeu_s1, params.freeu_s2
                changes.enter_context(FreeU(unet, *weights))
            if params.token_merging_ratio:
                changes.enter_context(TokenMerging(unet, params.token_merging_ratio))
            yield changes.enter_context(StepCache(unet, params.step_cache)).next_step

    def _beside(self, order: Order) -> Tensor | None:
        """What an inpainting UNet is given where there is no picture: all of a grey one is masked."""
        model = self.model
        if model.extra_channels <= 0:
            return None
        size = (1, 3, order.params.height, order.params.width)
        grey = self.decoder.encode(torch.zeros(size, device=model.placement.device))
        mask = torch.ones_like(grey[:, :1])
        return torch.cat([mask, grey], 1) if model.extra_channels > model.latent_channels else grey * 0

    def _show(self, latents: Tensor | None, observer: Observer, budget: PreviewBudget) -> None:
        if latents is None or not observer.wants_preview() or not budget.allows():
            return
        if latents.is_cuda:
            # Else the time that the step itself still takes on the GPU would be counted as the preview's.
            torch.cuda.synchronize(latents.device)
        preview = self.preview
        begun = time.perf_counter()
        observer.preview(jpegs(preview.fitting(latents)(latents)))
        budget.spend(time.perf_counter() - begun)

    def _develop(self, batch: Batch, latents: Tensor, observer: Observer, already: int) -> None:
        """Decode and hand over a batch, one picture at a time: the decoder is what needs most memory."""
        observer.phase("decoding")
        for place, row in zip(batch.places, latents.split(1), strict=True):
            if place < already:
                continue
            image = self.decoder.decode(row, observer.notice, seamless=batch.params.tiling)
            said = batch.order.prompt_of(place)
            text = infotext.write(
                batch.order.told(place, Way.schedule_of(batch.params)),
                self._identity(),
                template=said.template,
                negative_template=said.negative_template,
            )
            observer.picture(Picture(image, batch.order.seeds_of(place)[0], text))

    @torch.inference_mode()
    def run_once(self) -> None:
        """Run each of the networks once: a process's first run is the slowest."""
        model = self.model
        side = WARM_UP_SIDE
        latents = torch.zeros(1, model.latent_channels, side, side, device=model.placement.device)
        conditioning = Conditioning(self.encoder, [PicturePrompt("", "")])
        beside = latents.new_zeros(1, model.extra_channels, side, side) if model.extra_channels else None
        with model.on_device("unet"):
            clean = Denoiser(model, conditioning, Guidance(2.0), beside)(latents, 1.0)
        self.preview.fitting(clean)(clean)
        self.decoder.decode(torch.zeros_like(latents))


def _alike(model: Model, other: Model) -> bool:
    """Whether both know the same latents: SDXL's are its own."""
    return model.family.startswith("sdxl") == other.family.startswith("sdxl") and (
        model.latent_channels == other.latent_channels
    )


def _foreign_refiner(order: Order) -> str:
    name = order.refiner.name if order.refiner else ""
    return (
        f'"{name}" can\'t refine pictures of "{order.checkpoint.name}": they are of different families. '
        "Choose another refiner, or none."
    )


def _not_applied(conditioning: Conditioning) -> str:
    tags = ", ".join(f"<{network.kind}:{network.name}>" for network in conditioning.networks[:5])
    return f"This version can't apply what the prompt names with {tags}; it was left out."
