// Completions while one writes: LoRAs, embeddings, styles, wildcards and tags.

import { element } from "./dom.js";
import { completions } from "./prompt_api.js";
import { write } from "./prompt_boxes.js";
import { placeOf } from "./prompt_caret.js";
import { Options } from "./prompt_options.js";
import { completed, wanted } from "./prompt_wanted.js";

const PAUSE = 120; // ms without a key before the server is asked
const MOST = 20;
const EDGE = 8; // pixels between the list and the window's edge
const WRITING = ["insertText", "insertCompositionText"];
const LEAVING = ["ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"];
const NAMES = { lora: "LoRA", embedding: "Embedding", style: "Style", wildcard: "Wildcard", tag: "Tag", network: "Network" };

export class Completion {
  constructor() {
    this.options = new Options("dr-completions", "Completions", (item) => this.accept(item));
    this.options.root.classList.add("dr-completions");
    this.said = element("p", "dr-announce");
    this.said.setAttribute("role", "status");
    this.box = null;
    this.timer = 0;
    this.asked = new AbortController();
    this.fruitless = new Set(); // what had no answers: what begins with it has none either
    for (const moves of ["scroll", "resize"]) window.addEventListener(moves, () => this.options.shown && this.place(), true);
  }

  // The box has just got the focus: what was not there before may be now.
  entered() {
    this.fruitless.clear();
  }

  heard(box, { inputType, isComposing, data }) {
    clearTimeout(this.timer);
    // Several words at once are dictated or put in by a program.
    const writing = WRITING.includes(inputType) && !/\S\s+\S/.test(data ?? "");
    const shortening = inputType === "deleteContentBackward" && this.options.shown;
    if (!(writing || shortening) || (isComposing && !keyboardOfTouch(data))) return this.close();
    this.timer = setTimeout(() => this.ask(box), PAUSE);
  }

  async ask(box) {
    this.asked.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    const { value, selectionStart: caret, selectionEnd } = box;
    const questions = wanted(value, caret).filter(({ query }) => !this.isFruitless(query));
    if (!questions.length || caret !== selectionEnd) return this.close();
    const answers = questions.map(({ query }) => completions(query, MOST, signal));
    const found = await Promise.all(answers).catch(() => null);
    questions.forEach(({ query }, number) => found?.[number].length === 0 && this.fruitless.add(query.toLowerCase()));
    if (signal.aborted || document.activeElement !== box || box.value !== value || box.selectionStart !== caret) return;
    this.show(box, merged(questions, found ?? []));
  }

  isFruitless(query) {
    return [...this.fruitless].some((start) => query.toLowerCase().startsWith(start));
  }

  show(box, items) {
    if (!items.length) return this.close();
    // A modal dialog covers what isn't in it.
    (box.closest("dialog") ?? document.body).append(this.options.root, this.said);
    this.box = box;
    this.options.show(box, items, drawn);
    this.place();
    this.said.textContent = `${items.length} ${items.length === 1 ? "completion" : "completions"}, Tab takes the first`;
  }

  // Below the line that is written, or above it where there is more room.
  place() {
    const { root, items } = this.options;
    const { left, top, bottom } = placeOf(this.box, items[0].from, this.box.selectionStart);
    const view = window.visualViewport;
    const height = view ? view.offsetTop + view.height : innerHeight;
    const above = bottom + root.offsetHeight + EDGE > height && top > height - bottom;
    root.style.left = `${Math.max(EDGE, Math.min(left, document.documentElement.clientWidth - root.offsetWidth - EDGE))}px`;
    root.style.top = `${above ? Math.max(EDGE, top - root.offsetHeight - 2) : bottom + 2}px`;
  }

  close() {
    clearTimeout(this.timer);
    this.asked.abort();
    this.options.hide();
    this.said.textContent = "";
  }

  // Whether the key was for the list. Enter takes only what was chosen: else it is a line break.
  key({ key, ctrlKey, metaKey, altKey, shiftKey }) {
    if (!this.options.shown || ["Shift", "Control", "Alt", "Meta"].includes(key)) return false;
    const held = ctrlKey || metaKey || altKey;
    const plain = !held && !shiftKey;
    if (plain && (key === "ArrowDown" || key === "ArrowUp")) this.options.move(key === "ArrowDown" ? 1 : -1);
    else if (plain && key === "Tab") this.options.take(Math.max(0, this.options.active));
    else if (plain && key === "Enter" && this.options.active >= 0) this.options.take();
    else if (key === "Escape") this.close();
    else {
      if (held || key === "Enter" || LEAVING.includes(key)) this.close();
      return false;
    }
    return true;
  }

  accept(item) {
    const { box } = this;
    write(box, completed(box.value, item.from, box.selectionStart, item));
    this.close();
  }
}

// Touch keyboards compose every word, and show what they offer in a place of their own; input methods for other
// scripts have a list at the caret.
const keyboardOfTouch = (data) =>
  matchMedia("(pointer: coarse)").matches && /^[\p{Script=Latin}\p{N}'_-]*$/u.test(data ?? "");

// The answers to the more telling questions first, each completion once.
function merged(questions, found) {
  const all = found.flatMap((items, number) => items.map((item) => ({ ...item, from: questions[number].from })));
  const kept = new Map();
  for (const item of all) if (!kept.has(`${item.kind} ${item.name}`)) kept.set(`${item.kind} ${item.name}`, item);
  return [...kept.values()].slice(0, MOST);
}

function drawn({ kind, name, detail, count }) {
  const told = [detail, count ? shortCount(count) : ""].filter(Boolean).join(" · ");
  return [
    element("span", "dr-option-name", name),
    element("span", "dr-option-detail", told),
    element("span", "dr-option-kind", NAMES[kind] ?? kind),
  ];
}

const shortCount = (count) => new Intl.NumberFormat("en", { notation: "compact" }).format(count);
