// What is painted with: the tool, its size and its colour; and the bars that show them.

const SMALLEST = 1;
const LARGEST = 1000;
const SLIDER = 1000; // steps of the slider, which is finer where brushes are small
const SHARE = 12; // the brush at first: a twelfth of the picture's shorter side
const GROWTH = 1.15;

export class Tools {
  // `changed()` hears of another tool or size, `sliding(whether)` of when the size is about to change.
  constructor(root, { changed, sliding, signal }) {
    this.root = root;
    this.changed = changed;
    this.tool = "brush";
    this.size = 40;
    this.chosenSize = false; // by hand: it stays whatever the picture
    this.pressure = true;
    this.penSeen = false;
    this.before = "brush"; // what comes back after the pipette
    const hear = (element, name, act) => element.addEventListener(name, act, { signal });
    root.querySelectorAll("[data-tool]").forEach((one) => hear(one, "click", () => this.choose(one.dataset.tool)));
    hear(this.slider, "input", () => {
      this.setSize(sizeAt(this.slider.value));
      sliding(true);
    });
    hear(this.slider, "change", () => sliding(false));
    hear(this.part('[data-switch="pressure"]'), "click", () => this.setPressure(!this.pressure));
    this.draw();
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  get slider() {
    return this.part(".dr-canvas-size input");
  }

  get color() {
    return this.part(".dr-canvas-color input").value;
  }

  set color(color) {
    this.part(".dr-canvas-color input").value = color;
  }

  // Whether the tool is a brush, which has a size.
  get isBrush() {
    return this.tool === "brush" || this.tool === "eraser";
  }

  choose(tool) {
    if (this.part(`[data-tool="${tool}"]`)?.hidden) return;
    if (tool === "pipette" && this.tool !== "pipette") this.before = this.tool;
    this.tool = tool;
    this.draw();
  }

  picked(color) {
    if (color) this.color = color;
    if (this.tool === "pipette") this.choose(this.before === "eraser" ? "brush" : this.before);
  }

  setSize(size) {
    this.chosenSize = true;
    this.size = limited(Math.round(size));
    this.draw();
  }

  grow(steps) {
    const next = Math.round(this.size * GROWTH ** steps);
    this.setSize(next === this.size ? this.size + steps : next);
  }

  // A brush that suits the picture, as long as none was chosen.
  suit({ width, height }) {
    if (this.chosenSize) return;
    this.size = limited(Math.round(Math.min(width, height) / SHARE));
    this.draw();
  }

  setPressure(on) {
    this.pressure = on;
    this.draw();
  }

  noticePen() {
    this.penSeen = true;
    this.draw();
  }

  // Only what the mode has use for.
  show(mode, isFilled) {
    for (const one of this.root.querySelectorAll("[data-modes]")) {
      one.hidden = !isFilled || !one.dataset.modes.split(" ").includes(mode);
    }
    if (this.part(`[data-tool="${this.tool}"]`).hidden) this.tool = "brush";
    this.draw();
  }

  draw() {
    for (const one of this.root.querySelectorAll("[data-tool]")) one.setAttribute("aria-pressed", one.dataset.tool === this.tool);
    this.slider.value = placeOf(this.size);
    this.slider.setAttribute("aria-valuetext", `${this.size} pixels`);
    this.part(".dr-canvas-size output").textContent = this.size;
    const pressure = this.part('[data-switch="pressure"]');
    pressure.classList.toggle("dr-canvas-unseen", !this.penSeen);
    pressure.setAttribute("aria-pressed", this.pressure);
    this.changed();
  }
}

const limited = (size) => Math.min(LARGEST, Math.max(SMALLEST, size));
const sizeAt = (place) => LARGEST ** (place / SLIDER);
const placeOf = (size) => Math.round((Math.log(size) / Math.log(LARGEST)) * SLIDER);
