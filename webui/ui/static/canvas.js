// The canvas: the picture that img2img and inpainting start from, what is painted on it, and how far it is to reach.
// All that is seen counts, whichever mode one is in: a mode is what one works on.

import { ACTS, loadMask } from "./canvas_acts.js";
import { pictureFile, uploadPicture } from "./canvas_api.js";
import { Batch } from "./canvas_batch.js";
import { Bringing } from "./canvas_bringing.js";
import { Frame } from "./canvas_frame.js";
import { Hands } from "./canvas_hands.js";
import { History } from "./canvas_history.js";
import { Input } from "./canvas_input.js";
import { Keys } from "./canvas_keys.js";
import { Layers } from "./canvas_layers.js";
import { Looks } from "./canvas_looks.js";
import { Painting } from "./canvas_painting.js";
import { openPicture, placeOf } from "./canvas_picture.js";
import { Tools } from "./canvas_tools.js";
import { Wish } from "./canvas_wish.js";
import { warning } from "./dom.js";

const STEERED = "control"; // the tab on which a mask tells where the picture has a say
const PAINTED = ["mask", "sketch"]; // the modes in which the layer of that name is painted on

export class Canvas {
  // `upload(blob, parent)` keeps a file on the server and tells its {id}; `blankSize()` is that of a blank picture.
  constructor(root, { upload = uploadPicture, blankSize = () => ({ width: 512, height: 512 }) } = {}) {
    this.root = root;
    this.tab = root.dataset.tab;
    this.area = this.part(".dr-canvas-area");
    this.blankSize = blankSize;
    this.gone = new AbortController(); // ends its hearing of what happens elsewhere on the page
    this.picture = null;
    this.layers = null; // of the picture
    this.turn = 0; // counts the pictures brought, so that a late one doesn't take the place of the next
    this.wishes = new Wish(upload);
    this.build();
    this.hear();
    this.refresh();
  }

  build() {
    const { root, gone } = this;
    const { signal } = gone;
    const failed = (sentence) => this.showError(sentence);
    this.history = new History();
    this.looks = new Looks(this);
    const { view, screen } = this.looks;
    this.tools = new Tools(root, { changed: () => this.looks.drawCursor(), sliding: (is) => this.looks.showSize(is), signal });
    this.painting = new Painting({ tools: this.tools, history: this.history, screen, told: (final) => this.painted(final) });
    this.frame = new Frame(this.part(".dr-canvas-frame"), view, { changed: (final) => this.pulled(final), signal });
    this.batch = new Batch(this.part(".dr-canvas-batch"), { changed: () => this.tell(), failed, signal });
    new Bringing(root, { bring: (brought) => this.bring(brought), failed, signal });
    const hands = new Hands(this);
    this.input = new Input(this.area, hands, signal);
    new Keys(root, this.area, hands, signal);
  }

  hear() {
    const { signal } = this.gone;
    this.root.addEventListener("click", ({ target }) => this.act(target.closest("[data-act]")?.dataset.act), { signal });
    this.root.addEventListener("change", ({ target }) => target.name === this.modeName && this.refresh(), { signal });
    this.part(".dr-canvas-mask-file").addEventListener("change", ({ target }) => loadMask(this, target), { signal });
    const sized = new ResizeObserver(() => this.looks.sized());
    sized.observe(this.area);
    signal.addEventListener("abort", () => sized.disconnect());
  }

