// Filling the form: the wish goes to the server through the button ↙️, which answers with all controls.

import { button, element } from "./dom.js";
import { elementId, known } from "./known.js";
import { Parts, appears } from "./parts.js";
import { looksLikeInfotext } from "./pasted.js";

const MANY = 5; // fields: fewer are seen to have been set

const PATIENCE = 3000; // ms for the tab to show the settings that it opens with, and for the answer

// The tabs that show them: what is filled in before would be lost.
export const openings = new Parts();

const pending = new Map(); // tab -> the wish that its button is still to take
const turns = new Map(); // tab -> the last fill, done once it is answered: of two the second is to be seen
const answers = new Map(); // tab -> what is called then

// `wish`: {text: an infotext}, {job: id}, {prompts: [prompt, negative]}, or {infotext} as the server told it of a picture.
// With {picture: [width, height]} it is what a picture tells that is drawn from.
export function fill(tab, wish) {
  const turn = (turns.get(tab) ?? Promise.resolve()).then(() => press(tab, wish));
  turns.set(tab, turn);
  return turn;
}

async function press(tab, wish) {
  await soon(openings.when(tab));
  const paste = await appears(known.tabs[tab].paste);
  if (!paste) return;
  pending.set(tab, wish);
  const answered = new Promise((resolve) => answers.set(tab, resolve));
  paste.click();
  await soon(answered);
}

const soon = (promise) => Promise.race([promise, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);

const before = new Map(); // tab -> the prompts that the last wish may have replaced

const prompts = (tab) =>
  ["prompt", "negative_prompt"].map((field) => document.querySelector(`#${elementId(tab, field)} textarea`)?.value ?? "");

// What the button sends: what was wished for, or, where it was pressed by hand, what the prompt holds.
export function takeWish(tab, prompt) {
  before.set(tab, prompts(tab));
  const wish = pending.get(tab) ?? { prompt };
  pending.delete(tab);
  return JSON.stringify(wish);
}

// What stands under the prompts of a tab.
export class Remarks {
  constructor(root) {
    this.root = root;
    this.tab = root.dataset.tab;
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
    fill(this.tab, { text: this.offered });
  }

  filled(said) {
    answers.get(this.tab)?.();
    this.withdraw();
    const { notices = [], filled = 0 } = JSON.parse(said || "{}");
    const replaced = before.get(this.tab) ?? [];
    const other = replaced.some((text, place) => text && text !== prompts(this.tab)[place]);
    const lost = filled >= MANY && other && !looksLikeInfotext(replaced[0]);
    const offer = lost ? { name: "Bring my prompts back", act: () => fill(this.tab, { prompts: replaced }) } : null;
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
      const undo = () => fill(this.tab, { prompts: [prompt, negative_prompt] });
      this.say(["Prompts cleared."], { name: "Undo", act: undo });
    }
    return ["", ""];
  }
}
