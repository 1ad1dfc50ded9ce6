// From where the pointer goes to what is painted: `to(point)` and `end()` give a shape, or null.

import { capsule, polygon, rectangle } from "./canvas_shapes.js";

const LIGHTEST = 0.15; // of the brush's size, at no pressure

export class BrushStroke {
  // `size` is the brush's diameter, in the picture's pixels. `from` is where the stroke before ended, for a straight line.
  constructor(size, { pressure = false, from = null } = {}) {
    this.size = size;
    this.pressure = pressure;
    this.last = from;
  }

  to(point) {
    const disc = this.disc(point);
    const shape = capsule(this.last ?? disc, disc);
    this.last = disc;
    return shape;
  }

  end() {
    return null;
  }

  get outline() {
    return null;
  }

  disc({ x, y, pressure, type }) {
    const share = this.pressure && type === "pen" ? LIGHTEST + (1 - LIGHTEST) * pressure : 1;
    const radius = Math.max(0.5, (this.size * share) / 2);
    // A brush as thin as a pixel would pass between the pixels' centres.
    if (radius < 1) return { x: Math.floor(x) + 0.5, y: Math.floor(y) + 0.5, radius };
    return { x, y, radius };
  }
}

// The pointer goes around what is to be filled.
export class LassoStroke {
  constructor() {
    this.points = [];
  }

  to(point) {
    this.points.push(point);
    return null;
  }

  end() {
    return this.points.length > 2 ? polygon(this.points) : null;
  }

  get outline() {
    return this.points;
  }
}

export class RectangleStroke {
  constructor() {
    this.first = null;
    this.last = null;
  }

  to(point) {
    this.first ??= point;
    this.last = point;
    return null;
  }

  end() {
    const { box, ...shape } = rectangle(this.first, this.last);
    return box.right > box.left && box.bottom > box.top ? { box, ...shape } : null;
  }

  get outline() {
    const { left, top, right, bottom } = rectangle(this.first, this.last).box;
    return [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
  }
}
