// The frame of outpainting: how far the picture is to reach beyond its edges, pulled with a handle on each side.

import { box } from "./canvas_boxes.js";

const SIDES = ["left", "up", "right", "down"];
const NONE = { left: 0, up: 0, right: 0, down: 0 };
const STEP = 8;
const MOST = 2048; // as in params/image.py
const OUTWARDS = { left: { x: -1, y: 0 }, right: { x: 1, y: 0 }, up: { x: 0, y: -1 }, down: { x: 0, y: 1 } };
const KEYS = { ArrowLeft: { x: -1, y: 0 }, ArrowRight: { x: 1, y: 0 }, ArrowUp: { x: 0, y: -1 }, ArrowDown: { x: 0, y: 1 } };

export class Frame {
  // `changed(final)` hears of every change by hand.
  constructor(root, view, { changed, signal }) {
    Object.assign(this, { root, view, changed });
    this.values = { ...NONE };
    this.size = null;
    this.pull = null; // {side, pointer, from, value} while a handle is pulled
    for (const side of SIDES) {
      const handle = this.handle(side);
      const hear = (name, act) => handle.addEventListener(name, act, { signal });
      hear("pointerdown", (event) => this.grab(event, side));
      hear("pointermove", (event) => this.move(event));
      hear("pointerup", (event) => this.drop(event));
      hear("pointercancel", (event) => this.drop(event));
      hear("keydown", (event) => this.key(event, side));
    }
  }

  handle(side) {
    return this.root.querySelector(`[data-side="${side}"]`);
  }

  // Pixels that are no numbers count as none. Returns whether any are others than before.
  set(values) {
    const before = { ...this.values };
    for (const side of SIDES) this.values[side] = limited(Math.round(Number(values[side] ?? before[side])) || 0);
    this.draw();
    return SIDES.some((side) => this.values[side] !== before[side]);
  }

  clear() {
    this.set(NONE);
  }

  get isPulled() {
    return SIDES.some((side) => this.values[side] > 0);
  }

  // The picture with what is to be painted around it.
  get content() {
    const { left, up, right, down } = this.values;
    return box(-left, -up, this.size.width + right, this.size.height + down);
  }

  draw() {
    this.root.hidden = !this.size;
    if (!this.size) return;
    const { left, top, right, bottom } = this.content;
    const [first, last] = [this.view.toScreen({ x: left, y: top }), this.view.toScreen({ x: right, y: bottom })];
    this.root.style.transform = `translate(${first.x}px, ${first.y}px)`;
    this.root.style.width = `${last.x - first.x}px`;
    this.root.style.height = `${last.y - first.y}px`;
    this.root.classList.toggle("dr-canvas-pulled", this.isPulled);
    for (const side of SIDES) {
      const handle = this.handle(side);
      handle.textContent = `+${this.values[side]}`;
      handle.setAttribute("aria-valuenow", this.values[side]);
      handle.setAttribute("aria-valuetext", `${this.values[side]} pixels`);
    }
  }

  grab(event, side) {
    if (event.button !== 0) return;
    event.stopPropagation();
    this.pull = { side, pointer: event.pointerId, from: event, value: this.values[side] };
    this.handle(side).setPointerCapture(event.pointerId);
  }

  move(event) {
    if (this.pull?.pointer !== event.pointerId) return;
    const { side, from, value } = this.pull;
    const outwards = OUTWARDS[side];
    const pulled = (event.clientX - from.clientX) * outwards.x + (event.clientY - from.clientY) * outwards.y;
    this.to(side, value + pulled / this.view.zoom, false);
  }

  drop(event) {
    if (this.pull?.pointer !== event.pointerId) return;
    this.pull = null;
    this.changed(true);
  }

  key(event, side) {
    const towards = KEYS[event.key];
    const outwards = OUTWARDS[side];
    const steps = towards ? towards.x * outwards.x + towards.y * outwards.y : 0;
    if (event.key === "Home") this.to(side, 0, true);
    else if (steps) this.to(side, this.values[side] + steps * STEP * (event.shiftKey ? 8 : 1), true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  to(side, value, final) {
    const snapped = limited(Math.round(value / STEP) * STEP);
    if (snapped === this.values[side]) return;
    this.values[side] = snapped;
    this.draw();
    this.changed(final);
  }
}

const limited = (value) => Math.min(MOST, Math.max(0, value));
