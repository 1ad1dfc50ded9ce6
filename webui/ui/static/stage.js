// The stage: preview, progress and result of a tab's jobs, in one place.

import { getJob, interruptJob, listJobs, runAgain, skipBatch, watchJob } from "./api.js";
import { button, element, warning } from "./dom.js";
import { Pictures } from "./pictures.js";
import { aloud, describe, outcome, outcomeAloud, shortly } from "./words.js";

const LOOKED_THROUGH = 50; // of one's newest jobs, for the last of this tab's kind
const ONE_COLUMN = "(max-width: 820px)"; // as in darkroom.css

export class Stage {
  // `acts` are what can be done with a finished picture; `titled()` is called when the window's title may be another.
  constructor(tab, root, { titled, ...acts }) {
    this.tab = tab;
    this.root = root;
    this.titled = titled;
    this.pictures = new Pictures(root, acts);
    this.waiting = []; // ids of this tab's jobs that come after the one shown
    this.own = new Set(); // ids of jobs begun in this browser tab
    this.job = null; // the id shown
    this.live = false; // whether the job shown is still to end
    this.visiting = false; // shown because it was picked from the list: stays when it is over
    this.progress = { state: "none", n_iter: 1 };
    this.watch = null;
    this.seen = new IntersectionObserver(() => this.watch?.look());
    this.seen.observe(root);
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  // Which jobs this browser tab follows outlives a reload; a new one takes up its owner's newest of its kind.
  // Gives back the parameters of the job that is shown.
  async restore() {
    const kept = JSON.parse(sessionStorage.getItem(`darkroom.${this.tab}`) ?? "[]");
    let shown = null;
    for (const id of kept) {
      const job = await getJob(id).catch(() => null);
      if (job) this.follow(id);
      shown ??= job;
    }
    if (this.job) return shown?.params;
    const newest = (await listJobs(LOOKED_THROUGH).catch(() => [])).find(({ live, kind }) => !live && kind === this.tab);
    if (newest && !this.job) this.show(newest.id);
    return newest?.params;
  }

  // Another takes its place: gradio has drawn the tab anew.
  leave() {
    this.watch?.stop();
    this.seen.disconnect();
  }

  remember() {
    const ids = [this.job, ...this.waiting].filter((id) => this.own.has(id));
    sessionStorage.setItem(`darkroom.${this.tab}`, JSON.stringify(ids));
  }

  submitted(id) {
    this.follow(id);
    this.comeIntoSight();
  }

  // A job begun here waits until the last one begun here is over; it takes the place of any other's at once.
  follow(id) {
    const waits = this.live && this.own.has(this.job);
    this.own.add(id);
    if (waits) {
      this.waiting.push(id);
      this.showStatus();
    } else {
      this.show(id);
    }
    this.remember();
  }

  // Shows a job picked from the list; the live one waits to be gone back to.
  visit(id) {
    if (this.live && this.job === id) return;
    this.waiting = this.waiting.filter((waiting) => waiting !== id);
    if (this.live) this.waiting.unshift(this.job);
    this.show(id, true);
    this.comeIntoSight();
  }

  // Where it lies below what was pressed.
  comeIntoSight() {
    if (matchMedia(ONE_COLUMN).matches && this.root.offsetParent) this.part(".dr-status").scrollIntoView({ block: "nearest" });
  }

  show(id, visiting = false) {
    this.watch?.stop();
    this.job = id;
    this.live = true;
    this.visiting = visiting;
    this.progress = { state: "queued", step: 0, steps: 0 };
    this.pictures.begin();
    this.setError("");
    this.part(".dr-notices").replaceChildren();
    this.watch = watchJob(id, (kind, data) => this[`on_${kind}`](data), () => this.root.offsetParent !== null);
    this.draw();
    this.remember();
  }

  goOn() {
    const next = this.waiting.shift();
    if (next) this.show(next);
  }

  on_progress(data) {
    this.progress = data;
    this.draw();
  }

  on_preview({ images }) {
    this.pictures.develop(images);
  }

  on_image(picture) {
    this.pictures.add(picture);
  }

  on_notice({ text }) {
    this.part(".dr-notices").append(element("li", "", text));
  }

  on_end({ state, error }) {
    this.live = false;
    this.progress = { ...this.progress, state };
    // An interrupted picture stays as far as it got.
    this.pictures.end();
    this.draw();
    if (error) this.setError(error);
    document.dispatchEvent(new CustomEvent("darkroom:ended"));
    if (!this.visiting) this.goOn();
  }

  draw() {
    this.root.classList.toggle("dr-live", this.live);
    this.drawButtons();
    this.drawProgress();
    this.showStatus();
  }

  drawButtons() {
    this.enable("interrupt", this.live);
    this.enable("skip", this.live && this.progress.n_iter > 1);
  }

  enable(button, enabled) {
    document.getElementById(`${this.tab}_${button}`)?.toggleAttribute("disabled", !enabled);
  }

  drawProgress() {
    const { state, step, steps, share: done = 0 } = this.progress;
    const share = state === "running" ? done : 0;
    const bar = this.part(".dr-progress");
    bar.hidden = !this.live;
    bar.setAttribute("aria-valuenow", Math.round(share * 100));
    bar.classList.toggle("dr-busy", this.live && (state === "queued" || !step || step === steps));
    bar.firstElementChild.style.width = `${share * 100}%`;
  }

  showStatus() {
    const { state } = this.progress;
    const text = this.live ? describe(this.progress) : outcome(state, this.pictures.count);
    const more = this.live && this.waiting.length ? ` · ${this.waiting.length} more of yours after it` : "";
    this.part(".dr-status").textContent = text + more;
    if (!this.live && ["interrupted", "failed"].includes(state)) this.offer(this.againName, () => this.again());
    if (!this.live && this.visiting && this.waiting.length) this.offer("Back to the running job", () => this.goOn());
    this.announce(this.live ? aloud(this.progress) : outcomeAloud(state, this.pictures.count));
    this.titled();
  }

  // A training that has stopped goes on where it was.
  get againName() {
    return this.tab === "train" ? "Resume" : "Run again";
  }

  // For the window's title; empty if nothing is drawn.
  get title() {
    return this.live ? shortly(this.progress) : "";
  }

  announce(text) {
    const said = this.part(".dr-announce");
    if (said.textContent !== text) said.textContent = text;
  }

  offer(name, act) {
    this.part(".dr-status").append(" ", button(name, "dr-again", act));
  }

  async again() {
    try {
      this.submitted((await runAgain(this.job)).id);
    } catch (error) {
      this.setError(error.message);
    }
  }

  setError(text) {
    this.root.querySelector(".dr-error")?.remove();
    if (text) this.part(".dr-status").after(warning("dr-error", text));
  }

  async interrupt() {
    if (this.live) await interruptJob(this.job).catch((error) => this.setError(error.message));
  }

  async skip() {
    if (this.live) await skipBatch(this.job).catch((error) => this.setError(error.message));
  }
}
