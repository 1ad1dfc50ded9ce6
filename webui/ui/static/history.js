// The History tab: all finished pictures in a grid, found, looked at, compared, kept and thrown away.

import { compare } from "./compare.js";
import { button, element, whileVisible } from "./dom.js";
import { Acts } from "./history_acts.js";
import { MOST, historyFacets, listHistory } from "./history_api.js";
import { Filters } from "./history_filters.js";
import { HistoryGrid } from "./history_grid.js";
import { Hands } from "./history_hands.js";
import { Large } from "./history_large.js";
import { HistoryPictures } from "./history_pictures.js";
import { Selection } from "./history_selection.js";
import { counted, dayAfter, dayOf } from "./history_words.js";

const EVERY = 5000;

export class HistoryTab {
  // `send(tab, picture)` brings a picture and what it tells to another tab.
  constructor(root, { send }) {
    this.root = root;
    this.gone = new AbortController(); // ends its hearing of what happens elsewhere on the page
    this.pictures = new HistoryPictures({ changed: (added) => this.changed(added), failed: (text) => this.acts.fail(text) });
    this.acts = new Acts(root, this.pictures, () => this.readFacets());
    this.selection = new Selection(() => this.chose());
    this.grid = new HistoryGrid(this.part(".dr-hist-scroll"), this.pictures, {
      chosen: (picture) => this.selection.has(picture),
      scrolled: () => this.showDay(),
    });
    this.filters = new Filters(this.part(".dr-hist-bar"), { changed: () => this.open(), jump: (day) => this.jump(day) });
    const left = (index) => this.grid.goTo(index);
    this.large = new Large(this.part(".dr-hist-large"), this.pictures, { acts: this.acts, send, left });
    new Hands(this.grid, this.selection, {
      open: (index) => this.large.open(index),
      favourite: () => this.favourite(),
      trash: () => this.remove(this.filters.values.trash ? "erase" : "trash"),
      failed: (text) => this.acts.fail(text),
    });
    this.wireSelection();
    const visible = whileVisible(root, EVERY, () => this.look());
    document.addEventListener("darkroom:ended", () => visible() && this.look(), { signal: this.gone.signal });
  }

  // Another takes its place: gradio has drawn the tab anew.
  stop() {
    this.gone.abort();
    this.grid.stop();
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  wireSelection() {
    const act = (name, does) => this.part(`.dr-hist-all-${name}`).addEventListener("click", does);
    act("favourite", () => this.favourite());
    act("compare", () => this.compare());
    act("zip", () => this.acts.zip(this.selection.ids));
    for (const how of ["trash", "restore", "erase"]) act(how, () => this.remove(how));
    act("clear", () => this.selection.clear());
    this.part(".dr-hist-select").addEventListener("click", () => this.selection.begin());
    this.part(".dr-hist-empty-trash").addEventListener("click", async () => (await this.acts.empty()) && this.selection.clear());
  }

  // The tab is in view.
  look() {
    if (this.pictures.total !== null) return this.pictures.refresh();
    return this.pictures.asking.size ? null : this.open();
  }

  async open() {
    this.selection.clear();
    this.acts.say("");
    this.grid.jump(0);
    await this.pictures.open(this.filters.values);
    this.readFacets();
  }

  async readFacets() {
    const facets = await historyFacets().catch(() => null);
    if (facets) this.filters.offer(facets);
    this.part(".dr-hist-empty-trash").disabled = !facets?.trash;
  }

  changed(added) {
    const { total } = this.pictures;
    this.grid.changed(added);
    if (this.shownTotal !== total && this.shownTotal !== undefined) this.readFacets();
    this.shownTotal = total;
    this.part(".dr-hist-total").textContent = total === null ? "" : counted(total);
    this.showEmpty(total);
    this.showDay();
  }

  showEmpty(total) {
    const box = this.part(".dr-hist-empty");
    box.hidden = total !== 0;
    this.part(".dr-hist-scroll").hidden = total === 0;
    if (total === 0) box.replaceChildren(...this.emptiness());
  }

  emptiness() {
    if (this.filters.narrows) {
      const all = button("Show all", "dr-hist-button", () => this.filters.clear());
      return [element("p", "", "No picture matches. Words are searched in prompts and settings; each has to be there."), all];
    }
    if (this.filters.values.trash) return [element("p", "", "The trash is empty. What you delete waits here until you empty it.")];
    return [
      element("p", "", "No pictures yet."),
      element("p", "", "All that you generate, inpaint or enlarge is kept here, with its settings. Write a prompt in txt2img to begin."),
    ];
  }

  // Of the picture on top, while one scrolls.
  showDay() {
    const picture = this.pictures.at(this.grid.top);
    const label = this.part(".dr-hist-now");
    label.textContent = picture && !this.filters.values.trash ? dayOf(picture) : "";
    label.hidden = !this.grid.top || !label.textContent;
  }

  // As many are before a day's as are of later days.
  async jump(day) {
    const since = [dayAfter(day), this.filters.values.since ?? ""].toSorted().at(-1);
    const later = await listHistory({ ...this.filters.values, since }, 0, 1).catch(() => null);
    if (later && this.pictures.total) this.grid.jump(Math.min(later.total, this.pictures.total - 1));
  }

  chose() {
    const { selection } = this;
    this.root.classList.toggle("dr-hist-choosing", selection.isOn);
    this.part(".dr-hist-chosen").hidden = !selection.isOn;
    const many = selection.size > MOST ? ` (${MOST.toLocaleString()} at most at a time)` : "";
    this.part(".dr-hist-number").textContent = `${selection.size.toLocaleString()} selected${many}`;
    for (const one of this.root.querySelectorAll(".dr-hist-all")) one.disabled = !selection.size || selection.size > MOST;
    this.part(".dr-hist-all-compare").disabled = selection.size !== 2;
    const favourites = selection.pictures.every(({ favourite }) => favourite);
    this.part(".dr-hist-all-favourite").textContent = selection.size && favourites ? "No favourite" : "Favourite";
    this.grid.changed(0);
  }

  // The selection, or where the keys are.
  get meant() {
    if (this.selection.size) return this.selection.pictures;
    return [this.pictures.at(this.grid.current)].filter(Boolean);
  }

  async favourite() {
    const { meant } = this;
    const is = !meant.every(({ favourite }) => favourite);
    if (!meant.length || !(await this.acts.favourite(meant.map(({ id }) => id), is))) return;
    for (const picture of meant) picture.favourite = is;
    this.chose();
  }

  async remove(how) {
    const ids = this.meant.map(({ id }) => id);
    if (ids.length && ids.length <= MOST && (await this.acts[how](ids))) this.selection.clear();
  }

  // The older one is what was before.
  compare() {
    const [before, after] = this.selection.pictures.toSorted((one, other) => one.created - other.created);
    compare({ ...before, title: dayOf(before) }, { ...after, title: dayOf(after) });
  }
}
