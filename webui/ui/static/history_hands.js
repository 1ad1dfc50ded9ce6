// Mouse, finger and keys in the grid of the history.

import { MOST } from "./history_api.js";

const LONG = 500; // ms that a finger rests to choose
const FAR = 10; // px that it may move meanwhile

export class Hands {
  // `acts`: open(index), favourite(), trash(), failed(sentence).
  constructor(grid, selection, acts) {
    Object.assign(this, { grid, selection, acts });
    const { list, root } = grid;
    list.addEventListener("click", (event) => this.click(event));
    list.addEventListener("pointerdown", (event) => this.press(event));
    for (const name of ["pointerup", "pointercancel"]) list.addEventListener(name, () => clearTimeout(this.resting));
    list.addEventListener("pointermove", (event) => this.move(event));
    list.addEventListener("contextmenu", (event) => this.wasLong && event.preventDefault());
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("focusin", ({ target }) => {
      if (target.dataset.index) grid.current = Number(target.dataset.index);
    });
  }

  click(event) {
    const cell = event.target.closest(".dr-hist-cell");
    if (!cell || this.wasLong) return;
    const index = Number(cell.dataset.index);
    this.grid.current = index;
    const ticks = this.selection.isOn || event.ctrlKey || event.metaKey || event.target.closest(".dr-hist-tick");
    if (event.shiftKey) this.extend(index);
    else if (ticks) this.toggle(index);
    else this.acts.open(index);
  }

  press({ pointerType, target, clientX, clientY }) {
    this.wasLong = false;
    clearTimeout(this.resting);
    const cell = target.closest(".dr-hist-cell");
    if (pointerType !== "touch" || !cell) return;
    this.pressed = [clientX, clientY];
    this.resting = setTimeout(() => {
      this.wasLong = true;
      this.toggle(Number(cell.dataset.index));
    }, LONG);
  }

  move({ clientX, clientY }) {
    const [x, y] = this.pressed ?? [clientX, clientY];
    if (Math.hypot(clientX - x, clientY - y) > FAR) clearTimeout(this.resting);
  }

  toggle(index) {
    const picture = this.grid.pictures.at(index);
    if (picture) this.selection.toggle(picture);
  }

  // All from where one chose last to here.
  async extend(index) {
    const from = this.grid.pictures.placeOf(this.selection.anchor);
    if (from < 0) return this.toggle(index);
    const [first, last] = [Math.min(from, index), Math.max(from, index)];
    return this.choose(first, Math.min(last, first + MOST - 1), last - first >= MOST);
  }

  async choose(first, last, isCut) {
    try {
      this.selection.add(await this.grid.pictures.range(first, last));
      if (isCut) this.acts.failed(`${MOST.toLocaleString()} pictures at most can be chosen at a time.`);
    } catch (error) {
      this.acts.failed(error.message);
    }
  }

  key(event) {
    const { current, total } = this.grid;
    const to = this.target(event.key, current);
    if (to !== null && total) this.walk(event, Math.max(0, Math.min(total - 1, to)));
    else if (event.key === "Enter") this.does(event, () => this.acts.open(current));
    else if (event.key === " ") this.does(event, () => this.toggle(current));
    else if (event.key === "Delete") this.does(event, () => this.acts.trash());
    else if (event.key === "Escape" && this.selection.isOn) this.does(event, () => this.selection.clear());
    else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) this.does(event, () => this.all());
    else if (event.key.toLowerCase() === "f" && !event.ctrlKey && !event.metaKey) this.does(event, () => this.acts.favourite());
  }

  does(event, act) {
    event.preventDefault();
    act();
  }

  target(key, from) {
    const { columns, rowsInView, total } = this.grid;
    const page = columns * rowsInView;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -page, PageDown: page };
    if (key === "Home") return 0;
    if (key === "End") return total - 1;
    return key in steps ? from + steps[key] : null;
  }

  walk(event, to) {
    event.preventDefault();
    if (event.shiftKey && !this.selection.anchor) this.toggle(this.grid.current);
    this.grid.goTo(to);
    if (event.shiftKey) this.extend(to);
  }

  all() {
    return this.choose(0, Math.min(this.grid.total, MOST) - 1, this.grid.total > MOST);
  }
}
