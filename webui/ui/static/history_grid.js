// The grid of the history: as tall as all its rows, but only those in view are there.

import { dropCell, fillCell, makeCell } from "./history_cell.js";
import { dayOf } from "./history_words.js";

const GAP = 4; // px, as in history.css
const BEYOND = 2; // rows that are there above and below the view
const LEAST = 3; // columns
const WIDE = 700; // px, from which on cells are larger
const SIDES = [120, 170]; // px, the least of a cell

export class HistoryGrid {
  // `acts.chosen(picture)`: whether it is one of the selection; `acts.scrolled()`.
  constructor(root, pictures, acts) {
    Object.assign(this, { root, pictures, acts });
    this.sizer = root.querySelector(".dr-hist-sizer");
    this.list = root.querySelector(".dr-hist-list");
    this.cells = new Map(); // index -> cell
    this.columns = LEAST;
    this.row = 1; // px, from one row to the next
    this.top = 0; // the first picture in view
    this.current = 0; // the one that the keys are at
    root.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.sized = new ResizeObserver(() => this.resized());
    this.sized.observe(root);
  }

  stop() {
    this.sized.disconnect();
  }

  get total() {
    return this.pictures.total ?? 0;
  }

  get rowsInView() {
    return Math.max(1, Math.floor(this.root.clientHeight / this.row));
  }

  measure() {
    const width = this.sizer.clientWidth;
    const least = SIDES[Number(width >= WIDE)];
    this.columns = Math.max(LEAST, Math.floor((width + GAP) / (least + GAP)));
    this.row = (width - GAP * (this.columns - 1)) / this.columns + GAP;
    this.sizer.style.height = `${Math.max(0, Math.ceil(this.total / this.columns) * this.row - GAP)}px`;
    this.list.style.setProperty("--columns", this.columns);
  }

  // The same picture stays on top, whatever the width; so it does when the tab is shown again.
  resized() {
    if (!this.root.clientWidth) return;
    this.measure();
    this.root.scrollTop = Math.floor(this.top / this.columns) * this.row;
    this.draw();
  }

  scrolled() {
    if (!this.root.clientWidth) return;
    this.top = Math.round(this.root.scrollTop / this.row) * this.columns;
    this.draw();
    this.acts.scrolled();
  }

  // `added` new pictures have come at the beginning: who looks at others goes on looking at them.
  changed(added) {
    const wasFocused = this.list.contains(document.activeElement);
    if (!this.root.clientWidth) {
      this.top = this.top && this.top + added;
      this.current += added;
      return;
    }
    this.measure();
    if (added && this.top) this.root.scrollTop += Math.round(added / this.columns) * this.row;
    if (added && (this.top || wasFocused)) this.current += added;
    this.current = Math.max(0, Math.min(this.current, this.total - 1));
    this.draw();
    if (wasFocused) this.cells.get(this.current)?.focus({ preventScroll: true });
  }

  draw() {
    const { scrollTop, clientHeight } = this.root;
    const first = Math.max(0, Math.floor(scrollTop / this.row) - BEYOND) * this.columns;
    const last = Math.min(this.total, (Math.ceil((scrollTop + clientHeight) / this.row) + BEYOND) * this.columns) - 1;
    this.list.style.transform = `translateY(${(first / this.columns) * this.row}px)`;
    this.removeBeyond(first, last);
    for (let index = first; index <= last; index += 1) this.drawCell(index, first);
    this.rove(first, last);
    if (last >= first) this.pictures.want(first, last);
  }

  removeBeyond(first, last) {
    for (const [index, cell] of this.cells) {
      if (index >= first && index <= last) continue;
      // The keys go on from where they were.
      if (cell === document.activeElement) this.root.focus({ preventScroll: true });
      this.cells.delete(index);
      dropCell(cell);
    }
  }

  drawCell(index, first) {
    let cell = this.cells.get(index);
    if (!cell) {
      cell = makeCell();
      this.cells.set(index, cell);
      this.list.insertBefore(cell, this.list.children[index - first] ?? null);
    }
    const picture = this.pictures.at(index);
    const startsDay = !this.pictures.filters.trash && this.startsDay(index);
    fillCell(cell, picture, { index, total: this.total, chosen: Boolean(picture) && this.acts.chosen(picture), startsDay });
  }

  startsDay(index) {
    const [before, picture] = [this.pictures.at(index - 1), this.pictures.at(index)];
    return Boolean(picture && (index === 0 || (before && dayOf(before) !== dayOf(picture))));
  }

  // One of the cells can be reached by Tab: where the keys are, or the first in view.
  rove(first, last) {
    const inside = this.current >= first && this.current <= last;
    const reached = inside ? this.current : Math.min(this.top, last);
    for (const [index, cell] of this.cells) cell.tabIndex = index === reached ? 0 : -1;
  }

  // Brings a place into view and the keys to it.
  goTo(index) {
    this.show(index);
    this.current = index;
    this.draw();
    this.cells.get(index)?.focus({ preventScroll: true });
  }

  show(index) {
    const above = Math.floor(index / this.columns) * this.row;
    const { scrollTop, clientHeight } = this.root;
    if (above < scrollTop) this.root.scrollTop = above;
    else if (above + this.row - GAP > scrollTop + clientHeight) this.root.scrollTop = above + this.row - GAP - clientHeight;
  }

  // To the top of the view.
  jump(index) {
    this.current = index;
    this.root.scrollTop = Math.floor(index / this.columns) * this.row;
    this.scrolled();
  }
}
