// The map that a preprocessor makes of the control image, beside it. Of several that are wanted the newest counts.

import { previewMap } from "./control_api.js";
import { button, element, warning } from "./dom.js";

const PAUSE = 350; // ms without another wish
const EMPTY = "The preprocessor's map is shown here.";

export class Preview {
  // `wish()` gives what to ask for, or throws a sentence; `use(name)` takes the map as a control image.
  constructor({ id, wish, use }) {
    Object.assign(this, { wish, use });
    this.asked = null; // what ends the question that is under way
    this.timer = 0;
    this.name = ""; // of the map shown
    this.root = element("div", "dr-slot dr-map");
    this.root.id = id;
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Preprocessor preview");
    this.picture = Object.assign(element("img", ""), { alt: "The preprocessor's map", hidden: true });
    this.hint = element("p", "dr-slot-hint", EMPTY);
    this.said = element("div", "dr-slot-said");
    this.taking = button("Use as control image", "dr-slot-tool", () => this.use(this.name));
    this.taking.title = "Take this map as it is, without a preprocessor";
    this.taking.hidden = true;
    const tools = element("div", "dr-slot-tools");
    tools.append(this.taking);
    this.root.append(this.picture, this.hint, tools, this.said);
  }

  // Soon, unless more is changed.
  want() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    clearTimeout(this.timer);
    this.asked?.abort();
    const asked = (this.asked = new AbortController());
    this.root.setAttribute("aria-busy", "true");
    try {
      const map = await previewMap(await this.wish(), asked.signal);
      if (asked === this.asked) this.show(map);
    } catch (error) {
      if (asked === this.asked && error.name !== "AbortError") this.show(null, error.message);
    }
    if (asked === this.asked) this.root.removeAttribute("aria-busy");
  }

  // What was shown is of another picture.
  clear() {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.asked = null;
    this.root.removeAttribute("aria-busy");
    this.show(null);
  }

  show(map, sentence = "") {
    this.name = map?.id ?? "";
    this.picture.hidden = !map;
    this.hint.hidden = Boolean(map);
    this.taking.hidden = !map;
    if (map) this.picture.src = map.url;
    else this.picture.removeAttribute("src");
    this.said.replaceChildren(...(sentence ? [warning("dr-error", sentence)] : []));
  }
}
