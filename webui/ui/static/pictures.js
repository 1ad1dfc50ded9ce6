// The place where a job's pictures are shown: developing, finished, one large, the others as thumbs.

import { button } from "./dom.js";

const isGrid = ({ kind }) => kind === "grid";
const VARIATION = /(?:^|, )Variation seed: (\d+)(?:,|$)/;
const QUOTED = /"(?:\\.|[^"\\])*"/g;

export class Pictures {
  // `use(infotext)` fills the form; `send(tab, picture)` and `upscale()` go on from the picture that is shown.
  constructor(root, { use, send, upscale }) {
    this.root = root;
    this.finished = [];
    this.chosen = 0;
    this.pinned = false; // a finished picture was chosen while others develop
    this.stale = false; // what is shown is the last job's, until this one has something to show
    this.part(".dr-copy").addEventListener("click", () => this.copyInfotext());
    this.part(".dr-use").addEventListener("click", () => use(this.shown.infotext));
    this.part(".dr-upscale")?.addEventListener("click", upscale);
    this.part(".dr-sends").addEventListener("click", ({ target }) => target.dataset.target && send(target.dataset.target, this.shown));
    this.part(".dr-view").addEventListener("keydown", (event) => this.onKey(event));
    this.part(".dr-view").addEventListener("click", () => this.enlarge());
    // Anywhere, the × included.
    this.part(".dr-large").addEventListener("click", () => this.part(".dr-large").close());
    this.part(".dr-large").addEventListener("keydown", (event) => this.onKey(event));
    this.part(".dr-live-thumb").addEventListener("click", () => this.unpin());
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  get count() {
    return this.stale ? 0 : this.finished.filter((picture) => !isGrid(picture)).length;
  }

  get shown() {
    return this.finished[this.chosen];
  }

  // The seed of the picture shown; of a variation its infotext tells.
  seedOf(field) {
    const picture = this.shown;
    if (field === "seed") return picture?.seed;
    return picture && variationSeed(picture.infotext);
  }

  // A new job begins; the old one's pictures stay in view for now.
  begin() {
    this.stale = true;
    this.unpin();
    this.part(".dr-view").classList.add("dr-stale");
  }

  end() {
    this.unpin();
    if (this.stale) this.clear();
    else if (this.finished.length) this.draw();
  }

  clear() {
    this.unpin();
    this.stale = false;
    this.finished = [];
    this.chosen = 0;
    this.part(".dr-thumbs").replaceChildren();
    this.part(".dr-below").hidden = true;
    const view = this.part(".dr-view");
    view.classList.remove("dr-developing", "dr-stale");
    view.querySelectorAll("img").forEach((picture) => picture.remove());
  }

  // A quick picture while one paints: it takes the place and leaves no trace.
  showLive(source) {
    if (this.finished.length || this.stale) this.clear();
    this.show([source], true);
  }

  develop(sources) {
    if (this.stale) this.clear();
    if (this.pinned) return;
    this.part(".dr-below").hidden = true;
    this.show(sources, true);
  }

  add(picture) {
    if (this.stale) this.clear();
    const place = picture.kind === "grid" ? this.finished.filter(isGrid).length : this.finished.length;
    const thumbs = this.part(".dr-thumbs");
    this.finished.splice(place, 0, picture);
    thumbs.insertBefore(this.thumb(picture), thumbs.children[place] ?? null);
    if (!this.pinned) this.choose(isGrid(picture) ? 0 : place);
    else if (place <= this.chosen) this.chosen += 1;
  }

  pin(index) {
    this.pinned = this.root.classList.contains("dr-live");
    this.part(".dr-live-thumb").hidden = !this.pinned;
    this.choose(index);
  }

  unpin() {
    this.pinned = false;
    this.part(".dr-live-thumb").hidden = true;
  }

  choose(index) {
    this.chosen = index;
    this.draw();
  }

  draw() {
    const { url, infotext, number, seed, kind } = this.shown;
    this.show([url], false);
    this.part(".dr-below").hidden = false;
    this.part(".dr-infotext").textContent = infotext;
    if (this.part(".dr-upscale")) this.part(".dr-upscale").hidden = isGrid(this.shown);
    this.part(".dr-save").href = url;
    // The browser adds the ending: it learns with the file of which format it is.
    this.part(".dr-save").download = `${kind === "grid" ? "grid-" : ""}${String(number).padStart(5, "0")}-${seed}`;
    [...this.part(".dr-thumbs").children].forEach((thumb, index) => thumb.setAttribute("aria-pressed", index === this.chosen));
  }

  // Elements are kept and only their sources change, so that nothing flickers from step to step.
  show(sources, developing) {
    const view = this.part(".dr-view");
    const name = developing ? "The picture as it develops" : "The finished picture";
    const known = [...view.querySelectorAll("img")];
    this.part(".dr-empty")?.remove();
    view.classList.toggle("dr-developing", developing);
    view.style.setProperty("--columns", Math.ceil(Math.sqrt(sources.length)));
    if (known.length !== sources.length) view.replaceChildren(...sources.map((source) => image(source)));
    else known.forEach((element, index) => (element.src = sources[index]));
    view.querySelectorAll("img").forEach((element) => (element.alt = name));
  }

  thumb(picture) {
    const made = button("", "", () => this.pin(this.finished.indexOf(picture)));
    const what = isGrid(picture) ? "Grid" : `Picture ${this.finished.filter((one) => !isGrid(one)).length}`;
    made.setAttribute("aria-label", `${what}, seed ${picture.seed}`);
    const small = image(picture.url);
    small.loading = "lazy";
    made.append(small);
    return made;
  }

  enlarge() {
    const chosen = this.shown;
    if (!chosen || this.part(".dr-developing")) return;
    this.part(".dr-large img").src = chosen.url;
    if (!this.part(".dr-large").open) this.part(".dr-large").showModal();
  }

  onKey(event) {
    if (event.key === "Enter") this.enlarge();
    const turn = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const count = this.finished.length;
    if (!turn || count < 2) return;
    this.pin((this.chosen + turn + count) % count);
    if (this.part(".dr-large").open) this.enlarge();
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
}

// Of the settings, which are the last line, and not of prompts that stand there in quotes.
export function variationSeed(infotext) {
  const told = infotext.trimEnd().split("\n").at(-1).replace(QUOTED, "").match(VARIATION);
  return told ? Number(told[1]) : undefined;
}

function image(source) {
  const element = document.createElement("img");
  element.src = source;
  element.alt = "";
  element.decoding = "sync";
  return element;
}
