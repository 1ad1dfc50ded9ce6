"""The quicksettings on top of the page: which checkpoint draws, and which VAE decodes."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.params import GenerationParams
from webui.ui.components.controls import AT_ONCE, LATEST, Happened, tool, unchecked
from webui.ui.components.fields import CHECKPOINT_ID, VAE_ID

OWN_VAES = ("Automatic", "None")
"""What the VAE picker offers beside files: the one that belongs to the checkpoint; always its own."""
REFRESH_ID = "refresh_sd_model_checkpoint"


@dataclass(frozen=True)
class Quicksettings:
    """The pickers; `refreshed` happens once the model folders have been read again.

    `use` is a hidden button that the Models tab presses: then the checkpoint is chosen that the script puts
    into `wanted`.
    """

    checkpoint: gr.Dropdown
    vae: gr.Dropdown
    refreshed: Happened
    use: gr.Button
    wanted: gr.Textbox


def build_quicksettings(catalog: Catalog) -> Quicksettings:
    """Lay the pickers out and wire the refresh."""
    with gr.Row(elem_classes="dr-checkpoint", equal_height=True):
        checkpoint, vae = _pickers(catalog)
        refresh = tool("refresh", REFRESH_ID)

    def read_again(chosen: str | None, chosen_vae: str) -> list[gr.Dropdown]:
        catalog.refresh()
        vaes, still = vae_choices(catalog), _still_there(catalog, chosen)
        return [
            _offering(checkpoint_choices(catalog), chosen, still),
            _offering(vaes, chosen_vae, chosen_vae if chosen_vae in vaes else OWN_VAES[0]),
        ]

    pickers = [checkpoint, vae]
    refreshed = refresh.click(read_again, pickers, pickers, **LATEST)
    use = gr.Button(visible="hidden", elem_id="use_model")
    wanted = gr.Textbox(visible="hidden", show_label=False)
    use.click(None, None, checkpoint, js="() => darkroom.wanted", **AT_ONCE)  # before the server is asked
    return Quicksettings(checkpoint, vae, refreshed, use, wanted)


def _offering(choices: Sequence[str | tuple[str, str]], chosen: str | None, now: str | None) -> gr.Dropdown:
    # The value stays out where it stays the same: something else may have been chosen in the meantime.
    return gr.Dropdown(choices=choices) if now == chosen else gr.Dropdown(choices=choices, value=now)


def wire_choice(catalog: Catalog, quick: Quicksettings) -> None:
    """Say what is wrong with a checkpoint that is chosen; let the Models tab choose one.

    To be wired after the tabs: gradio asks for one thing after another, and the tabs' own must tell what they
    showed at the choice.
    """

    def warn(name: str) -> None:
        model = catalog.get(name)
        if model and model.problem:
            gr.Warning(problem_of(model))

    def choose(name: str) -> gr.Dropdown:
        warn(name)
        return gr.Dropdown(choices=checkpoint_choices(catalog), value=name)

    quick.checkpoint.select(warn, quick.checkpoint, None, **LATEST)
    quick.use.click(choose, quick.wanted, quick.checkpoint, js="() => [darkroom.wanted]", **LATEST)


def problem_of(model: ModelFile) -> str:
    """Why a checkpoint can't be used, as markup; not where it lies, which is the server's affair."""
    return html.escape((model.problem or "").replace(f" in {model.path}", ""))


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
