// Filling the form: the wish goes to the server through the button ↙️, which answers with all controls.

import { button, element } from "./dom.js";

const LONGEST = 2 ** 20; // of a text that is looked through
const SETTINGS = /^[ \t]*Steps: *\d+,[^\n]*\b(?:Sampler|Seed|CFG scale|Size|Model):/m;

const MANY = 5; // fields: fewer are seen to have been set

const pending = []; // wishes that the button is still to take, in the order in which it was pressed for them

// `wish`: {text: an infotext}, {job: id}, {prompts: [prompt, negative]}, or {infotext} as the server told it of a picture.
export function fill(wish) {
  const paste = document.getElementById("paste");
  if (!paste) return;
  pending.push(wish);
  paste.click();
}

let before = []; // the prompts that the last wish may have replaced

const prompts = () =>
  ["txt2img_prompt", "txt2img_neg_prompt"].map((id) => document.querySelector(`#${id} textarea`)?.value ?? "");

// What the button sends: what was wished for, or, where it was pressed by hand, what the prompt holds.
export function takeWish(prompt) {
  before = prompts();
  return JSON.stringify(pending.shift() ?? { prompt });
}

export const looksLikeInfotext = (text) => text.length <= LONGEST && SETTINGS.test(text);

// What stands under the prompts of a tab.
export class Remarks {
  constructor(root) {
    this.root = root;
    this.offered = "";
    this.part(".dr-proposal-apply").addEventListener("click", () => this.take());
    this.part(".dr-proposal-keep").addEventListener("click", () => this.withdraw());
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  offer(text) {
    this.offered = text;
    this.say([]);
    this.part(".dr-proposal").hidden = false;
  }

  withdraw() {
    this.part(".dr-proposal").hidden = true;
  }

  take() {
    this.withdraw();
    fill({ text: this.offered });
  }

  filled(said) {
    this.withdraw();
    const { notices = [], filled = 0 } = JSON.parse(said || "{}");
    const replaced = before;
    const lost = filled >= MANY && replaced.some(Boolean) && !looksLikeInfotext(replaced[0]);
    const offer = lost ? { name: "Bring my prompts back", act: () => fill({ prompts: replaced }) } : null;
    this.say(notices.length || filled < MANY ? notices : ["Parameters set."], offer);
  }

  // Sentences, and perhaps one thing to do about them: {name, act}.
  say(sentences, offer = null) {
    const said = this.part(".dr-said");
    const list = element("ul", "");
    list.append(...sentences.map((sentence) => element("li", "", sentence)));
    said.replaceChildren(...(sentences.length ? [list, this.closing(offer)] : []));
  }

  closing(offer) {
    const box = element("div", "dr-said-actions");
    const close = button("×", "dr-said-close", () => this.say([]));
    close.title = close.ariaLabel = "Close";
    if (offer) box.append(button(offer.name, "dr-button dr-small", offer.act));
    box.append(close);
    return box;
  }

  // Both prompts are emptied; what they held can be had back.
  cleared([prompt, negative_prompt]) {
    if (prompt || negative_prompt) {
      const undo = () => fill({ prompts: [prompt, negative_prompt] });
      this.say(["Prompts cleared."], { name: "Undo", act: undo });
    }
    return ["", ""];
  }
}
