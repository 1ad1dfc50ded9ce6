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
from webui.engine.cache import Budget, Form
from webui.engine.devices import Placement, choose_device, place
from webui.engine.general.tokenizers import holds_t5
from webui.engine.memory import Plan
from webui.engine.parts import MAIN, sizes
from webui.engine.protocol import Order
from webui.engine.trial import preferred
from webui.engine.weights import WeightsError
from webui.settings import SettingsStore


class Forms:
    """What flags and settings ask for on this machine. Asked anew for each order: settings change."""

    def __init__(self, config: Config, settings: SettingsStore) -> None:
        self._config = config
        self._settings = settings
        self.device: torch.device = choose_device(config)
        self._trial = preferred(config.cache_dir / "trial.json")
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

    def form(self, file: ModelFile, plan: Plan, part: str) -> Form:
        """The form that `part` of `file` is to be held in."""
        placement, settings = self.placement, self._settings.get()
        main = part in MAIN
        return Form(
            self._dtype(file, part, placement.dtype),
            channels_last=placement.channels_last and part in ("unet", "vae"),
            fp8=main and plan.fp8,
            attention=plan.attention if main else "SDPA",
            compiled=main and settings.compile_blocks,
            streamed=main and plan.placement == "Group offload",
        )

    def _dtype(self, file: ModelFile, part: str, dtype: torch.dtype) -> torch.dtype:
        if part == "vae" and self._config.no_half_vae:
            return torch.float32
        automatic = self._settings.get().precision == "Automatic"
        if dtype == torch.float16 and automatic and file.identity.family not in CLASSIC:
            return torch.bfloat16  # what later families were trained in; fp16 overflows in them
        return dtype

    def plan(self, order: Order) -> Plan:
        """How to hold and run an order's checkpoint, given the memory there is."""
        params, settings = order.params, self._settings.get()
        if settings.memory_mode == "Automatic":
            settings = settings.model_copy(update={"memory_mode": self._config.memory_mode})
        plan = memory.choose(
            settings,
            free=self._usable(),
            sizes=self._sizes(order.checkpoint),
            width=params.width,
            height=params.height,
            batch=params.batch_size,
            device_type=self.device.type,
        )
        if self._config.xformers and settings.attention == "Automatic":
            return replace(plan, attention="xformers")
        return plan

    def _sizes(self, file: ModelFile) -> dict[str, int]:
        try:
            return sizes(file, self.placement.dtype.itemsize)
        except (WeightsError, OSError):  # loading it will say why
            return {"main": file.size}

    def _usable(self) -> int:
        """Bytes that a drawing may take: what is free, and what loaded models would give back."""
        if self.device.type == "cuda":
            free, total = torch.cuda.mem_get_info(self.device)
            ours = torch.cuda.memory_reserved(self.device)
            return min(free + ours, self._limits(total)[1] + int(memory.GPU_RESERVE))
        return psutil.virtual_memory().available

    def budget(self, plan: Plan | None = None) -> Budget:
        """How much of loaded models to keep. Under model offload only what works stays in VRAM."""
        total = torch.cuda.mem_get_info(self.device)[1] if self.device.type == "cuda" else 0
        ram, vram = self._limits(total)
        return Budget(ram, 0 if plan and plan.placement == "Model offload" else vram)

    def _limits(self, vram_total: int) -> tuple[int, int]:
        return memory.limits(
            self._settings.get(), self._config, ram_available=self._free_at_start, vram_total=vram_total
        )
