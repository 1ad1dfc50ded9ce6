"""The settings: what the Settings tab shows and changes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import ValidationError

from webui.api.fields import FormView, describe, refused, unknown_field
from webui.settings import Settings, SettingsStore

MAX_BODY = 2**16
GROUPS = {
    "Speed": ("precision", "channels_last", "attention", "compile_blocks"),
    "Memory": (
        "memory_mode",
        "fp8_storage",
        "vae_tiling",
        "ram_budget",
        "vram_budget",
        "lora_cache",
        "idle_unload",
    ),
    "Models": ("preload", "t5_tokenizer"),
    "ControlNet": ("control_net_unit_count",),
    "Training": ("train_turn",),
    "Upscaling": ("ESRGAN_tile", "ESRGAN_tile_overlap"),
    "Saving images": (
        "samples_format",
        "grid_format",
        "jpeg_quality",
        "webp_lossless",
        "enable_pnginfo",
        "save_txt",
        "keep_inputs_days",
    ),
}
"""Heading -> the settings under it. What stands under none comes last, under "Other"."""


def build_settings_router(settings: SettingsStore) -> APIRouter:
    """The routes, over the settings' store."""
    router = APIRouter(max_body_size=MAX_BODY)

    @router.get("/api/v1/settings", tags=["settings"])
    def read() -> FormView:  # pyright: ignore[reportUnusedFunction]
        """All settings: titles, descriptions, choices, limits, and what they are set to."""
        return view(settings.get())

    @router.put("/api/v1/settings", tags=["settings"])
    def change(changes: dict[str, Any]) -> FormView:  # pyright: ignore[reportUnusedFunction]
        """Change some settings, all of them or none. In force from the next job on."""
        for name in changes.keys() - Settings.model_fields.keys():
            raise unknown_field(name)
        try:
            return view(settings.update(changes))
        except ValidationError as error:
            raise refused(Settings, error) from error
        except OSError as error:
            raise HTTPException(507, f"The settings can't be kept: {error}.") from error

    return router


def view(settings: Settings) -> FormView:
    """The settings as a form."""
    grouped = {name: group for group, names in GROUPS.items() for name in names}
    order = [*grouped, *(name for name in Settings.model_fields if name not in grouped)]
    return FormView(
        fields=[describe(Settings, name, grouped.get(name, "Other")) for name in order],
        values=settings.model_dump(),
        defaults=Settings().model_dump(),
    )
