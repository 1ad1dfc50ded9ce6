// Many pictures to draw from one by one: files that are chosen here, or a folder on the server.

import { batchFolders } from "./canvas_api.js";
import { button, element } from "./dom.js";

const MOST = 1000; // as in params/image.py

export class Batch {
  // `changed()` hears of other files or another folder; `failed(sentence)` what went wrong.
  constructor(root, { changed, failed, signal }) {
    Object.assign(this, { root, changed, failed });
    this.files = []; // {file, url}
    this.progress = (done, all) => (this.part(".dr-canvas-sending").textContent = done < all ? `Uploading ${done + 1} of ${all}…` : "");
    const hear = (selector, name, act) => this.part(selector).addEventListener(name, act, { signal });
    hear(".dr-canvas-clear-files", "click", () => this.clear());
    hear(".dr-canvas-folder", "change", () => this.draw());
    this.draw();
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  get folder() {
    return this.part(".dr-canvas-folder").value;
  }

  add(files) {
    const fitting = files.slice(0, MOST - this.files.length);
    this.failed(fitting.length < files.length ? `${MOST} pictures at once are the most; the others were left out.` : "");
    for (const file of fitting) {
      const one = { file, url: URL.createObjectURL(file) };
      this.files.push(one);
      this.part(".dr-canvas-files").append(this.drawn(one));
    }
    this.draw();
  }

  clear() {
    this.files.forEach(({ url }) => URL.revokeObjectURL(url));
    this.files = [];
    this.part(".dr-canvas-files").replaceChildren();
    this.draw();
  }

  drawn(one) {
    const item = element("li", "dr-canvas-file");
    const picture = element("img", "");
    Object.assign(picture, { src: one.url, alt: "", loading: "lazy", decoding: "async" });
    const remove = button("×", "dr-canvas-remove", () => this.remove(one, item));
    remove.title = remove.ariaLabel = `Remove ${one.file.name}`;
    item.append(picture, element("span", "", one.file.name), remove);
    return item;
  }

  remove(one, item) {
    const next = item.nextElementSibling ?? item.previousElementSibling;
    URL.revokeObjectURL(one.url);
    this.files = this.files.filter((other) => other !== one);
    item.remove();
    next?.querySelector("button").focus();
    this.draw();
  }

  draw() {
    const count = this.files.length;
    this.part(".dr-canvas-count").textContent = count ? `${count} ${count === 1 ? "picture" : "pictures"}` : "No pictures yet";
    this.part(".dr-canvas-clear-files").hidden = !count;
    this.root.classList.toggle("dr-canvas-from-folder", Boolean(this.folder));
    this.changed();
  }

  // The folders as they are now.
  async refresh() {
    try {
      const folders = await batchFolders();
      const picker = this.part(".dr-canvas-folder");
      const chosen = picker.value;
      const options = folders.map(({ name, pictures }) => new Option(`${name === "." ? "batch" : name} (${pictures})`, name));
      picker.replaceChildren(picker.options[0], ...options);
      picker.value = folders.some(({ name }) => name === chosen) ? chosen : "";
      this.draw();
    } catch (error) {
      this.failed(error.message);
    }
  }
}
