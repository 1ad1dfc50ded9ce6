// Painting a mask over a picture, in a dialog with a canvas of its own.

import { uploadPicture } from "./canvas_api.js";
import { Canvas } from "./canvas.js";
import { markedFile } from "./canvas_export.js";

const NOTHING = "Nothing is painted yet.";

export class MaskDialog {
  constructor(root) {
    this.root = root;
    this.canvas = new Canvas(this.part(".dr-canvas"));
    this.answer = () => {};
    this.part(".dr-mask-take").addEventListener("click", () => this.take());
    for (const closing of [".dr-close", ".dr-mask-leave"]) this.part(closing).addEventListener("click", () => root.close());
    root.addEventListener("close", () => this.closed(null));
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  // `picture` is a file or the name of a picture, `mask` the name of one to go on with, or empty. Gives the name of what
  // was painted; null if the dialog was left.
  async paint({ picture, mask = "" }) {
    this.closed(null);
    this.say("");
    this.root.showModal();
    const answer = new Promise((resolve) => (this.answer = resolve));
    if (await this.canvas.load(picture)) {
      // What is transparent in the picture isn't meant.
      this.canvas.change(({ layers }) => layers.clear(layers.mask));
      if (mask) await this.canvas.loadMask(mask);
      this.canvas.forgetSteps();
    }
    return answer;
  }

  async take() {
    const { layers } = this.canvas;
    try {
      const file = layers && (await markedFile(layers.size, [layers.mask]));
      if (!file) return this.say(NOTHING);
      const { id } = await uploadPicture(file);
      this.closed(id);
      this.root.close();
    } catch (error) {
      this.say(error.message);
    }
  }

  say(sentence) {
    this.part(".dr-mask-said").textContent = sentence;
  }

  closed(name) {
    this.answer(name);
    this.answer = () => {};
  }
}
