// The canvas's keys: heard while it has the focus, or while the pointer is over it and nothing else has.

const TOOLS = { b: "brush", e: "eraser", m: "rectangle", l: "lasso", i: "pipette" };
const ACTS = { "+": "zoom_in", "=": "zoom_in", "-": "zoom_out", 0: "fit", r: "fit", 1: "actual", s: "expand" };
const MOVING = [" ", "f"];
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const FAR = 40; // pixels that an arrow moves the view
const TYPED_INTO = "textarea, select, input:not([type=range], [type=radio], [type=color], [type=file]), [contenteditable]";

export class Keys {
  // `acts`: act(name), choose(tool), grow(steps), pan(across, down), moving(whether), and expanded.
  constructor(root, area, acts, signal) {
    Object.assign(this, { root, area, acts });
    this.over = false; // whether the pointer is over the area
    area.addEventListener("pointerenter", () => (this.over = true), { signal });
    area.addEventListener("pointerleave", () => (this.over = false), { signal });
    document.addEventListener("keydown", (event) => this.down(event), { signal });
    document.addEventListener("keyup", (event) => MOVING.includes(event.key.toLowerCase()) && acts.moving(false), { signal });
    // Before the page's own, for which Escape interrupts the job.
    window.addEventListener("keydown", (event) => this.escape(event), { signal, capture: true });
  }

  isOurs({ target }) {
    if (this.root.contains(target)) return !target.closest(TYPED_INTO);
    return this.over && target === document.body;
  }

  // Whether the key would do something to what has the focus.
  isFree({ target }) {
    return target === this.area || target === document.body;
  }

  down(event) {
    if (event.defaultPrevented || event.isComposing || !this.isOurs(event)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const done = event.ctrlKey || event.metaKey ? this.withControl(event, key) : !event.altKey && this.plain(event, key);
    if (done) event.preventDefault();
  }

  withControl(event, key) {
    const name = { z: event.shiftKey ? "redo" : "undo", y: "redo" }[key];
    if (name) this.acts.act(name);
    return Boolean(name);
  }

  plain(event, key) {
    if (MOVING.includes(key) && this.isFree(event)) this.acts.moving(true);
    else if (ARROWS[key] && this.isFree(event)) this.acts.pan(...ARROWS[key].map((way) => way * FAR));
    else if (key === "[" || key === "]") this.acts.grow(key === "]" ? 1 : -1);
    else if (TOOLS[key]) this.acts.choose(TOOLS[key]);
    else if (ACTS[key]) this.acts.act(ACTS[key]);
    else return false;
    return true;
  }

  escape(event) {
    if (event.key !== "Escape" || !this.acts.expanded || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    event.stopPropagation();
    this.acts.act("expand");
  }
}
