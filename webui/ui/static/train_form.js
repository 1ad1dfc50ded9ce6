// What is to be made, and how: a form from the server's description, with what is seldom touched folded away.

import { element } from "./dom.js";
import { clear, Form } from "./form.js";

const ELSEWHERE = ["dataset"]; // chosen above
const OF_LORA = ["rank", "alpha", "modules", "train_text_encoder"];
const OF_EMBEDDING = ["vectors", "initial_text"];
const FIRST = ["kind", "name", "trigger", "prompt", "steps", "learning_rate", "resolution", "rank", "vectors", "initial_text"];

const SAMPLE = {
  ...{ name: "prompt", title: "Sample prompt", kind: "text", group: "", choices: [], optional: false },
  description: "What is drawn on the way, to see how far it is. Empty: the trigger words and the first picture's caption.",
};

export class TrainForm {
  // `fields` as the server tells them, and the values that suit a checkpoint and what is made. `changed` is called
  // when anything is.
  constructor(fields, values, changed) {
    const asked = [SAMPLE, ...fields].filter(({ name }) => !ELSEWHERE.includes(name));
    const ordered = [...FIRST.map((name) => asked.find((field) => field.name === name)), ...asked];
    this.form = new Form([...new Set(ordered.filter(Boolean))], values, () => {
      this.draw();
      changed();
    });
    this.fields = fields;
    this.suits = { prompt: "", ...values };
    this.more = element("details", "dr-train-more");
    this.more.append(element("summary", "", "More"));
    const inside = element("div", "dr-form");
    for (const box of [...this.form.root.children]) if (!FIRST.includes(box.dataset.field)) inside.append(box);
    this.more.append(inside);
    this.form.root.append(this.more);
    this.root.addEventListener("input", ({ target }) => clear(target.closest("[data-field]")));
    this.draw();
  }

  get root() {
    return this.form.root;
  }

  get values() {
    return this.form.values;
  }

  draw() {
    const unused = this.values.kind === "LoRA" ? OF_EMBEDDING : OF_LORA;
    for (const box of this.root.querySelectorAll("[data-field]")) box.hidden = unused.includes(box.dataset.field);
  }

  // For another checkpoint or kind: what was not set by hand follows it.
  follow(values) {
    const set = Object.entries(this.values).filter(([name, value]) => value !== (this.suits[name] ?? null));
    this.suits = { prompt: "", ...values };
    this.fill({ ...values, ...Object.fromEntries(set) });
  }

  fill(values) {
    this.form.fill({ ...this.values, ...values });
    this.draw();
  }

  // Numbers that were emptied are told here, in the words of the server for names.
  check() {
    if (!this.form.check()) return false;
    const { values } = this;
    const empty = this.fields.filter(({ name, optional }) => name in values && values[name] === null && !optional);
    this.showProblems(empty.map(({ name, title }) => ({ field: name, message: `${title} can't be empty.` })));
    return !empty.length;
  }

  // What belongs to no field is returned.
  showProblems(problems) {
    const rest = this.form.showProblems(problems);
    if (this.more.querySelector(".dr-wrong")) this.more.open = true;
    return rest;
  }
}
