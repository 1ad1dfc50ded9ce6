"""The quicksettings on top of the page: which checkpoint draws, and which VAE decodes."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from webui.catalog.catalog import Catalog
from webui.params import GenerationParams
from webui.ui.components.controls import CHECKPOINT_ID, LATEST, VAE_ID, tool, unchecked

OWN_VAES = ("Automatic", "None")
"""What the VAE picker offers beside files: the one that belongs to the checkpoint; always its own."""
REFRESH_ID = "refresh_sd_model_checkpoint"


@dataclass(frozen=True)
class Quicksettings:
    """The pickers, and the button that reads the model folders again."""

    checkpoint: gr.Dropdown
    vae: gr.Dropdown
    refresh: gr.Button


def build_quicksettings(catalog: Catalog) -> Quicksettings:
    """Lay the pickers out and wire the refresh."""
    with gr.Row(elem_classes="dr-checkpoint", equal_height=True):
        checkpoint, vae = _pickers(catalog)
        refresh = tool("refresh", REFRESH_ID)

    def read_again(chosen: str | None, chosen_vae: str) -> list[gr.Dropdown]:
        catalog.refresh()
        vaes = vae_choices(catalog)
        return [
            gr.Dropdown(choices=checkpoint_choices(catalog), value=_still_there(catalog, chosen)),
            gr.Dropdown(choices=vaes, value=chosen_vae if chosen_vae in vaes else OWN_VAES[0]),
        ]

    pickers = [checkpoint, vae]
    refresh.click(read_again, pickers, pickers, **LATEST)
    return Quicksettings(checkpoint, vae, refresh)


def _pickers(catalog: Catalog) -> tuple[gr.Dropdown, gr.Dropdown]:
    checkpoint = gr.Dropdown(
        checkpoint_choices(catalog),
        value=_still_there(catalog, None),
        label="Stable Diffusion checkpoint",
        elem_id=CHECKPOINT_ID,
        scale=3,
    )
    vae = gr.Dropdown(
        vae_choices(catalog),
        value=OWN_VAES[0],
        label=GenerationParams.model_fields["vae"].title,
        elem_id=VAE_ID,
        scale=2,
    )
    # What was chosen may be gone, which is what the refresh is for.
    return unchecked(checkpoint), unchecked(vae)


def _still_there(catalog: Catalog, name: str | None) -> str | None:
    """The checkpoint of that name, or the default one if it has gone."""
    if name and catalog.get(name):
        return name
    default = catalog.default()
    return default.name if default else None


def checkpoint_choices(catalog: Catalog) -> list[tuple[str, str]]:
    """(what is shown, name) of every checkpoint; those that can't be used say so."""
    return [
        (f"{known.name} (unusable)" if known.problem else known.name, known.name)
        for known in catalog.checkpoints()
    ]


def vae_choices(catalog: Catalog) -> list[str]:
    """What can decode: the checkpoint's own VAE or one of the files."""
    return [*OWN_VAES, *(vae.name for vae in catalog.vaes() if vae.problem is None)]
