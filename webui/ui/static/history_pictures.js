// The pictures of the history that are known so far, by their place in the list: what is looked at is asked for.

import { listHistory } from "./history_api.js";

const PAGE = 100;
const PAUSE = 60; // ms that the view has to rest before it is asked for what it shows
const KEPT = 6000; // pictures; beyond that those far away are let go

export class HistoryPictures {
  // `changed(added)`: other pictures are known, or there are more: `added` new ones at the beginning.
  constructor({ changed, failed }) {
    Object.assign(this, { changed, failed });
    this.filters = {};
    this.known = []; // with holes
    this.total = null; // null: not yet told
    this.asking = new Map(); // page -> what ends the wait for it
    this.turn = 0; // counts what makes earlier answers worthless
  }

  // Begins anew with other filters.
  async open(filters) {
    this.filters = filters;
    this.forget();
    this.total = null;
    await this.ask(0);
  }

  forget() {
    this.stop();
    this.known = [];
  }

  stop() {
    this.turn += 1;
    clearTimeout(this.timer);
    for (const asking of this.asking.values()) asking.abort();
    this.asking.clear();
  }

  at(index) {
    return this.known[index];
  }

  placeOf(id) {
    return this.known.findIndex((picture) => picture?.id === id);
  }

  // Asks for what isn't known of these places, both included, once the view rests.
  want(first, last) {
    this.wanted = [first, last];
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.askWanted(), PAUSE);
  }

  askWanted() {
    if (this.total === null || !this.wanted) return;
    const pages = this.missing(...this.wanted);
    for (const [page, asking] of this.asking) {
      if (pages.includes(page)) continue;
      asking.abort();
      this.asking.delete(page);
    }
    for (const page of pages) if (!this.asking.has(page)) this.ask(page);
  }

  missing(first, last) {
    const pages = new Set();
    for (let index = first; index <= Math.min(last, this.total - 1); index += 1) {
      if (!this.known[index]) pages.add(Math.floor(index / PAGE));
    }
    return [...pages];
  }

  async ask(page) {
    const asking = new AbortController();
    this.asking.set(page, asking);
    try {
      const answer = await listHistory(this.filters, page * PAGE, PAGE, asking.signal);
      if (this.asking.get(page) === asking) await this.take(page * PAGE, answer);
    } catch (error) {
      if (error.name !== "AbortError") this.failed(error.message);
    } finally {
      if (this.asking.get(page) === asking) this.asking.delete(page);
    }
  }

  async take(offset, { total, pictures }) {
    // Something was added or taken away elsewhere: places aren't what they were.
    if (this.total !== null && total !== this.total) return this.refresh();
    this.total = total;
    this.put(offset, pictures);
    this.letGo(offset);
    this.changed(0);
  }

  put(offset, pictures) {
    pictures.forEach((picture, place) => (this.known[offset + place] = picture));
  }

  // The first page always stays: by it one sees what is new.
  letGo(near) {
    const places = Object.keys(this.known);
    if (places.length <= KEPT) return;
    for (const place of places) {
      if (place >= PAGE && Math.abs(place - near) > KEPT / 4) delete this.known[place];
    }
  }

  // Looks whether there is anything new.
  async refresh() {
    const turn = this.turn;
    const answer = await listHistory(this.filters, 0, PAGE).catch(() => null);
    if (!answer || turn !== this.turn || this.total === null) return;
    this.reconcile(answer);
    // Where an answer didn't come, it is asked for again.
    this.askWanted();
  }

  reconcile({ total, pictures }) {
    const added = total - this.total;
    const newest = this.known[0]?.id;
    const place = pictures.findIndex(({ id }) => id === newest);
    const isSame = added === 0 && (place === 0 || total === 0);
    if (isSame && JSON.stringify(pictures) === JSON.stringify(this.known.slice(0, PAGE))) return;
    const onTop = added > 0 && place === added;
    if (!isSame) this.stop();
    if (onTop) this.known.splice(0, 0, ...pictures.slice(0, added));
    else if (!isSame) this.known = [];
    this.total = total;
    this.put(0, pictures);
    this.changed(onTop ? added : 0);
  }

  // These are no longer among what is listed.
  remove(ids) {
    const gone = new Set(ids);
    const kept = [];
    let removed = 0;
    this.known.forEach((picture, index) => {
      if (gone.has(picture.id)) removed += 1;
      else kept[index - removed] = picture;
    });
    this.stop();
    // Places after one that isn't known can't be told.
    this.known = removed === gone.size ? kept : [];
    this.total = Math.max(0, this.total - gone.size);
    this.changed(0);
    this.refresh();
  }

  change(ids, values) {
    const meant = new Set(ids);
    this.known.forEach((picture) => meant.has(picture.id) && Object.assign(picture, values));
    this.changed(0);
  }

  // Those of these places, both included, asked for if need be.
  async range(first, last) {
    const { turn } = this;
    await Promise.all(this.missing(first, last).map(async (page) => {
      const { pictures } = await listHistory(this.filters, page * PAGE, PAGE);
      if (turn === this.turn) this.put(page * PAGE, pictures);
    }));
    return this.known.slice(first, last + 1).filter(Boolean);
  }
}
