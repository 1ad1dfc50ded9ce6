// A place for one picture that the server keeps: dropped, pasted, chosen, or named.

import { uploadPicture } from "./canvas_api.js";
import { Bringing } from "./canvas_bringing.js";
import { placeOf } from "./canvas_picture.js";
import { button, element, warning } from "./dom.js";

const NO_PICTURE = "This is not one of your pictures. Save it and drop the file.";

export class Slot {
  // `label` names it for those who hear it, `hint` (texts and elements) stands in it while it is empty; `changed(byHand)` hears of another.
  constructor({ id, label, hint, changed, signal }) {
    Object.assign(this, { changed, label });
    this.name = ""; // what the server calls the picture; empty: there is none
    this.ready = Promise.resolve(""); // of the name, once what was brought is kept
    this.root = element("div", "dr-slot");
    Object.assign(this.root, { id, tabIndex: 0 });
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", `${label}: drop, paste, or press Enter to choose a file`);
    this.input = Object.assign(element("input", "dr-canvas-open"), { type: "file", accept: "image/*,.tif,.tiff" });
    this.input.setAttribute("aria-label", `Choose a file: ${label}`);
    this.input.tabIndex = -1;
    this.hint = element("label", "dr-slot-hint");
    const text = element("span", "");
    text.append(...hint);
    this.hint.append(this.input, text);
    this.picture = Object.assign(element("img", ""), { alt: label, hidden: true });
    this.said = element("div", "dr-slot-said");
    this.tools = element("div", "dr-slot-tools");
    this.remove = this.tool("×", `Remove: ${label}`, () => this.set("", true));
    this.root.append(this.picture, this.hint, this.tools, this.said);
    const failed = (sentence) => this.fail(sentence);
    const bringing = new Bringing(this.root, { bring: ([one]) => this.bring(one), failed, signal });
    // Before a canvas of the same tab hears of it, which takes all that is pasted elsewhere.
    this.root.addEventListener("paste", (event) => bringing.paste(event));
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.draw();
  }

  // One more button on the picture.
  tool(name, hint, act) {
    const made = button(name, "dr-slot-tool", act);
    made.title = made.ariaLabel = hint;
    this.tools.append(made);
    return made;
  }

  key({ key, target }) {
    if (target !== this.root) return;
    if (key === "Enter") this.input.click();
    if (key === "Delete" || key === "Backspace") this.set("", true);
  }

  // A file, or the address or name of one of one's own pictures.
  bring(source) {
    this.fail("");
    if (!(source instanceof Blob)) return this.bringOwn(String(source));
    const before = this.name;
    const kept = uploadPicture(source).then(({ id }) => id);
    this.root.setAttribute("aria-busy", "true");
    this.ready = kept;
    // Of two that are brought the later one counts.
    const late = () => this.ready !== kept;
    return kept.then(
      (id) => late() || this.set(id, true),
      (error) => {
        if (late()) return;
        this.set(before, false);
        this.fail(error.message);
      },
    );
  }

  bringOwn(source) {
    const kept = placeOf(source)?.kept;
    if (kept) this.set(kept, true);
    else this.fail(NO_PICTURE);
  }

  set(name, byHand) {
    this.name = name;
    this.ready = Promise.resolve(name);
    this.fail("");
    this.root.removeAttribute("aria-busy");
    this.draw();
    this.changed(byHand);
  }

  draw() {
    this.picture.hidden = !this.name;
    this.hint.hidden = Boolean(this.name);
    this.remove.hidden = !this.name;
    if (this.name) this.picture.src = placeOf(this.name).path;
    else this.picture.removeAttribute("src");
  }

  fail(sentence) {
    this.said.replaceChildren(...(sentence ? [warning("dr-error", sentence)] : []));
  }

  // {width, height} of the picture in pixels; null without one.
  get size() {
    const { naturalWidth: width, naturalHeight: height } = this.picture;
    return this.name && width ? { width, height } : null;
  }
}
