// Live painting: while one paints, the picture is drawn anew. What was painted last counts; nothing waits for it.

import { watchJob } from "./api.js";

const PAUSE = 150; // ms after a change of the form
const PATIENCE = 10_000; // ms for the server to take a wish

export class Live {
  // `stage()` is where the picture is shown; `ready()` tells whether there is anything to draw from.
  constructor(tab, { stage, ready }) {
    Object.assign(this, { tab, stage, ready });
    this.key = `${tab}-${Math.random().toString(36).slice(2)}`;
    this.seed = Math.floor(Math.random() * 2 ** 31); // stays, so that only what is painted changes the picture
    this.stale = false; // something has changed since the last wish
    this.asking = false; // a wish is on its way to the server
    this.watch = null; // of the job that is drawn
    this.timer = 0;
  }

  get isOn() {
    return document.querySelector(`#${this.tab}_live input`)?.checked ?? false;
  }

  painted() {
    this.stale = true;
    this.draw();
  }

  formChanged() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.painted(), PAUSE);
  }

  draw() {
    if (!this.isOn || !this.stale || this.asking || this.watch || !this.ready()) return;
    this.stale = false;
    if (this.stage()?.live) return; // a picture that was asked for isn't disturbed
    this.asking = true;
    this.timeout = setTimeout(() => this.answered(), PATIENCE);
    document.getElementById(`${this.tab}_live_draw`)?.click();
  }

  // What the canvas tells, as JSON, marked as a wish for a quick picture.
  marked(brought) {
    return JSON.stringify({ ...JSON.parse(brought), live: this.key, seed: this.seed });
  }

  answered() {
    clearTimeout(this.timeout);
    this.asking = false;
  }

  submitted(id) {
    this.answered();
    this.watch = watchJob(id, (kind, data) => this[`on_${kind}`]?.(data));
  }

  refused() {
    this.answered();
    this.draw();
  }

  // While it only waits for its turn, a newer wish takes its place.
  on_progress({ state }) {
    if (state === "queued" && this.stale) this.leave();
  }

  on_image(picture) {
    if (this.isOn && !this.stage()?.live) this.stage()?.pictures.showLive(picture.url);
  }

  on_end({ error }) {
    if (error && this.isOn) this.stage()?.setError(error);
    this.leave();
  }

  leave() {
    this.watch?.stop();
    this.watch = null;
    this.draw();
  }
}
