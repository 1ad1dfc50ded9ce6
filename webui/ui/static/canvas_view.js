// Where the picture stands on the screen: how large, and where its corner is. Lengths on the screen are CSS pixels.

import { box } from "./canvas_boxes.js";

const SMALLEST = 0.01;
const LARGEST = 40;
const IN_SIGHT = 48; // of the picture, however far it is moved

export class View {
  constructor() {
    this.area = { width: 1, height: 1 };
    this.content = box(0, 0, 1, 1); // what is to be seen, in the picture's pixels
    this.margin = 0;
    this.fitted = true; // and stays so when the area's size changes
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
  }

  // All of the content, as large as there is room; nothing is enlarged beyond whole multiples of its pixels.
  fit() {
    const { left, top, right, bottom } = this.content;
    const room = ({ width, height }) => [width - 2 * this.margin, height - 2 * this.margin].map((length) => Math.max(1, length));
    const [width, height] = room(this.area);
    const zoom = Math.min(width / (right - left), height / (bottom - top));
    this.zoom = zoom > 2 ? Math.floor(zoom) : zoom;
    this.x = (this.area.width - (left + right) * this.zoom) / 2;
    this.y = (this.area.height - (top + bottom) * this.zoom) / 2;
    this.fitted = true;
  }

  // The area has another size: what was in its middle stays there.
  resize(width, height) {
    const middle = this.toPicture(this.middle);
    this.area = { width, height };
    if (this.fitted) return this.fit();
    this.x = width / 2 - middle.x * this.zoom;
    this.y = height / 2 - middle.y * this.zoom;
    this.hold();
  }

  // What lies under `point` stays under it.
  zoomAt(point, factor) {
    const { x, y } = this.toPicture(point);
    this.zoom = Math.min(LARGEST, Math.max(SMALLEST, this.zoom * factor));
    this.x = point.x - x * this.zoom;
    this.y = point.y - y * this.zoom;
    this.fitted = false;
    this.hold();
  }

  zoomTo(zoom) {
    this.zoomAt(this.middle, zoom / this.zoom);
  }

  pan(across, down) {
    this.x += across;
    this.y += down;
    this.fitted = false;
    this.hold();
  }

  // Never quite out of sight.
  hold() {
    const { left, top, right, bottom } = this.content;
    const held = (place, first, last, length) => Math.min(length - IN_SIGHT - first * this.zoom, Math.max(IN_SIGHT - last * this.zoom, place));
    this.x = held(this.x, left, right, this.area.width);
    this.y = held(this.y, top, bottom, this.area.height);
  }

  get middle() {
    return { x: this.area.width / 2, y: this.area.height / 2 };
  }

  // Whether all of the content is in the area.
  get complete() {
    const { left, top, right, bottom } = this.content;
    const [first, last] = [this.toScreen({ x: left, y: top }), this.toScreen({ x: right, y: bottom })];
    return first.x >= 0 && first.y >= 0 && last.x <= this.area.width && last.y <= this.area.height;
  }

  toPicture({ x, y }) {
    return { x: (x - this.x) / this.zoom, y: (y - this.y) / this.zoom };
  }

  toScreen({ x, y }) {
    return { x: x * this.zoom + this.x, y: y * this.zoom + this.y };
  }
}
