"""The canvas: the picture that a tab starts from, and what is painted on it.

Only its frame is made here; static/canvas.js brings it to life.
"""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr

MODES = {
    "img2img": {"picture": "Picture", "sketch": "Sketch", "batch": "Batch"},
    "inpaint": {"mask": "Mask", "sketch": "Sketch", "outpaint": "Outpaint"},
    "control": {"sketch": "Draw", "mask": "Region mask"},
    "extras": {"picture": "Single Image", "batch": "Batch"},
    "mask": {"mask": "Mask"},
}
"""Tab -> the modes of its canvas and what they are called; it opens in the first."""
MODE_HINTS = {
    "picture": "Look at the picture, zoom and move it",
    "sketch": "Paint on the picture in colours",
    "batch": "Draw from many pictures one by one",
    "mask": "Paint over what is to change",
    "outpaint": "Pull the frame outwards: what is beyond the picture is painted",
}
HINTS = {
    ("inpaint", "sketch"): "Paint in colours: what is painted is to change, and starts from them",
    ("control", "sketch"): "Draw what steers, on a blank page or on a picture",
    ("control", "mask"): "Paint where the unit has a say; nothing painted: everywhere",
    ("mask", "mask"): "Paint over what counts",
}
"""(tab, mode) -> the line shown on hover, where a mode means something else than on most tabs."""
NAMES = {"control": "The control image", "mask": "The picture under the mask"}
"""Tab -> what is on its canvas, where that isn't what it starts from."""
COLORS = {"control": "#000000"}
"""Tab -> the colour that one paints in at first, where it isn't a red that shows on any picture."""


class _Button(NamedTuple):
    """A button of the bars: `name` is what it does, `hint` is shown on hover, `modes` are those it is for."""

    name: str
    icon: str
    hint: str
    modes: str = ""


TOOLS = (
    _Button("brush", "brush", "Brush (B). Shift: a straight line from the last stroke", "mask sketch"),
    _Button("eraser", "eraser", "Eraser (E); with any tool, the right button erases", "mask sketch"),
    _Button("rectangle", "rectangle", "Fill a rectangle (M)", "mask sketch"),
    _Button("lasso", "lasso", "Fill what you go around (L)", "mask sketch"),
    _Button("pipette", "pipette", "Take a colour from the picture (I, or Alt and click)", "sketch"),
)
STEPS = (
    _Button("undo", "undo", "Undo (Ctrl+Z)", "mask sketch"),
    _Button("redo", "redo", "Redo (Ctrl+Shift+Z or Ctrl+Y)", "mask sketch"),
)
WHOLE = (
    _Button("invert", "invert", "Invert the mask", "mask"),
    _Button("fill", "fill", "Mask everything", "mask"),
    _Button("wipe", "wipe", "Clear what was painted", "mask sketch"),
)
VIEW = (
    _Button("zoom_out", "zoom_out", "Smaller (-)"),
    _Button("zoom_in", "zoom_in", "Larger (+)"),
    _Button("fit", "fit", "All of it (R or 0)"),
)
KEYS = (
    ("Wheel, or two fingers", "zoom; Ctrl and wheel: the brush's size"),
    ("Space and drag, or the middle button", "move"),
    ("[ and ]", "the brush's size"),
    ("B, E, M, L, I", "brush, eraser, rectangle, lasso, pipette"),
    ("Shift and click", "a straight line from the last stroke"),
    ("Right button", "erase"),
    ("Ctrl+Z, Ctrl+Y", "undo, redo"),
    ("R or 0, 1, + and -", "all of it, its own size, larger and smaller"),
    ("S", "fill the window, and back"),
    ("Ctrl+V", "paste a picture"),
)
SIDES = {"left": "left", "up": "above", "right": "right", "down": "below"}
SWATCHES = (
    "#000000", "#ffffff", "#808080", "#7b4a2b", "#e8b28a", "#c62828",
    "#ef6c00", "#f5c518", "#2e7d32", "#00838f", "#1565c0", "#6a1b9a",
)  # fmt: skip

