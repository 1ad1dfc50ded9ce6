"""In which form each part of a checkpoint is held: from flags, settings, the machine and a memory plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psutil
import torch

from webui.catalog.entry import CLASSIC, ModelFile
from webui.catalog.folders import T5_TOKENIZER
from webui.config import Config
from webui.engine import memory
from webui.engine.cache import Budget
from webui.engine.control.loading import size_of
from webui.engine.devices import Placement, choose_device, place
from webui.engine.general.tokenizers import holds_t5
from webui.engine.held import Form
from webui.engine.memory import Plan
from webui.engine.parts import MAIN, FormOf, sizes
from webui.engine.protocol import Order
from webui.engine.trial import Preference, preferred
from webui.settings import Settings, SettingsStore


class Forms:
    """What flags and settings ask for on this machine. Asked anew for each order: settings change."""

    def __init__(self, config: Config, settings: SettingsStore) -> None:
        self._config = config
        self._settings = settings
        self.device: torch.device = choose_device(config)
        on_cpu = self.device.type == "cpu"
        self._trial = preferred(config.cache_dir / "trial.json") if on_cpu else Preference()
        self._free_at_start = psutil.virtual_memory().available

    @property
    def placement(self) -> Placement:
        """Device, number format and memory layout, as the settings are now."""
        return place(self.device, self._config, self._settings.get(), self._trial)

    @property
    def t5_tokenizer(self) -> Path | None:
        """The folder with T5's tokenizer: the one named in the settings, else the downloaded one if there."""
        if named := self._settings.get().t5_tokenizer:
            return Path(named).expanduser()
        downloaded = self._config.models_dir / T5_TOKENIZER
        return downloaded if holds_t5(downloaded) else None

    @property
    def lora_budget(self) -> int:
        """Bytes of LoRAs to keep that have been read."""
        return int(self._settings.get().lora_cache * 2**30)

    def form_of(self, file: ModelFile, plan: Plan) -> FormOf:
        """The form that each part of `file` is to be held in, as the settings are at this moment."""
        settings, placement = self._settings.get(), self.placement
        dtype = self._dtype(file, settings, placement.dtype)

        def form(part: str) -> Form:
            main = part in MAIN
            return Form(
                torch.float32 if part == "vae" and self._config.no_half_vae else dtype,
                channels_last=placement.channels_last and part in ("unet", "vae"),
                fp8=main and plan.fp8,
                attention=plan.attention if main else "SDPA",
                compiled=main and settings.compile_blocks,
                streamed=main and plan.placement == "Group offload",
            )

        return form

    def _dtype(self, file: ModelFile, settings: Settings, dtype: torch.dtype) -> torch.dtype:
        if dtype != torch.float16 or settings.precision != "Automatic" or file.identity.family in CLASSIC:
            return dtype
        # What later families were trained in; fp16 overflows in them.
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float32

    def plan(self, order: Order) -> Plan:
        """How to hold and run an order's checkpoint, given the memory there is."""
        settings, (width, height) = self._settings.get(), order.largest
        if settings.memory_mode == "Automatic":
            settings = settings.model_copy(update={"memory_mode": self._config.memory_mode})
        plan = memory.choose(
            settings,
            free=self._usable(),
            sizes=self._sizes(order),
            width=width,
            height=height,
            # For a picture two rows are reckoned, its prompt's and the negative one's.
            batch=-(-order.params.batch_size * (2 + len(order.params.regions)) // 2),
            device_type=self.device.type,
        )
        if self._config.xformers and settings.attention == "Automatic":
            return replace(plan, attention="xformers")
        return plan

    def _sizes(self, order: Order) -> dict[str, int]:
        """About how many bytes the parts of an order's checkpoint take, and the networks that steer it."""
        checkpoint = order.checkpoint
        itemsize = 4 if self.device.type == "cpu" else 2
        known = sizes(checkpoint, self.device.type) or {"main": checkpoint.size}
        models = [control.model for control in order.controls if control.model]
        return known | {file.name: size_of(file, checkpoint, itemsize) for file in models}

    def _usable(self) -> int:
        """Bytes that a drawing may take, loaded models counted as free: a plan doesn't depend on the last."""
        if self.device.type == "cuda":
            free, total = torch.cuda.mem_get_info(self.device)
            ours = torch.cuda.memory_reserved(self.device)
            return min(free + ours, self._limits(total)[1] + int(memory.GPU_RESERVE))
        return self._free_at_start

    def budget(self, plan: Plan) -> Budget:
        """How much of loaded models to keep; in VRAM only what works, unless all is kept there."""
        if self.device.type == "cpu":
            return Budget(self._limits(0)[0])
        total = torch.cuda.mem_get_info(self.device)[1]
        ram, vram = self._limits(total)
        room = min(vram, max(0, total - plan.working))
        return Budget(ram, room if plan.placement == "Keep all loaded" else 0)

    def _limits(self, vram_total: int) -> tuple[int, int]:
        return memory.limits(
            self._settings.get(), self._config, ram_available=self._free_at_start, vram_total=vram_total
        )
