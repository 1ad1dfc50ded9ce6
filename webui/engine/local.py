"""The engine in this process, on one device."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from PIL import Image

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.config import Config
from webui.engine import memory
from webui.engine.annotators.service import Annotators
from webui.engine.conditioning import Interrupted
from webui.engine.devices import Placement, is_out_of_memory
from webui.engine.forms import Forms
from webui.engine.idle import IdleTimer
from webui.engine.manager import PipelineManager
from webui.engine.memory import Plan
from webui.engine.protocol import EngineError, MemoryReport, Observer, Order, Picture, Repair, Training
from webui.engine.studio import Helpers, Opener
from webui.engine.tiled_drawing import TiledDrawing
from webui.engine.upscaling.extras import Extras
from webui.engine.upscaling.faces import FaceRestorers
from webui.engine.upscaling.upscalers import TOO_LITTLE_MEMORY, Upscalers
from webui.imaging.preprocessors.built_in import weightless
from webui.imaging.preprocessors.table import Preprocessors
from webui.params import GenerationParams
from webui.params.scripts import SDUpscale
from webui.settings import SettingsStore

log = logging.getLogger(__name__)

Train = Callable[[Training, Placement, Observer], None]
"""Does a run of training; see `protocol.Engine.train`."""


class LocalEngine:
    """Implements `protocol.Engine`. One worker draws with it; the rest may be called from any thread."""

    def __init__(
        self,
        config: Config,
        settings: SettingsStore,
        catalog: Catalog,
        preprocessors: Preprocessors | None = None,
        train: Train | None = None,
        annotators: Annotators | None = None,
    ) -> None:
        """Prepare; no model is loaded yet.

        Args:
            config: the flags.
            settings: asked anew for each order.
            catalog: what else than their checkpoints orders need.
            preprocessors: what makes maps of control images. None: those that need no files.
            train: what does training runs. None: this engine does none.
            annotators: networks that `preprocessors` may load, to be told and unloaded with the engine's own.
        """
        # What has been imported stays for good: collections needn't look through it at each switch.
        gc.freeze()
        self._settings = settings
        self._catalog = catalog
        self._train = train
        self._annotators = annotators
        self._forms = Forms(config, settings)
        table = preprocessors or weightless()
        self._manager = PipelineManager(self._forms, catalog, config.cache_dir, table, hashing=config.hashing)
        self._upscalers = Upscalers(lambda: self._forms.placement, settings, self._manager.make_room)
        faces = FaceRestorers(config.models_dir, lambda: self._forms.placement)
        self._extras = Extras(self._upscalers, faces)
        self._sufficed: dict[object, Plan] = {}
        self._idle = IdleTimer(lambda: settings.get().idle_unload * 60, self._unload_own)

    def warm_up(self, checkpoint: ModelFile | None, report: Callable[[str], None]) -> None:
        """Load `checkpoint` and run each of its networks once: a process's first run is the slowest."""
        self._on_this_thread()
        if checkpoint is None:
            return
        report(f"loading {checkpoint.name}")
        order = Order(GenerationParams(), checkpoint, 0)
        with self._manager.open(order, self._forms.plan(order)) as studio:
            report(f"warming up {checkpoint.name}")
            studio.run_once()
        self._idle.begin()

    def draw(self, order: Order, observer: Observer) -> None:
        """Draw every picture of `order`; see `protocol.Engine.draw`.

        Where memory runs out, what isn't needed is freed and the rest is drawn more thriftily.
        """
        self._idle.stop()
        self._on_this_thread()
        params = order.params
        tiled = TiledDrawing(order, params.script) if isinstance(params.script, SDUpscale) else None
        placing = _Placing(observer, 1 if tiled else params.batch_size)
        kind = (order.checkpoint.path, order.largest, params.batch_size, self._settings.get())
        plan = planned = self._forms.plan(order)
        if kind in self._sufficed:
            plan = self._sufficed[kind]
            observer.notice(memory.describe(plan, planned))
        try:
            while not self._drawn(order, plan, placing, tiled):
                plan = self._thriftier(order, plan, observer)
                # So that the next job like it need not run out of memory first.
                self._sufficed = {kind: plan}
        finally:
            self._idle.begin()

    def _drawn(self, order: Order, plan: Plan, observer: _Placing, tiled: TiledDrawing | None) -> bool:
        """Whether it could be drawn; not so if memory ran out."""
        try:
            observer.phase("loading the checkpoint")
            with self._manager.open(order, plan) as studio:
                helpers = self._helpers(order, plan)
                if tiled:
                    tiled.draw(studio, observer, observer.place, helpers)
                else:
                    studio.draw(order, observer, observer.place, helpers)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            log.warning("Memory ran out: %s", str(error).splitlines()[:1])
            return False
        return True

    def _helpers(self, order: Order, plan: Plan) -> Helpers:
        def opener(checkpoint: ModelFile | None) -> Opener | None:
            return partial(self._manager.open_beside, order, plan, checkpoint) if checkpoint else None

        def enlarge(
            name: str, image: Image.Image, width: int, height: int, observer: Observer
        ) -> Image.Image:
            file = order.upscalers.get(name)
            return self._upscalers.enlarged(name, image, width, height, observer, file)

        return Helpers(opener(order.refiner), opener(order.hires_checkpoint), enlarge)

    def repair(self, repair: Repair, observer: Observer) -> None:
        """Enlarge or mend a picture; see `protocol.Engine.repair`."""
        self._idle.stop()
        self._on_this_thread()
        try:
            observer.picture(self._extras.repaired(repair, observer))
        except Interrupted:
            pass
        except Exception as error:
            if is_out_of_memory(error):
                raise EngineError(TOO_LITTLE_MEMORY) from error
            raise
        finally:
            self._idle.begin()

    def train(self, training: Training, observer: Observer) -> None:
        """Train; see `protocol.Engine.train`. All that is loaded for drawing makes room."""
        if self._train is None:
            raise EngineError("This engine draws only. Train with the server itself.")
        self._idle.stop()
        self._on_this_thread()
        self.unload()
        self._manager.make_room()
        try:
            self._train(training, self._forms.placement, observer)
        except Exception as error:
            if is_out_of_memory(error):
                raise EngineError(_too_small_to_train(training)) from error
            raise
        finally:
            self._manager.make_room()
            self._catalog.refresh()
            self._idle.begin()

    def _thriftier(self, order: Order, plan: Plan, observer: Observer) -> Plan:
        # Only here, behind the except block, is all let go that the failed try held.
        self._upscalers.unload()
        self._manager.make_room()
        thrifty = memory.thriftier(plan)
        if thrifty is None:
            self._sufficed = {}
            raise EngineError(memory.too_large(*order.largest, order.params.batch_size))
        observer.notice(memory.describe(thrifty, plan))
        return thrifty

    def _on_this_thread(self) -> None:
        """Streams, Triton and xformers go to the current GPU, which each thread has of its own."""
        if self._forms.device.type == "cuda":
            torch.cuda.set_device(self._forms.device)

    def preload(self, order: Order) -> None:
        """See `protocol.Engine.preload`."""
        if self._settings.get().preload:
            self._manager.preload(order)

    def load(self, order: Order) -> None:
        """See `protocol.Engine.load`."""
        try:
            self._manager.load(order, self._forms.plan(order))
            self._idle.begin()
        except Exception as error:
            if is_out_of_memory(error):
                raise EngineError(f"There isn't enough memory for {order.checkpoint.name}.") from error
            raise

    def unload(self, model: str | None = None) -> None:
        """See `protocol.Engine.unload`."""
        self._unload_own(model)
        if self._annotators:
            self._annotators.unload(model)

    def _unload_own(self, model: str | None = None) -> None:
        self._manager.unload(model)
        self._upscalers.unload(model)

    def memory(self) -> MemoryReport:
        """See `protocol.Engine.memory`."""
        report = self._manager.report()
        others = self._annotators.residents() if self._annotators else ()
        return replace(report, residents=report.residents + self._upscalers.residents() + others)


class _Placing:
    """An observer that passes everything on and keeps the place in the order."""

    def __init__(self, observer: Observer, batch_size: int) -> None:
        self._observer = observer
        self._batch_size = batch_size
        self.place = 0
        """How many of the order's pictures have been handed over or skipped."""
        self.phase = observer.phase
        self.notice = observer.notice
        self.wants_preview = observer.wants_preview
        self.preview = observer.preview
        self.interrupted = observer.interrupted
        self.skipped = observer.skipped

    def step(self, iteration: int, step: int, steps: int) -> None:
        """A step of batch number `iteration`."""
        self._observer.step(iteration, step, steps)
        self.place = max(self.place, (iteration - 1) * self._batch_size)

    def picture(self, picture: Picture) -> None:
        """One finished picture."""
        self._observer.picture(picture)
        self.place += 1


def _too_small_to_train(training: Training) -> str:
    name = training.order.checkpoint.name
    return (
        f'There isn\'t enough memory to train "{name}". Close other programs, or train a smaller checkpoint.'
    )