FRAME = """
<section class="dr-canvas" data-tab="{tab}" aria-label="{name}">
  <div class="dr-canvas-bar">
    <div class="dr-canvas-modes" role="radiogroup" aria-label="What to work on">{modes}</div>
    <span class="dr-canvas-gap"></span>
    <label class="dr-canvas-button dr-canvas-icon-open" title="Open a picture">
      <input type="file" accept="image/*,.tif,.tiff" class="dr-canvas-open" aria-label="Open a picture">
    </label>
    {remove}{expand}
  </div>
  <div class="dr-canvas-bar dr-canvas-tools" role="toolbar" aria-label="Tools">
    {tools}
    <label class="dr-canvas-color" data-modes="sketch" title="Colour">
      <input type="color" value="{color}" aria-label="Colour" list="{tab}_canvas_swatches">
      <datalist id="{tab}_canvas_swatches">{swatches}</datalist>
    </label>
    <label class="dr-canvas-size" data-modes="mask sketch" title="The brush's size in pixels ([ and ])">
      <input type="range" min="0" max="1000" aria-label="The brush's size"><output></output>
    </label>
    {pressure}{steps}{whole}
    <label class="dr-canvas-button dr-canvas-icon-mask" data-modes="mask"
      title="Load a mask from a file: white, or what isn't transparent, is to change">
      <input type="file" accept="image/*,.tif,.tiff" class="dr-canvas-mask-file" aria-label="Load a mask">
    </label>
  </div>
  <div class="dr-canvas-area" tabindex="0" role="group" aria-label="Canvas"
    aria-describedby="{tab}_canvas_keys">
    <canvas class="dr-canvas-picture" aria-hidden="true"></canvas>
    <canvas class="dr-canvas-paint" aria-hidden="true"></canvas>
    <div class="dr-canvas-frame" role="group" aria-label="Outpaint" hidden>{handles}</div>
    <div class="dr-canvas-cursor" hidden></div>
    <div class="dr-canvas-empty">
      <label class="dr-canvas-choose">
        <input type="file" accept="image/*,.tif,.tiff" class="dr-canvas-open" {several}>
        <span>Drop a picture here, paste it, or <u>choose a file</u>.</span>
      </label>
      {blank}
    </div>
  </div>
  <div class="dr-canvas-batch" hidden>
    <label class="dr-canvas-from">From
      <select class="dr-canvas-folder" aria-label="Where the pictures are">
        <option value="">files of mine</option>
      </select>
    </label>
    <div class="dr-canvas-bar dr-canvas-own-files">
      <label class="dr-canvas-text-button">Add pictures
        <input type="file" accept="image/*,.tif,.tiff" class="dr-canvas-open" multiple>
      </label>
      <span class="dr-canvas-count" role="status"></span>
      <span class="dr-canvas-gap"></span>
      <button type="button" class="dr-canvas-text-button dr-canvas-clear-files">Remove all</button>
    </div>
    <ul class="dr-canvas-files dr-canvas-own-files" aria-label="Pictures of the batch"></ul>
    <p class="dr-canvas-sending" role="status"></p>
  </div>
  <div class="dr-canvas-error"></div>
  <div class="dr-canvas-bar dr-canvas-foot">
    <span class="dr-canvas-facts"></span>
    <span class="dr-canvas-gap"></span>
    <details class="dr-canvas-help">
      <summary class="dr-canvas-button" title="Keys" aria-label="Keys">?</summary>
      <dl id="{tab}_canvas_keys">{keys}</dl>
    </details>
    <span class="dr-canvas-looks">{view}</span>
  </div>
</section>
"""
BUTTON = """
<button type="button" class="dr-canvas-button dr-canvas-icon-{icon}" {what}{shown} title="{hint}"
  aria-label="{hint}"></button>
"""
BLANK = """
<button type="button" class="dr-canvas-text-button" data-act="blank">Start with a blank one</button>
"""


def canvas(tab: str) -> gr.HTML:
    """The canvas of `tab`, one of those in MODES."""
    return gr.HTML(
        canvas_frame(tab),
        elem_id=f"{tab}_canvas",
        elem_classes="dr-canvas-block",
        js_on_load=None,
        apply_default_css=False,
    )


def canvas_frame(tab: str) -> str:
    """The canvas's markup."""
    batch = "batch" in MODES[tab]
    pressure = _Button("pressure", "pressure", "A pen's pressure sets the size", "mask sketch")
    return FRAME.format(
        tab=tab,
        name=NAMES.get(tab, "The picture to start from"),
        color=COLORS.get(tab, "#c62828"),
        modes="".join(_mode(tab, mode, name) for mode, name in MODES[tab].items()),
        remove=_act(_Button("remove", "remove", "Remove the picture and all that was painted")),
        expand=_act(_Button("expand", "expand", "Fill the window, and back (S)")),
        tools="".join(_button(tool, f'data-tool="{tool.name}"') for tool in TOOLS),
        swatches="".join(f'<option value="{color}"></option>' for color in SWATCHES),
        pressure=_button(pressure, 'data-switch="pressure"'),
        steps="".join(map(_act, STEPS)),
        whole="".join(map(_act, WHOLE)),
        handles="".join(_handle(side, where) for side, where in SIDES.items()),
        several="multiple" if batch else "",
        blank=BLANK if batch or tab in COLORS else "",
        keys="".join(f"<dt>{keys}</dt><dd>{what}</dd>" for keys, what in KEYS),
        view="".join(map(_act, VIEW)),
    )


def _mode(tab: str, mode: str, name: str) -> str:
    hint = HINTS.get((tab, mode)) or MODE_HINTS[mode]
    checked = " checked" if mode == next(iter(MODES[tab])) else ""
    return (
        f'<label title="{hint}"><input type="radio" name="{tab}_canvas_mode" value="{mode}"{checked}>'
        f"<span>{name}</span></label>"
    )


def _act(button: _Button) -> str:
    return _button(button, f'data-act="{button.name}"')


def _button(button: _Button, what: str) -> str:
    shown = f' data-modes="{button.modes}"' if button.modes else ""
    return BUTTON.format(icon=button.icon, what=what, shown=shown, hint=button.hint)


def _handle(side: str, where: str) -> str:
    return (
        f'<button type="button" class="dr-canvas-handle" data-side="{side}" role="slider" '
        f'aria-label="Outpaint: pixels {where}" aria-valuemin="0" aria-valuemax="2048" '
        f'title="Drag, or use the arrow keys"></button>'
    )
