// The circle that shows where and how large the brush is.

const TINY = 5; // CSS pixels: smaller ones are shown by the pointer's cross

export class Cursor {
  constructor(circle, area) {
    Object.assign(this, { circle, area });
    this.point = null; // where the pointer is, on the screen
  }

  // `size` is the brush's diameter in CSS pixels; 0 for what is no brush. `kind` names the pointer's form.
  draw(size, kind) {
    const { circle, area, point } = this;
    const isCircle = size >= TINY;
    area.dataset.cursor = kind === "paint" && isCircle ? "none" : kind;
    circle.hidden = !point || kind !== "paint" || !isCircle;
    if (circle.hidden) return;
    circle.style.width = circle.style.height = `${size}px`;
    circle.style.transform = `translate(${point.x}px, ${point.y}px) translate(-50%, -50%)`;
  }
}
