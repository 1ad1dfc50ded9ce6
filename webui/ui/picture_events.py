"""What happens on a tab that draws: Generate, another checkpoint, parameters that fill the form."""

from __future__ import annotations

from typing import Any

import gradio as gr

from webui.catalog.catalog import Catalog
from webui.jobs.service import Jobs
from webui.prompting.styles_store import StyleStore
from webui.ui.components.controls import AT_ONCE, HAPPENING, LATEST
from webui.ui.drawing import wire_drawing
from webui.ui.filling import Filler
from webui.ui.following import CHOSEN_BESIDE, brought_inside, is_shown, pickers
from webui.ui.owner import owner_behind
from webui.ui.picture_tab import PictureTab
from webui.ui.prompt_events import wire_prompts
from webui.ui.quicksettings import Quicksettings
from webui.ui.sections import FOLLOWING, LEADING
from webui.ui.size_note import wire_size_note

STANDING = ("checkpoint", *LEADING)
"""Fields on which it depends what else is shown."""


def wire(tab: PictureTab, catalog: Catalog, jobs: Jobs, styles: StyleStore, quick: Quicksettings) -> None:
    """Wire everything."""
    wire_drawing(tab, jobs)
    _wire_checkpoint(tab, catalog, quick)
    _wire_leading(tab, catalog)
    _wire_paste(tab, catalog, Filler(catalog, jobs, styles))
    wire_prompts(tab, styles)
    wire_size_note(tab)
    tab.script.wire(tab.controls)


def _wire_checkpoint(tab: PictureTab, catalog: Catalog, quick: Quicksettings) -> None:
    controls = list(tab.changing.values())
    told = gr.Textbox(visible="hidden", show_label=False)

    def follow(name: str, *held: Any) -> list[Any]:  # noqa: ANN401
        values, updates = tab.chosen(catalog, catalog.get(name), held)
        return [values, *updates]

    # `select` and not `change`: settings that the page restores are not to be overwritten.
    picked = quick.checkpoint.select(follow, [quick.checkpoint, *controls], [told, *tab.followers], **LATEST)
    js = "(_, ...held) => [darkroom.wanted, ...held]"
    wanted = quick.use.click(follow, [quick.wanted, *controls], [told, *tab.followers], js=js, **LATEST)
    set_by_hand_stays = f"(told, ...held) => darkroom.followed('{tab.name}', told, held)"
    for chosen in (picked, wanted):
        tab.chips.after(chosen.then(None, [told, *controls], controls, js=set_by_hand_stays, **AT_ONCE))
    _wire_refresh(tab, catalog, quick)


def _wire_refresh(tab: PictureTab, catalog: Catalog, quick: Quicksettings) -> None:
    """New models are offered by the tab's own pickers, too."""
    changing = ("hr_upscaler", *CHOSEN_BESIDE)
    controls = [tab.controls[field] for field in changing if field in tab.controls]

    def offered(name: str) -> list[Any]:
        offers = pickers(catalog, catalog.get(name))
        updates = [gr.update(choices=offers[field]) for field in changing if field in tab.controls]
        return [*updates, *tab.script.offered()]

    quick.refreshed.then(offered, quick.checkpoint, [*controls, *tab.script.pickers], **HAPPENING)


def _wire_leading(tab: PictureTab, catalog: Catalog) -> None:
    """Beta's and UniPC's numbers are shown for these alone, a detector's for it."""
    fields = [field for field in FOLLOWING if field in tab.controls]

    def show(checkpoint: str, *values: Any) -> list[Any]:  # noqa: ANN401
        model, held = catalog.get(checkpoint), dict[str, Any](zip(LEADING, values, strict=True))
        return [gr.update(visible=is_shown(field, model, held)) for field in fields]

    changed = [tab.controls[field].change for field in LEADING]  # pyright: ignore[reportAttributeAccessIssue]
    standing = [tab.controls[field] for field in STANDING]
    gr.on(changed, show, standing, [tab.controls[field] for field in fields], **AT_ONCE)


def _wire_paste(tab: PictureTab, catalog: Catalog, filler: Filler) -> None:
    wish = gr.Textbox(visible="hidden", show_label=False)
    said = gr.Textbox(visible="hidden", show_label=False)
    standing = [tab.controls[field] for field in STANDING]

    def fill(request: gr.Request, wish: str, _: str, checkpoint: str, *leading: Any) -> list[Any]:  # noqa: ANN401
        now = {"checkpoint": checkpoint or "", **dict(zip(LEADING, leading, strict=True))}
        filling = filler.filling(wish, owner_behind(request), now)
        model = catalog.get(filling.params.checkpoint)
        beyond = brought_inside(tab.controls, filling.params, filling.only)
        return [filling.told(beyond), *tab.shown(catalog, filling.params, model, filling.only)]

    filled = tab.toolbar.paste.click(
        fill,
        [wish, tab.controls["prompt"], *standing],
        [said, *tab.outputs],
        js=f"(_, prompt, ...held) => [darkroom.wish('{tab.name}', prompt), prompt, ...held]",
        trigger_mode="multiple",
        **HAPPENING,
    )
    tell = f"(said) => darkroom.filled('{tab.name}', said)"
    tab.chips.after(filled).then(None, said, js=tell, **AT_ONCE)
