// The PNG Info tab: a picture is brought, the server reads what it tells, and it can be sent to a tab's form.

import { readPicture } from "./api.js";
import { button, element, warning } from "./dom.js";
import { known } from "./known.js";

const NOTHING = "This picture tells nothing of how it was made.";
const COPIED = 2000; // ms that "Copied" stands there

export class PngInfo {
  // `send(tab, infotext, file)` fills the form of a tab, and brings the file onto its canvas if it has one.
  constructor(root, { send }) {
    this.root = root;
    this.infotext = null;
    this.file = null; // the picture that is shown
    this.gone = new AbortController(); // ends its hearing of what happens elsewhere on the page
    this.turn = 0; // counts the pictures brought, so that a late answer doesn't show under the next one
    this.part(".dr-drop-input").addEventListener("change", ({ target }) => this.bring(target.files[0]));
    const area = this.part(".dr-drop-area");
    area.addEventListener("dragover", (event) => this.over(event, true));
    area.addEventListener("dragleave", (event) => this.over(event, false));
    area.addEventListener("drop", (event) => {
      this.over(event, false);
      this.bring(event.dataTransfer.files[0]);
    });
    document.addEventListener("paste", (event) => this.pasted(event), { signal: this.gone.signal });
    this.part(".dr-targets").addEventListener("click", ({ target }) => {
      if (target.dataset.target && this.file) send(target.dataset.target, this.infotext, this.file);
    });
  }

  // Another takes its place: gradio has drawn the tab anew.
  stop() {
    this.gone.abort();
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  over(event, is) {
    event.preventDefault();
    this.part(".dr-drop-area").classList.toggle("dr-over", is);
  }

  pasted({ clipboardData }) {
    const [file] = clipboardData?.files ?? [];
    if (file && this.root.offsetParent !== null) this.bring(file);
  }

  async bring(file) {
    if (!file) return;
    const turn = (this.turn += 1);
    this.clear();
    try {
      const told = await readPicture(file);
      if (turn !== this.turn) return;
      this.showPicture(file);
      this.show(told);
    } catch (error) {
      if (turn === this.turn) this.part(".dr-told").replaceChildren(warning("dr-error", error.message));
    }
  }

  clear() {
    this.infotext = this.file = null;
    const picture = this.part(".dr-drop-picture");
    URL.revokeObjectURL(picture.src);
    picture.removeAttribute("src");
    picture.hidden = true;
    this.part(".dr-drop-hint").hidden = false;
    this.part(".dr-targets").hidden = true;
    this.part(".dr-facts").textContent = "";
    this.part(".dr-told").replaceChildren();
    this.part(".dr-drop-input").value = "";
  }

  showPicture(file) {
    this.file = file;
    const picture = this.part(".dr-drop-picture");
    picture.src = URL.createObjectURL(file);
    picture.alt = file.name;
    picture.hidden = false;
    this.part(".dr-drop-hint").hidden = true;
  }

  show({ infotext, items, width, height, format }) {
    this.infotext = infotext;
    const facts = [infotext?.source && `Made with ${infotext.source}`, width && `${width}×${height}`, format];
    this.part(".dr-facts").textContent = facts.filter(Boolean).join(" · ");
    this.part(".dr-targets").hidden = false;
    // Without a canvas a tab can only take what the picture tells.
    for (const button of this.part(".dr-targets").children) button.hidden = !infotext && !("canvas" in button.dataset);
    const box = this.part(".dr-told");
    if (infotext) box.append(...parts(infotext));
    else box.append(element("p", "dr-told-empty", NOTHING));
    for (const [name, content] of Object.entries(items)) box.append(raw(name, content));
  }
}

function parts({ fields, notices, unused, ...models }) {
  const made = [];
  if (fields.prompt) made.push(text("Prompt", fields.prompt));
  if (fields.negative_prompt) made.push(text("Negative prompt", fields.negative_prompt));
  made.push(table([...settings(fields), ...named(models), ...Object.entries(unused)]));
  return [...made, ...notices.map((notice) => element("p", "dr-notice", notice))];
}

// What was told, and what differs from its default; not the many that are as they always are.
function settings(fields) {
  const told = known.fields.filter(({ name, usual }) => name in fields && !same(fields[name], usual));
  return told.map(({ name, title }) => [title, String(fields[name])]);
}

const same = (value, usual) => JSON.stringify(value) === JSON.stringify(usual);

function named({ checkpoint, model_hash, vae, vae_hash, refiner, refiner_hash }) {
  const pairs = [["Checkpoint", checkpoint, model_hash], ["VAE", vae, vae_hash], ["Refiner", refiner, refiner_hash]];
  return pairs.filter(([, name, hash]) => name || hash).map(([title, name, hash]) => [title, [name, hash && `(${hash})`].filter(Boolean).join(" ")]);
}

function text(name, content) {
  const box = element("section", "dr-told-text");
  const head = element("h3", "", name);
  head.append(copyButton(content));
  box.append(head, element("p", "", content));
  return box;
}

function table(pairs) {
  const list = element("dl", "dr-pairs");
  for (const [key, value] of pairs) list.append(element("dt", "", key), element("dd", "", value));
  return list;
}

// A text as it stands in the file.
function raw(name, content) {
  const box = element("details", "dr-raw");
  box.append(element("summary", "", `As it stands in the file: ${name}`), element("pre", "dr-infotext", content), copyButton(content));
  return box;
}

function copyButton(content) {
  const made = button("Copy", "dr-button dr-small dr-copy-one", async () => {
    const done = await navigator.clipboard?.writeText(content).then(() => true, () => false);
    made.textContent = done ? "Copied" : "Select it and press Ctrl+C";
    setTimeout(() => (made.textContent = "Copy"), COPIED);
  });
  return made;
}
