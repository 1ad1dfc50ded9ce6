// Draws the picture and the layers over it, each on a canvas as fine as the screen, at most once a frame: of the layers
// only the part that has changed, and the picture only when the view has.

import { around, box, isEmpty, overlap, sides, union, whole } from "./canvas_boxes.js";

const PIXELATED = 2; // from this scale on pixels are shown as they are
const SQUARE = 8; // of the chequers behind what is transparent
const CHEQUERS = ["#8a8580", "#a8a29c"];
const ROOM = ["#f5a52433", "#f5a52466"];

export class Screen {
  constructor(below, above, view) {
    this.below = below.getContext("2d");
    this.above = above.getContext("2d");
    this.view = view;
    this.picture = null;
    this.layers = null;
    this.outline = null; // points around what is about to be filled
    this.room = null; // where the picture is to reach, if beyond its edges
    this.dirty = null; // the part of the layers to be drawn anew, in the picture's pixels
    this.moved = false;
    this.waiting = false;
    this.patterns = new Map();
  }

  show(picture, layers) {
    this.picture = picture;
    this.layers = layers;
    this.move();
  }

  // The view is another.
  move() {
    this.moved = true;
    this.wait();
  }

  // The layers are others in that part, or everywhere.
  change(area) {
    this.dirty = union(this.dirty, area ?? (this.layers && whole(this.layers.size)));
    this.wait();
  }

  setOutline(points) {
    if (points || this.outline) this.change();
    this.outline = points;
  }

  wait() {
    if (!this.waiting) requestAnimationFrame(() => this.draw());
    this.waiting = true;
  }

  draw() {
    this.waiting = false;
    const ratio = devicePixelRatio;
    const resized = [this.below, this.above].map((context) => resize(context.canvas, this.view.area, ratio)).some(Boolean);
    this.scale = this.view.zoom * ratio;
    this.corner = { x: this.view.x * ratio, y: this.view.y * ratio };
    if (this.moved || resized) this.drawPicture();
    if (this.moved || resized || this.dirty) this.drawLayers(this.moved || resized ? null : this.dirty);
    this.moved = false;
    this.dirty = null;
  }

  // From the picture's coordinates to the canvas's own, on whole pixels: so pieces meet without a seam.
  placed({ left, top, right, bottom }) {
    const across = (x) => Math.round(x * this.scale + this.corner.x);
    const down = (y) => Math.round(y * this.scale + this.corner.y);
    return box(across(left), down(top), across(right), down(bottom));
  }

  // The part of the picture that is in sight.
  get seen() {
    const { width, height } = this.above.canvas;
    const [{ x, y }, end] = [[0, 0], [width, height]].map(([across, down]) => ({ x: (across - this.corner.x) / this.scale, y: (down - this.corner.y) / this.scale }));
    return overlap(around([{ x, y }, end]), whole(this.picture));
  }

  drawPicture() {
    const context = this.below;
    const { width, height } = context.canvas;
    context.clearRect(0, 0, width, height);
    if (!this.picture) return;
    if (this.room) this.fill(this.placed(this.room), ROOM);
    if (isEmpty(this.seen)) return;
    const { bitmap, reduced } = this.picture;
    const source = reduced && this.scale <= reduced.width / bitmap.width ? reduced : bitmap;
    const share = source.width / bitmap.width;
    const { left, top, right, bottom } = this.seen;
    const to = this.placed(this.seen);
    this.fill(to, CHEQUERS);
    context.imageSmoothingEnabled = this.scale < PIXELATED;
    context.imageSmoothingQuality = "high";
    context.drawImage(source, left * share, top * share, (right - left) * share, (bottom - top) * share, ...sides(to));
  }

  // With chequers of two colours.
  fill(area, colors) {
    if (!this.patterns.has(colors)) this.patterns.set(colors, chequered(this.below, colors));
    this.below.clearRect(...sides(area));
    this.below.fillStyle = this.patterns.get(colors);
    this.below.fillRect(...sides(area));
  }

  drawLayers(area) {
    const context = this.above;
    const { width, height } = context.canvas;
    const part = area ? this.withEdges(this.placed(area)) : box(0, 0, width, height);
    context.save();
    context.beginPath();
    context.rect(...sides(part));
    context.clip();
    context.clearRect(0, 0, width, height);
    if (this.picture && !isEmpty(this.seen)) this.drawTiles(area ? this.around(area) : this.seen);
    context.restore();
  }

  // What is smoothed reaches into its neighbours.
  withEdges({ left, top, right, bottom }) {
    const more = Math.ceil(this.scale) + 1;
    return box(left - more, top - more, right + more, bottom + more);
  }

  around({ left, top, right, bottom }) {
    const more = Math.ceil(2 / this.scale) + 2;
    return overlap(box(left - more, top - more, right + more, bottom + more), this.seen);
  }

  drawTiles(area) {
    const context = this.above;
    context.imageSmoothingEnabled = this.scale < PIXELATED;
    for (const { layer, opacity } of this.layers.all) {
      context.globalAlpha = opacity;
      for (const number of layer.touching(area)) {
        const tile = layer.tiles.get(number);
        if (tile) context.drawImage(tile, ...sides(this.placed(layer.place(number))));
      }
    }
    context.globalAlpha = 1;
    if (this.outline) this.drawOutline();
  }

  drawOutline() {
    const context = this.above;
    const { x, y } = this.corner;
    for (const [color, dash] of [["#000", []], ["#fff", [6, 6]]]) {
      context.beginPath();
      for (const point of this.outline) context.lineTo(point.x * this.scale + x, point.y * this.scale + y);
      context.closePath();
      context.strokeStyle = color;
      context.lineWidth = devicePixelRatio;
      context.setLineDash(dash);
      context.stroke();
    }
  }

  // The colour that is seen at a point of the picture, as "#rrggbb"; mask and chequers are not.
  colorAt({ x, y }) {
    const at = { left: Math.floor(x), top: Math.floor(y) };
    if (at.left < 0 || at.top < 0 || at.left >= this.picture.width || at.top >= this.picture.height) return null;
    const probe = document.createElement("canvas");
    probe.width = probe.height = 1;
    const context = probe.getContext("2d");
    context.drawImage(this.picture.bitmap, -at.left, -at.top);
    const { sketch } = this.layers;
    for (const number of sketch.touching(box(at.left, at.top, at.left + 1, at.top + 1))) {
      const { left, top } = sketch.place(number);
      if (sketch.tiles.has(number)) context.drawImage(sketch.tiles.get(number), left - at.left, top - at.top);
    }
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return `#${[red, green, blue].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  }
}

function resize(canvas, { width, height }, ratio) {
  const size = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width === size[0] && canvas.height === size[1]) return false;
  [canvas.width, canvas.height] = size;
  return true;
}

function chequered(context, [dark, light]) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 2 * SQUARE;
  const drawn = tile.getContext("2d");
  drawn.fillStyle = dark;
  drawn.fillRect(0, 0, SQUARE, SQUARE);
  drawn.fillRect(SQUARE, SQUARE, SQUARE, SQUARE);
  drawn.fillStyle = light;
  drawn.fillRect(SQUARE, 0, SQUARE, SQUARE);
  drawn.fillRect(0, SQUARE, SQUARE, SQUARE);
  return context.createPattern(tile, "repeat");
}
