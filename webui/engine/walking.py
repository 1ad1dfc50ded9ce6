"""A model on its way: its prompts read, its UNet changed for the while, each step told and shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property

import torch
from torch import Tensor

from webui.engine import extra_inputs, token_merging
from webui.engine.batch import Batch
from webui.engine.company import NOBODY, Companion, Company, Visit
from webui.engine.conditioning import Conditioning, Interrupted
from webui.engine.control.steering import Steering
from webui.engine.decoding import Decoder
from webui.engine.denoiser import Denoiser
from webui.engine.encoding import PromptEncoder, Reading
from webui.engine.freeu import FreeU
from webui.engine.guidance import Guidance
from webui.engine.model import Model
from webui.engine.previews import PreviewBudget, PreviewDecoder, jpegs
from webui.engine.protocol import Observer
from webui.engine.regions import Shares
from webui.engine.sampling import SamplingState
from webui.engine.stepcache import StepCache
from webui.engine.tiling import Tiling
from webui.engine.token_merging import TokenMerging
from webui.engine.way import Way
from webui.params import GenerationParams

NO_STEP_CACHE = "The step cache was left out: units of ControlNet steer every layer at each step."
NOTHING_TO_MERGE = "Token merging changes nothing here: this model has no attention at full resolution."


class Walker:
    """One model on its ways. `fit_preview` makes the preview decoder, when first someone watches."""

    def __init__(
        self,
        model: Model,
        decoder: Decoder,
        fit_preview: Callable[[], PreviewDecoder],
        company: Company = NOBODY,
    ) -> None:
        self.encoder = PromptEncoder(model, company.tuner, company.embeddings)
        self._company = company
        self._model = model
        self._decoder = decoder
        self._fit_preview = fit_preview

    @cached_property
    def preview(self) -> PreviewDecoder:
        """The preview decoder, fitted when first it is asked for."""
        return self._fit_preview()

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
        try:
            conditioning = self._read(batch, way, state, observer)
        except Interrupted:
            return None
        observer.phase("sampling")
        observer.step(batch.number, way.shown(state), way.steps)
        height, width = state.x.shape[-2:]
        visit = Visit(self._model, self._decoder, batch, way, (height, width), conditioning, observer)
        with (
            self._company.joined(visit) as companions,
            at_work(self._model, self._changes(batch.params, companions, observer)) as before_each,
        ):
            denoise = self._denoiser(batch.params, way, state, conditioning, before_each, companions)
            for state in way.walk(state, denoise):  # noqa: B020
                observer.step(batch.number, way.shown(state), way.steps)
                if observer.interrupted() or observer.skipped():
                    return None
                self._show(denoise.latest, observer, budget)
                if way.share(state) >= until:
                    break
        return state

    def _read(self, batch: Batch, way: Way, state: SamplingState, observer: Observer) -> Conditioning:
        observer.phase("reading the prompt")
        reading = Reading.of(batch.params)
        height, width = state.x.shape[-2:]
        shares = Shares.of(batch.order, height, width, state.x.device)
        found = Conditioning(
            self.encoder, batch.prompts, way.evaluations, reading, observer.interrupted, batch.before, shares
        )
        for misfit in found.misfits:
            observer.notice(misfit)
        if batch.params.token_merging_ratio and not token_merging.usable(self._model.unet):
            observer.notice(NOTHING_TO_MERGE)
        return found

    def _changes(
        self, params: GenerationParams, companions: Sequence[Companion], observer: Observer
    ) -> GenerationParams:
        """How the UNet is to be changed: units of ControlNet are to be heard by all of it at each step."""
        steered = any(isinstance(companion, Steering) for companion in companions)
        if not steered or params.step_cache <= 1:
            return params
        observer.notice(NO_STEP_CACHE)
        return params.model_copy(update={"step_cache": 1})

    def _denoiser(
        self,
        params: GenerationParams,
        way: Way,
        state: SamplingState,
        conditioning: Conditioning,
        before_each: Callable[[], None],
        companions: Sequence[Companion],
    ) -> Denoiser:
        instructed = way.start is not None and extra_inputs.is_instructed(self._model)
        return Denoiser(
            self._model,
            conditioning,
            Guidance.of(params, way.sampler, way.guided, instructed=instructed),
            self._beside(way, state),
            way.table,
            state.done * way.sampler.evaluations,
            before_each,
            way.kept,
            companions,
        )

    def _beside(self, way: Way, state: SamplingState) -> Tensor | None:
        """What the UNet is given beside latents of the size of those in `state`."""
        model, start = self._model, way.start
        if start and start.beside:
            return start.beside(model)
        if start and extra_inputs.is_instructed(model):
            return extra_inputs.of_latents(model, start.latents)
        height, width = state.x.shape[-2:]
        return extra_inputs.without_picture(model, self._decoder, height, width)

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


@contextmanager
def at_work(model: Model, params: GenerationParams) -> Generator[Callable[[], None]]:
    """The UNet on its device and as `params` want it; what is given is to be called before it runs."""
    unet = model.unet
    with ExitStack() as changes:
        changes.enter_context(model.on_device("unet"))
        if params.tiling:
            changes.enter_context(Tiling(unet))
        if params.freeu:
            weights = params.freeu_b1, params.freeu_b2, params.freeu_s1, params.freeu_s2
            changes.enter_context(FreeU(unet, *weights))
        if params.token_merging_ratio:
            changes.enter_context(TokenMerging(unet, params.token_merging_ratio))
        yield changes.enter_context(StepCache(unet, params.step_cache)).next_step
