// Strokes as they are painted: each is one step of undo, and all of it is taken back if it turns out to be none.

import { Edit } from "./canvas_history.js";
import { BrushStroke, LassoStroke, RectangleStroke } from "./canvas_strokes.js";

const TELL_EVERY = 50; // ms

export class Painting {
  // `told(final)` hears of what was painted, at most every TELL_EVERY ms while it is.
  constructor({ tools, history, screen, told }) {
    Object.assign(this, { tools, history, screen, told });
    this.now = null; // the stroke that is being painted
    this.ended = null; // where the one before ended, and on which layer
    this.toldAt = 0;
  }

  get isBusy() {
    return this.now !== null;
  }

  // `straight` goes on in a line from where the last stroke ended.
  begin(layers, layer, point, { erase, straight }) {
    const { tool, color, size, pressure } = this.tools;
    const from = straight && this.ended?.layer === layer ? this.ended.at : null;
    this.now = {
      layers,
      layer,
      edit: new Edit(layer),
      stroke: strokeOf(tool, () => new BrushStroke(size, { pressure, from })),
      way: { color, erase: erase || tool === "eraser" },
    };
    this.move([point]);
  }

  move(points) {
    for (const point of points) this.lay(this.now.stroke.to(point));
    this.screen.setOutline(this.now.stroke.outline);
    if (performance.now() - this.toldAt < TELL_EVERY || !this.now.edit.kept.size) return;
    this.toldAt = performance.now();
    this.told(false);
  }

  end() {
    const { stroke, layer, edit } = this.now;
    this.lay(stroke.end());
    this.ended = { layer, at: stroke.last ?? null };
    this.now = null;
    this.screen.setOutline(null);
    if (!edit.kept.size) return;
    this.history.add(edit);
    this.told(true);
  }

  cancel() {
    const { edit } = this.now;
    this.now = null;
    this.screen.setOutline(null);
    if (!edit.kept.size) return;
    edit.revert();
    this.screen.change();
    this.told(true);
  }

  // Another picture has come.
  forget() {
    if (this.now) this.screen.setOutline(null);
    this.now = null;
    this.ended = null;
  }

  lay(shape) {
    if (!shape) return;
    const { layers, layer, edit, way } = this.now;
    layers.lay(layer, shape, { ...way, edit });
    this.screen.change(shape.box);
  }
}

function strokeOf(tool, brush) {
  if (tool === "lasso") return new LassoStroke();
  return tool === "rectangle" ? new RectangleStroke() : brush();
}
