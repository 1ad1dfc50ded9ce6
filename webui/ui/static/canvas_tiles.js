// A layer that can be painted on, as large as a picture, kept in tiles: only those that were touched exist, are kept
// for undo and are drawn anew. So large pictures stay quick, and no canvas is larger than browsers allow.

import { box, isEmpty, overlap, whole } from "./canvas_boxes.js";

const SIDE = 512;

export class Tiles {
  constructor(width, height) {
    this.size = { width, height };
    this.columns = Math.ceil(width / SIDE);
    this.count = this.columns * Math.ceil(height / SIDE);
    this.tiles = new Map(); // by number, counted row by row
    this.version = 0; // another after each change
  }

  // Where a tile lies; those at the right and at the bottom may be smaller.
  place(number) {
    const left = (number % this.columns) * SIDE;
    const top = Math.floor(number / this.columns) * SIDE;
    return overlap(box(left, top, left + SIDE, top + SIDE), whole(this.size));
  }

  touching(area) {
    const inside = overlap(area, whole(this.size));
    const found = [];
    if (isEmpty(inside)) return found;
    for (let row = Math.floor(inside.top / SIDE); row * SIDE < inside.bottom; row++) {
      for (let column = Math.floor(inside.left / SIDE); column * SIDE < inside.right; column++) found.push(row * this.columns + column);
    }
    return found;
  }

  // Calls `act(context, place)` for each tile in the area, its context in the picture's coordinates.
  // `edit` keeps what was there before.
  paint(area, edit, act) {
    for (const number of this.touching(area)) {
      edit.keep(number);
      const place = this.place(number);
      const context = this.context(number);
      context.save();
      context.translate(-place.left, -place.top);
      act(context, place);
      context.restore();
    }
    this.version += 1;
  }

  context(number) {
    let tile = this.tiles.get(number);
    if (!tile) {
      const { left, top, right, bottom } = this.place(number);
      tile = document.createElement("canvas");
      tile.width = right - left;
      tile.height = bottom - top;
      this.tiles.set(number, tile);
    }
    return tile.getContext("2d", { willReadFrequently: true });
  }

  // A tile's pixels, a number each; null if nothing was ever painted there.
  read(number) {
    const tile = this.tiles.get(number);
    if (!tile) return null;
    return new Uint32Array(this.context(number).getImageData(0, 0, tile.width, tile.height).data.buffer);
  }

  write(number, pixels) {
    this.version += 1;
    if (!pixels) return this.tiles.delete(number);
    const context = this.context(number);
    const { width, height } = context.canvas;
    context.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), width, height), 0, 0);
  }

  get isBlank() {
    return [...this.tiles.keys()].every((number) => this.read(number).every((pixel) => pixel === 0));
  }

  get numbers() {
    return Array.from({ length: this.count }, (_, number) => number);
  }
}
