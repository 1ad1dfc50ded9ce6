"""The pipeline manager: opens checkpoints, from parts that are loaded already or by loading them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import psutil
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.engine.adapters.hashes import LoraHashes
from webui.engine.adapters.networks import Networks
from webui.engine.adapters.wardrobe import Wardrobe
from webui.engine.cache import PartCache
from webui.engine.company import Company
from webui.engine.control.join import Controls
from webui.engine.control.loading import wanted_of as wanted_control
from webui.engine.decoding import Decoder
from webui.engine.devices import DTYPES
from webui.engine.forms import Forms
from webui.engine.general.beside import Beside
from webui.engine.held import Held, PartKey, Wanted
from webui.engine.identities import Identities
from webui.engine.image_prompts.join import ImagePrompts
from webui.engine.lending import lender
from webui.engine.memory import Plan
from webui.engine.opening import Opening, open_studio
from webui.engine.parts import MAIN, wanted_of
from webui.engine.protocol import MemoryReport, Order
from webui.engine.storage import trim
from webui.engine.studio import Studio
from webui.engine.words import Embeddings
from webui.imaging.preprocessors.table import Preprocessors
from webui.infotext import ModelIdentity

log = logging.getLogger(__name__)


class PipelineManager:
    """Opens checkpoints for one device. `open` is for one thread; the rest may be called from any.

    `hashing`: whether infotexts tell the hash of a checkpoint, which may have to be computed.
    """

    def __init__(
        self,
        forms: Forms,
        catalog: Catalog,
        cache_dir: Path,
        preprocessors: Preprocessors,
        *,
        hashing: bool = True,
    ) -> None:
        self._forms = forms
        self._catalog = catalog
        self._cache_dir = cache_dir
        self._identities = Identities(catalog, hashing=hashing)
        self._cache = PartCache(forms.device, lambda: forms.budget(self._plan), self._forget)
        self._studios: dict[Any, Studio] = {}
        lend = lender(self._cache)
        self._controls = Controls(
            lend, lambda file, checkpoint: self._control(self._plan, file, checkpoint), preprocessors
        )
        self._wardrobe = Wardrobe(catalog, lambda: forms.lora_budget)
        self._lora_hashes = LoraHashes(self._wardrobe.find, hashing=hashing)
        networks = Networks(self._wardrobe)
        self._image_prompts = ImagePrompts(catalog, lend)
        self._company = Company(
            # The units last: a reference has the UNet run as the others have made it.
            joins=(networks.joined, self._image_prompts.join, self._controls.join),
            tuner=networks,
            embeddings=Embeddings(lambda: catalog.files("embedding"), self._identities.sha256),
            lora_hashes=self._lora_hashes.of,
        )
        self._plan = Plan()
        self._order: Order | None = None
        self._ahead: threading.Thread | None = None
        self._next: Order | None = None

    @contextmanager
    def open(self, order: Order, plan: Plan) -> Generator[Studio]:
        """The studio of an order's checkpoint, its parts not let go before the end of the block.

        Raises:
            EngineError: it can't be loaded; the text says why.
        """
        self._plan, self._order = plan, order
        self._identities.begin(order)
        said = order.prompts or (order.prompt_of(0),)
        self._lora_hashes.begin(text for each in said for text in (*each.texts.values(), *each.regions))
        with self._studio(order, plan) as studio, self._held(self._beside_unet(order, plan)):
            yield studio

    @contextmanager
    def _held(self, wanted: Iterable[Wanted]) -> Generator[None]:
        """Networks beside the checkpoint's, not let go in the block. Several may be the same part."""
        with ExitStack() as stack:
            for each in wanted:
                stack.enter_context(self._cache.lease([each]))
            yield

    def _beside_unet(self, order: Order, plan: Plan) -> Iterator[Wanted]:
        return self._controls.networks(order, partial(self._control, plan))

    def _control(self, plan: Plan, file: ModelFile, checkpoint: ModelFile) -> Wanted:
        form = self._forms.form_of(checkpoint, plan)("unet")
        return wanted_control(file, checkpoint, form, self._forms.device)

    @contextmanager
    def open_beside(self, order: Order, plan: Plan, checkpoint: ModelFile) -> Generator[Studio]:
        """The studio of another checkpoint that has a part in `order`: its refiner, or what draws hires fix.

        Infotexts go on telling of the order's own.

        Raises:
            EngineError: it can't be loaded; the text says why.
        """
        with self._studio(replace(order, checkpoint=checkpoint, refiner=None), plan) as studio:
            yield studio

    @contextmanager
    def _studio(self, order: Order, plan: Plan) -> Generator[Studio]:
        file, wanted = order.checkpoint, self._wanted(order, plan)
        with self._cache.lease(wanted) as held:
            # What people set for a model or its family changes how the same parts are used.
            uses = (file.prediction, file.zero_snr, self._forms.t5_tokenizer)
            key = (tuple(part.key for part in held.values()), uses)
            studio = self._studios.get(key)
            if studio is None:
                studio = self._studios[key] = self._opened(order, wanted, held)
            vae = held.get("vae")
            if vae and hasattr(vae.module, "use_tiling"):
                cast(Any, vae.module).use_tiling = plan.vae_tiling
            yield studio

    def _opened(self, order: Order, wanted: list[Wanted], held: dict[str, Held]) -> Studio:
        main = next((held[part] for part in MAIN if part in held), next(iter(held.values())))
        opening = Opening(
            order.checkpoint,
            self._beside(order),
            {part: each.module for part, each in held.items()},
            replace(self._forms.placement, dtype=main.key.form.dtype),
            lambda part: self._cache.on_device(held[part]),
            lambda: self._decoder(wanted),
            self._identity,
            self._cache_dir / "previews",
            self._company,
            self._wardrobe,
        )
        return open_studio(opening)

    def _identity(self) -> ModelIdentity:
        """Of what draws now: a studio serves many orders, and the file's hash may be known by the next."""
        assert self._order is not None
        return self._identities.of(self._order, fp8=self._plan.fp8)

    def _decoder(self, wanted: list[Wanted]) -> Decoder:
        vae = next(each for each in wanted if each.key.part == "vae")

        @contextmanager
        def lend(dtype: torch.dtype) -> Generator[AutoencoderKL]:
            other = vae.in_form(replace(vae.key.form, dtype=dtype))
            with self._cache.lease([other]) as held, self._cache.on_device(held["vae"]):
                yield cast(AutoencoderKL, held["vae"].module)

        return Decoder(lend, vae.key.form.dtype, lambda: self._plan.vae_tiling)

    def _wanted(self, order: Order, plan: Plan) -> list[Wanted]:
        file, device = order.checkpoint, self._forms.device
        return wanted_of(file, self._beside(order), device, self._forms.form_of(file, plan))

    def _beside(self, order: Order) -> Beside:
        encoders = [file for file in self._catalog.files("text-encoder") if not file.problem]
        return Beside(tuple(encoders), order.vae, self._forms.t5_tokenizer)

    def _forget(self, gone: PartKey) -> None:
        for key in [key for key in tuple(self._studios) if gone in key[0]]:
            self._studios.pop(key, None)

    def preload(self, order: Order) -> None:
        """Begin to load what `order` needs on a thread of its own, if there is room beside what is in use.

        A newer wish takes the place of one that has not begun yet.
        """
        self._next = order
        if self._ahead is None or not self._ahead.is_alive():
            self._ahead = threading.Thread(target=self._load_ahead, name="preload", daemon=True)
            self._ahead.start()

    def load(self, order: Order, plan: Plan) -> None:
        """Load what `order` needs.

        Raises:
            EngineError: it can't be loaded; the text says why.
        """
        with self._cache.lease(self._wanted(order, plan)), self._held(self._beside_unet(order, plan)):
            pass

    def _load_ahead(self) -> None:
        while order := self._next:
            self._next = None
            self._load_if_it_fits(order)

    def _load_if_it_fits(self, order: Order) -> None:
        try:
            plan = self._forms.plan(order)
            if self._cache.fits([*self._wanted(order, plan), *self._beside_unet(order, plan)]):
                self.load(order, plan)
        except Exception as error:
            # The job itself will meet this again and say it to its owner.
            log.info("Preloading %s failed: %s", order.checkpoint.name, error)

    def unload(self, model: str | None = None) -> None:
        """Let go the parts of `model` (None: of all) that aren't in use."""
        self._cache.unload(model)
        self._wardrobe.unload(model)
        self._image_prompts.forget()

    def make_room(self) -> None:
        """Free all memory that isn't needed this moment, after it has run out."""
        self._cache.leave_vram()
        trim()

    def report(self) -> MemoryReport:
        """What is loaded now, and how much room there is."""
        ram, budget, device = psutil.virtual_memory(), self._forms.budget(self._plan), self._forms.device
        report = MemoryReport(
            device="CPU",
            precision=next(name for name, dtype in DTYPES.items() if dtype == self._forms.placement.dtype),
            residents=self._cache.residents() + self._wardrobe.residents(),
            ram_total=ram.total,
            ram_free=ram.available,
            ram_budget=budget.ram,
        )
        if device.type != "cuda":
            return report
        free, total = torch.cuda.mem_get_info(device)
        name = torch.cuda.get_device_name(device)
        return replace(report, device=name, vram_total=total, vram_free=free, vram_budget=budget.vram)
