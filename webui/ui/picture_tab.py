"""A tab that draws: how it is laid out. picture_events.py wires it, tabs.py says what sets each apart."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.params import GenerationParams
from webui.ui.components.accordions import Laid
from webui.ui.components.chips import Chips, about
from webui.ui.components.controls import Controls
from webui.ui.components.fields import ELSEWHERE, FIRST_TAB
from webui.ui.components.switches import Switch
from webui.ui.components.toolbar import Toolbar
from webui.ui.following import CHOSEN_BESIDE, can_use, followed, following, restored, samples
from webui.ui.script_controls import ScriptControls
from webui.ui.tabs import TabKind

ALL = tuple(GenerationParams.model_fields)


@dataclass(frozen=True)
class Buttons:
    """What is pressed to draw and to stop."""

    generate: gr.Button
    interrupt: gr.Button
    skip: gr.Button


@dataclass(frozen=True)
class PictureTab:
    """The tab's parts that others fill: its controls by field, the pickers on top among them.

    `note` tells of the size that comes out; `unable` that the canvas is of no use to the checkpoint.
    """

    kind: TabKind
    controls: Controls
    switches: tuple[Switch, ...]
    sections: tuple[Laid, ...]
    script: ScriptControls
    toolbar: Toolbar
    buttons: Buttons
    chips: Chips
    examples: gr.Dataset
    note: gr.HTML
    unable: gr.HTML

    @property
    def name(self) -> str:
        """What its elements' ids begin with."""
        return self.kind.name

    @property
    def changing(self) -> dict[str, Component]:
        """The controls that change with the checkpoint; those on top are the first tab's affair alone."""
        fields = following(self.controls, self.kind.starts)
        others = set[str]() if self.name == FIRST_TAB else set(ELSEWHERE)
        return {field: self.controls[field] for field in fields if field not in others}

    @property
    def followers(self) -> list[Block]:
        """What `chosen` updates, in its order."""
        return [*self.changing.values(), *self._beside]

    def chosen(self, catalog: Catalog, model: ModelFile | None, held: Sequence[Any]) -> tuple[str, list[Any]]:
        """What the tab shows for a checkpoint that has just been chosen, when `changing` showed `held`.

        The values come as JSON for static/opening.js, null where there is none; updates of `followers` tell
        all else.
        """
        fields = tuple(self.changing)
        beside = dict(zip(fields, held, strict=True))
        updates = followed(catalog, model, fields, {field: beside.get(field) for field in CHOSEN_BESIDE})
        shown = [update.pop("value", None) for update in updates]
        return json.dumps({"opened": held, "shown": shown}), [*updates, *self._about(model)]

    @property
    def outputs(self) -> list[Block]:
        """What `shown` updates, in its order."""
        return [*self.controls.values(), *self.script.outputs, *self._beside, *self._insides]

    def shown(
        self,
        catalog: Catalog,
        params: GenerationParams,
        model: ModelFile | None,
        only: Collection[str] = ALL,
    ) -> list[Any]:
        """Updates of `outputs` that bring the fields `only` of `params` back."""
        return [
            *restored(catalog, self.controls, params, model, only),
            *(self.script.shown(params.script) if "script" in only else self.script.left),
            *self._about(model, params, only),
            *self._opened(params, only),
        ]

    @property
    def restorable(self) -> list[Component]:
        """The controls whose values `opening` tells, in its order."""
        return [*self.controls.values(), *(switch.control for switch in self.switches)]

    def opening(
        self, catalog: Catalog, params: GenerationParams, model: ModelFile | None
    ) -> tuple[str, list[Any]]:
        """What a page shows that has just been opened: `params`, but for what was set by hand meanwhile.

        The values of `restorable` come as JSON for static/opening.js, which knows at the last moment what the
        controls hold; updates of `outputs` tell all else.
        """
        fields = ALL if params.script else [field for field in ALL if field != "script"]
        updates = dict(zip(self.outputs, self.shown(catalog, params, model, fields), strict=True))
        shown = [updates[control].pop("value") for control in self.restorable]
        opened = [control.value for control in self.restorable]  # pyright: ignore[reportAttributeAccessIssue]
        return json.dumps({"opened": opened, "shown": shown}), list(updates.values())

    @property
    def _beside(self) -> list[Block]:
        return [
            *(laid.whole for laid in self.sections),
            *(switch.control for switch in self.switches),
            self.chips.about,
            self.examples,
            self.unable,
        ]

    def _about(
        self, model: ModelFile | None, params: GenerationParams | None = None, only: Collection[str] = ()
    ) -> list[Any]:
        """Updates of `_beside`: what has nothing that the model can use isn't shown."""
        useful = (any(can_use(model, field) for field in laid.section.crucial) for laid in self.sections)
        return [
            *(gr.update(visible=any_use) for any_use in useful),
            *(self._switched(switch, model, params, only) for switch in self.switches),
            about(self.kind, model),
            gr.Dataset(**samples(model)),
            gr.update(visible=not can_use(model, self.kind.crucial)),
        ]

    def _switched(
        self, switch: Switch, model: ModelFile | None, params: GenerationParams | None, only: Collection[str]
    ) -> dict[str, Any]:
        told = params is not None and any(field in only for field in switch.fields)
        value = {"value": switch.shown(params)} if told and params else {}
        return gr.update(visible=can_use(model, switch.fields[0]), **value)

    @property
    def _insides(self) -> list[Block]:
        return [laid.inside for laid in self.sections if laid.inside]

    def _opened(self, params: GenerationParams, only: Collection[str]) -> list[Any]:
        """Updates of what is inside ticked accordions: it is open while the tick is set.

        Nothing is closed: without the tick, which may have been set by hand meanwhile, the style sheet
        hides it.
        """
        ticks = [laid.section.tick for laid in self.sections if laid.inside]
        return [
            gr.update(open=True) if tick in only and getattr(params, tick) else gr.skip() for tick in ticks
        ]

    def held(self, values: Mapping[Any, Any]) -> dict[str, Any]:
        """What the form holds, by field; `values` are by control. What isn't used is left out."""
        unused = {field for switch in self.switches for field in switch.unused(values)}
        fields = {field: values[control] for field, control in self.controls.items() if field not in unused}
        return {**fields, "script": self.script.wish(values)}

    @property
    def inputs(self) -> list[Component]:
        """What `held` reads."""
        return list(dict.fromkeys([*self.restorable, *self.script.inputs]))
