// The dialog with one's earlier prompts, to search and to choose from.

import { button, element, warning } from "./dom.js";
import { Options } from "./prompt_options.js";

const PAUSE = 150;
const NONE = "No earlier prompts yet. Each prompt that you draw with is kept here.";
const NO_MATCH = "None of your earlier prompts has these words.";

export class PastList {
  constructor() {
    this.options = new Options("dr-past-list", "Earlier prompts", (texts) => this.choose(texts));
    this.search = element("input", "dr-past-search");
    Object.assign(this.search, { type: "search", placeholder: "Search", autocomplete: "off", maxLength: 200 });
    this.search.setAttribute("aria-label", "Search your earlier prompts");
    this.empty = element("p", "dr-past-empty");
    this.empty.setAttribute("role", "status");
    this.dialog = this.layOut();
    this.past = null;
    this.timer = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.refresh(), PAUSE);
    });
    this.search.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("close", () => this.options.hide());
    // Beside the dialog is its backdrop, which belongs to it.
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
  }

  layOut() {
    const dialog = element("dialog", "dr-past");
    const top = element("header", "");
    const close = button("×", "dr-close", () => dialog.close());
    close.setAttribute("aria-label", "Close");
    top.append(element("h2", "", "Earlier prompts"), close);
    const inside = element("div", "dr-past-inside");
    inside.append(top, this.search, this.empty, this.options.root);
    dialog.append(inside);
    dialog.setAttribute("aria-label", "Earlier prompts");
    document.body.append(dialog);
    return dialog;
  }

  open(past) {
    this.past = past;
    this.search.value = "";
    this.dialog.showModal();
    this.search.focus();
    this.refresh();
  }

  async refresh() {
    const words = this.search.value.trim();
    this.dialog.querySelector(".dr-error")?.remove();
    try {
      const found = await this.past.search(words);
      if (this.dialog.open && words === this.search.value.trim()) this.show(found, words);
    } catch (error) {
      this.search.after(warning("dr-error", error.message));
    }
  }

  show(found, words) {
    this.options.show(this.search, found, drawn, 0);
    this.options.root.hidden = !found.length;
    this.empty.textContent = found.length ? "" : words ? NO_MATCH : NONE;
  }

  key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.isComposing || !(event.key in steps || ["Enter", "Escape"].includes(event.key))) return;
    event.preventDefault();
    if (event.key === "Enter") this.options.take();
    // Else the first press would only empty the field.
    else if (event.key === "Escape") this.dialog.close();
    else this.options.move(steps[event.key]);
  }

  choose(texts) {
    // Beside an open dialog nothing can be written.
    this.dialog.close();
    this.past.take(texts);
  }
}

function drawn({ prompt, negative_prompt, created, own }) {
  const nodes = [element("span", "dr-past-prompt", prompt || "(no prompt)")];
  if (negative_prompt) nodes.push(element("span", "dr-past-negative", `Negative: ${negative_prompt}`));
  nodes.push(element("span", "dr-past-when", own ? "What you had" : new Date(created * 1000).toLocaleString()));
  return nodes;
}
