"""The quicksettings on top of the page: which checkpoint draws, and which VAE decodes."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from webui.catalog.catalog import Catalog
from webui.params import GenerationParams
from webui.ui.components.controls import CHECKPOINT_ID, VAE_ID, tool, unchecked

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
    default = catalog.default()
    with gr.Row(elem_classes="dr-checkpoint", equal_height=True):
        checkpoint = gr.Dropdown(
            checkpoint_choices(catalog),
            value=default.name if default else None,
            label="Stable Diffusion checkpoint",
            elem_id=CHECKPOINT_ID,
            scale=3,
        )
        vae = gr.Dropdown(
            vae_choices(catalog),
            value="Automatic",
            label=GenerationParams.model_fields["vae"].title,
            elem_id=VAE_ID,
            scale=2,
        )
        refresh = tool("refresh", REFRESH_ID)

    def read_again(chosen: str | None, chosen_vae: str) -> list[gr.Dropdown]:
        catalog.refresh()
        vaes = vae_choices(catalog)
        return [
            gr.Dropdown(choices=checkpoint_choices(catalog), value=_still_there(catalog, chosen)),
            gr.Dropdown(choices=vaes, value=chosen_vae if chosen_vae in vaes else "Automatic"),
        ]

    # What was chosen may be gone, which is what this is for.
    pickers = [unchecked(checkpoint), unchecked(vae)]
    refresh.click(read_again, pickers, pickers, show_progress="hidden", api_visibility="private")
    return Quicksettings(checkpoint, vae, refresh)


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