  // Another takes its place: gradio has drawn the tab anew.
  stop() {
    this.gone.abort();
    this.looks.expand(false);
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  get modeName() {
    return `${this.tab}_canvas_mode`;
  }

  get mode() {
    return this.part(".dr-canvas-modes input:checked").value;
  }

  set mode(mode) {
    const found = this.part(`.dr-canvas-modes input[value="${mode}"]`);
    if (!found || found.checked) return;
    found.checked = true;
    this.refresh();
  }

  // That of the picture; null without one.
  get size() {
    return this.picture && { width: this.picture.width, height: this.picture.height };
  }

  // Whether a picture is shown that can be worked on.
  get isFilled() {
    return this.picture !== null && this.mode !== "batch";
  }

  // The layer that is painted on; null in modes without.
  get layer() {
    return PAINTED.includes(this.mode) ? (this.layers?.[this.mode] ?? null) : null;
  }

  get outpaint() {
    return { ...this.frame.values };
  }

  // Pixels by side: {left, up, right, down}; those left out stay.
  setOutpaint(values) {
    if (this.frame.set(values)) this.pulled(true);
  }

  // Takes the place of all that was there, mask and undo included. Returns whether it could be opened: if not, a
  // sentence says why, and what was there stays.
  async load(source, about = {}) {
    const turn = (this.turn += 1);
    this.showError("");
    this.root.setAttribute("aria-busy", "true");
    try {
      const picture = await openPicture(source, about);
      if (turn === this.turn) this.take(picture);
      else picture.close();
    } catch (error) {
      if (turn === this.turn) this.showError(error.message);
      return false;
    } finally {
      if (turn === this.turn) this.root.removeAttribute("aria-busy");
    }
    return turn === this.turn;
  }

  clear() {
    this.turn += 1;
    this.root.removeAttribute("aria-busy");
    this.showError("");
    this.take(null);
  }

  take(picture) {
    this.picture?.close();
    this.picture = picture;
    this.layers = picture && new Layers(this.size);
    this.painting.forget();
    this.history.clear();
    this.frame.size = this.size;
    this.frame.clear();
    if (picture) this.tools.suit(picture);
    this.looks.screen.show(picture, this.layers);
    if (picture && this.masks) this.layers.maskTransparent(picture);
    if (this.mode === "batch" && picture) this.mode = "picture";
    else this.refresh();
    this.looks.fit();
  }

  // Whether this tab's canvas has a mask of what is to change: transparent parts of the picture are, too.
  get masks() {
    return this.tab !== STEERED && this.part('.dr-canvas-modes input[value="mask"]') !== null;
  }

  // The mask becomes one that the server keeps, by its name; nothing if it isn't there any more.
  async loadMask(name) {
    const { layers } = this;
    const place = placeOf(name);
    const mask = place && (await pictureFile(place.path).then(createImageBitmap).catch(() => null));
    if (mask && layers === this.layers) this.change(() => layers.setMask(mask));
  }

  // Several files at once are a batch, where there is one.
  bring(brought) {
    const files = brought.filter((one) => one instanceof Blob);
    const batch = this.part('.dr-canvas-modes input[value="batch"]');
    if (batch && files.length && (files.length > 1 || this.mode === "batch")) {
      this.mode = "batch";
      this.batch.add(files);
    } else {
      this.load(brought[0]);
    }
  }

  act(name) {
    if (!name || this.painting.isBusy) return;
    if (this.isFilled || ["blank", "expand"].includes(name)) ACTS[name]?.(this);
  }

  // `make` changes a layer and returns the edit that it was.
  change(make) {
    this.history.add(make({ layers: this.layers, layer: this.layer }));
    this.redrawn();
  }

  // What was done so far can't be undone.
  forgetSteps() {
    this.history.clear();
    this.redrawn();
  }

  wind(step) {
    if (step(this.history)) this.redrawn();
  }

  redrawn() {
    this.looks.screen.change();
    this.drawButtons();
    this.painted(true);
  }

  pulled(final) {
    this.looks.frame(final);
    this.tell();
  }

  // The mode or the picture is another.
  refresh() {
    const { mode, isFilled } = this;
    if (this.painting.isBusy) this.painting.end();
    this.root.dataset.mode = mode;
    this.root.classList.toggle("dr-canvas-filled", isFilled);
    this.tools.show(mode, isFilled);
    this.part(".dr-canvas-batch").hidden = mode !== "batch";
    this.area.hidden = mode === "batch";
    if (mode === "batch") this.batch.refresh();
    this.looks.refresh();
    this.drawButtons();
    this.tell();
  }

  drawButtons() {
    this.part('[data-act="undo"]').disabled = !this.history.past.length;
    this.part('[data-act="redo"]').disabled = !this.history.future.length;
  }

  showError(sentence) {
    this.part(".dr-canvas-error").replaceChildren(...(sentence ? [warning("dr-error", sentence)] : []));
  }

  tell() {
    const { tab, size, mode, outpaint } = this;
    document.dispatchEvent(new CustomEvent("darkroom:canvas", { detail: { tab, size, mode, outpaint } }));
  }

  painted(final) {
    document.dispatchEvent(new CustomEvent("darkroom:painted", { detail: { tab: this.tab, final } }));
  }

  // The fields of the parameters that come from here, as JSON: {} if there is no picture, {"errors": [{field,
  // message}]} if something could not be uploaded.
  async wish() {
    const { wishes, batch } = this;
    const asked = this.mode === "batch" ? wishes.ofBatch(batch, batch.progress) : wishes.ofPicture(this);
    const { left_out = [], ...told } = await asked;
    if (left_out.length) this.showError(`Left out: ${left_out.join(" ")}`);
    return JSON.stringify(told);
  }
}
