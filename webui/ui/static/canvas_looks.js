// How the canvas looks: the part of the picture that is in sight, the pointer, and whether it fills the window.

import { whole } from "./canvas_boxes.js";
import { Cursor } from "./canvas_cursor.js";
import { Screen } from "./canvas_screen.js";
import { View } from "./canvas_view.js";

const MARGIN = 56; // CSS pixels around the picture, for the frame's handles

export class Looks {
  constructor(canvas) {
    this.canvas = canvas;
    this.area = canvas.area;
    this.view = new View();
    this.screen = new Screen(canvas.part(".dr-canvas-picture"), canvas.part(".dr-canvas-paint"), this.view);
    this.cursor = new Cursor(canvas.part(".dr-canvas-cursor"), this.area);
    this.expanded = false;
  }

  // `act` changes the view.
  look(act) {
    if (!this.canvas.isFilled) return;
    act(this.view);
    this.moved();
  }

  moved() {
    this.screen.move();
    this.canvas.frame.draw();
    this.drawCursor();
    this.drawFacts();
    this.area.classList.toggle("dr-canvas-held", !this.view.fitted);
  }

  // The area is laid out, or has another size.
  sized() {
    const { clientWidth, clientHeight } = this.area;
    if (!clientWidth || !clientHeight) return;
    this.view.resize(clientWidth, clientHeight);
    this.moved();
  }

  fit() {
    this.frameContent();
    this.view.fit();
    this.moved();
  }

  // The mode or the picture is another.
  refresh() {
    this.frameContent();
    if (this.view.fitted) this.view.fit();
    this.moved();
  }

  // The frame of outpainting is another; `final` if it isn't being pulled.
  frame(final) {
    this.frameContent();
    if (final && (this.view.fitted || !this.view.complete)) this.view.fit();
    this.moved();
  }

  // What the view is about: the picture, and what is to be painted around it.
  frameContent() {
    const { frame, picture, size, mode } = this.canvas;
    this.screen.room = frame.isPulled && picture ? frame.content : null;
    if (picture) this.view.content = this.screen.room ?? whole(size);
    this.view.margin = mode === "outpaint" ? MARGIN : 0;
  }

  // Fills the window, or leaves it.
  expand(whether) {
    const { root } = this.canvas;
    this.expanded = whether;
    root.classList.toggle("dr-canvas-expanded", whether);
    // On top of everything, whatever surrounds it.
    if (whether) root.setAttribute("popover", "manual");
    else root.removeAttribute("popover");
    if (whether) root.showPopover?.();
    this.canvas.part('[data-act="expand"]').setAttribute("aria-pressed", whether);
    if (whether) this.area.focus();
  }

  drawCursor() {
    const { canvas, cursor, view } = this;
    const { tools, input, isFilled, layer } = canvas;
    const paints = isFilled && layer !== null && !input?.moves;
    const moves = isFilled ? "move" : "empty";
    cursor.draw(paints && tools.isBrush ? tools.size * view.zoom : 0, paints ? "paint" : moves);
  }

  // The brush in the middle of the area, while its size is chosen.
  showSize(whether) {
    this.cursor.point = whether ? this.view.middle : null;
    this.drawCursor();
  }

  drawFacts() {
    const { frame, size, isFilled } = this.canvas;
    const { left, up, right, down } = frame.values;
    const drawn = isFilled ? `${size.width + left + right}×${size.height + up + down} · ${Math.round(this.view.zoom * 100)} %` : "";
    this.canvas.part(".dr-canvas-facts").textContent = drawn;
  }
}
