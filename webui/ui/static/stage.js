// The stage: preview, progress and result of a tab's jobs, in one place.

import { getJob, imageUrl, interruptJob, listJobs, runAgain, skipBatch, watchJob } from "./api.js";

const TITLE = "Darkroom";

export class Stage {
  constructor(tab, root) {
    this.tab = tab;
    this.root = root;
    this.waiting = []; // ids of this tab's jobs that come after the one shown
    this.job = null; // the id shown
    this.live = false; // whether the job shown is still to end
    this.own = new Set(); // ids of jobs begun in this browser tab
    this.progress = { state: "none", n_iter: 1 };
    this.pictures = [];
    this.chosen = 0;
    this.stop = null;
    this.part(".dr-copy").addEventListener("click", () => this.copyInfotext());
    this.part(".dr-view").addEventListener("keydown", (event) => this.onKey(event));
    this.part(".dr-view").addEventListener("click", () => this.enlarge());
    this.part(".dr-large").addEventListener("click", () => this.part(".dr-large").close());
    this.part(".dr-large").addEventListener("keydown", (event) => this.onKey(event));
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  // Which jobs this browser tab follows outlives a reload; a new tab takes up its owner's newest job.
  async restore() {
    const kept = JSON.parse(sessionStorage.getItem(`darkroom.${this.tab}`) ?? "[]");
    for (const id of kept) {
      const job = await getJob(id).catch(() => null);
      if (job) this.submitted(id);
    }
    if (this.job) return;
    const [newest] = await listJobs(1).catch(() => []);
    if (newest && !this.job) this.show(newest.id);
  }

  remember() {
    const ids = [this.job, ...this.waiting].filter((id) => this.own.has(id));
    sessionStorage.setItem(`darkroom.${this.tab}`, JSON.stringify(ids));
  }

  // A job begun here waits until the last one begun here is over; it takes the place of any other's at once.
  submitted(id) {
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

  // Shows a job chosen from the list; the one that was live here is shown again after it.
  bringForward(id) {
    if (this.live && this.job === id) return;
    this.waiting = this.waiting.filter((waiting) => waiting !== id);
    if (this.live) this.waiting.unshift(this.job);
    this.show(id);
  }

  show(id) {
    this.stop?.();
    this.job = id;
    this.live = true;
    this.progress = { state: "queued", phase: "starting", step: 0, steps: 0 };
    this.pictures = [];
    this.chosen = 0;
    this.fresh = true; // the last job's picture stays until this one has something to show
    this.setError("");
    this.stop = watchJob(id, (kind, data) => this[`on_${kind}`](data));
    this.draw();
    this.remember();
  }

  on_progress(data) {
    this.progress = data;
    this.draw();
  }

  on_preview({ images }) {
    this.fresh = false;
    this.showPictures(images, true);
  }

  on_image(picture) {
    this.pictures.push(picture);
    this.chosen = this.pictures.length - 1;
    this.fresh = false;
    this.drawPictures();
  }

  on_end({ state, error }) {
    this.live = false;
    this.progress = { ...this.progress, state };
    if (this.pictures.length) this.drawPictures();
    this.draw();
    if (error) this.setError(error);
    document.dispatchEvent(new CustomEvent("darkroom:ended"));
    const next = this.waiting.shift();
    if (next) this.show(next);
  }

  draw() {
    this.root.classList.toggle("dr-live", this.live);
    document.getElementById(`${this.tab}_interrupt`)?.toggleAttribute("disabled", !this.live);
    document.getElementById(`${this.tab}_skip`)?.toggleAttribute("disabled", !this.live || this.progress.n_iter === 1);
    this.drawProgress();
    this.showStatus();
  }

  drawProgress() {
    const { state, step, steps, iteration = 1, n_iter = 1 } = this.progress;
    const share = state === "running" && steps ? (iteration - 1 + step / steps) / n_iter : 0;
    const bar = this.part(".dr-progress");
    bar.hidden = !this.live;
    bar.setAttribute("aria-valuenow", Math.round(share * 100));
    bar.classList.toggle("dr-busy", this.live && (state === "queued" || !step || step === steps));
    bar.firstElementChild.style.width = `${share * 100}%`;
  }

  showStatus() {
    const text = this.live ? describe(this.progress) : outcome(this.progress.state, this.pictures.length);
    const more = this.waiting.length ? ` · ${this.waiting.length} more of yours after it` : "";
    this.part(".dr-status").textContent = text + more;
    this.offerRunAgain(!this.live && ["interrupted", "failed"].includes(this.progress.state));
    document.title = this.live ? `${shortly(this.progress)} · ${TITLE}` : TITLE;
  }

  offerRunAgain(offered) {
    if (!offered) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "dr-again";
    button.textContent = "Run again";
    button.addEventListener("click", () => this.again());
    this.part(".dr-status").append(" ", button);
  }

  async again() {
    try {
      this.submitted((await runAgain(this.job)).id);
    } catch (error) {
      this.setError(error.message);
    }
  }

  drawPictures() {
    const chosen = this.pictures[this.chosen];
    this.showPictures([imageUrl(chosen.url)], false);
    this.part(".dr-below").hidden = false;
    this.part(".dr-infotext").textContent = chosen.infotext;
    this.part(".dr-save").href = imageUrl(chosen.url);
    this.part(".dr-save").download = `${String(chosen.number).padStart(5, "0")}-${chosen.seed}.png`;
    this.part(".dr-thumbs").replaceChildren(...(this.pictures.length > 1 ? this.pictures.map((p, i) => this.thumb(p, i)) : []));
  }

  thumb(picture, index) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", `Picture ${index + 1}, seed ${picture.seed}`);
    button.setAttribute("aria-pressed", index === this.chosen);
    button.append(image(imageUrl(picture.url), ""));
    button.addEventListener("click", () => this.choose(index));
    return button;
  }

  choose(index) {
    this.chosen = index;
    this.drawPictures();
  }

  // Elements are kept and only their sources change, so that nothing flickers from step to step.
  showPictures(sources, developing) {
    const view = this.part(".dr-view");
    const known = [...view.querySelectorAll("img")];
    view.classList.toggle("dr-developing", developing);
    view.style.setProperty("--columns", Math.ceil(Math.sqrt(sources.length)));
    if (known.length !== sources.length) view.replaceChildren(...sources.map((source) => image(source, "")));
    else known.forEach((element, index) => (element.src = sources[index]));
    const name = developing ? "The picture as it develops" : "The finished picture";
    view.querySelectorAll("img").forEach((element) => (element.alt = name));
    if (developing) {
      this.part(".dr-below").hidden = true;
      if (!this.pictures.length) this.part(".dr-thumbs").replaceChildren();
    }
  }

  enlarge() {
    const chosen = this.pictures[this.chosen];
    if (!chosen || this.part(".dr-developing")) return;
    this.part(".dr-large img").src = imageUrl(chosen.url);
    if (!this.part(".dr-large").open) this.part(".dr-large").showModal();
  }

  onKey(event) {
    if (event.key === "Enter") this.enlarge();
    const turn = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const count = this.pictures.length;
    if (!turn || count < 2) return;
    this.choose((this.chosen + turn + count) % count);
    if (this.part(".dr-large").open) this.enlarge();
  }

  setError(text) {
    this.root.querySelector(".dr-error")?.remove();
    if (!text) return;
    const box = document.createElement("p");
    box.className = "dr-error";
    box.setAttribute("role", "alert");
    box.textContent = text;
    this.part(".dr-status").after(box);
  }

  async copyInfotext() {
    const button = this.part(".dr-copy");
    try {
      await navigator.clipboard.writeText(this.part(".dr-infotext").textContent);
      button.textContent = "Copied";
    } catch {
      // Browsers give the clipboard to secure addresses only; the text can be selected all the same.
      getSelection().selectAllChildren(this.part(".dr-infotext"));
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => (button.textContent = "Copy infotext"), 2000);
  }

  shownSeed() {
    return this.pictures[this.chosen]?.seed;
  }

  async interrupt() {
    if (this.live) await interruptJob(this.job).catch((error) => this.setError(error.message));
  }

  async skip() {
    if (this.live) await skipBatch(this.job).catch((error) => this.setError(error.message));
  }
}

function image(source, name) {
  const element = document.createElement("img");
  element.src = source;
  element.alt = name;
  element.decoding = "sync";
  return element;
}

function describe({ state, position, phase, step, steps, iteration, n_iter, eta }) {
  if (state === "queued") return position ? `Waiting: ${position} ${position === 1 ? "job" : "jobs"} before yours` : "Waiting to start";
  if (phase !== "sampling") return `${phase[0].toUpperCase()}${phase.slice(1)}…`;
  const batch = n_iter > 1 ? ` · batch ${iteration} of ${n_iter}` : "";
  const left = eta === null || eta === undefined ? "" : ` · ${clock(eta)} left`;
  return `Step ${step} of ${steps}${batch}${left}`;
}

function shortly({ state, step, steps }) {
  if (state === "queued") return "Waiting";
  return step ? `${Math.round((step / steps) * 100)}%` : "Starting";
}

function outcome(state, count) {
  const kept = count ? `; ${count} finished ${count === 1 ? "picture is" : "pictures are"} kept` : "";
  if (state === "interrupted") return `Interrupted${kept}.`;
  if (state === "failed") return `Failed${kept}.`;
  return "";
}

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
