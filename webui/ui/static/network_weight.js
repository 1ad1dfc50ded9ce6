// A weight's slider, and a box with its number.

import { element } from "./dom.js";

const LEAST = -1;
const MOST = 2;
const STEP = 0.05;

export class Weight {
  // `changed(weight)` hears of each change by hand; `name` is whose weight it is.
  constructor(name, changed) {
    this.root = element("span", "dr-weight");
    this.range = input("range", `Weight of ${name}`, "How strongly it takes effect");
    this.number = input("number", `Weight of ${name}, as a number`, "How strongly it takes effect");
    this.range.addEventListener("input", () => changed(Number(this.range.value)));
    this.number.addEventListener("input", () => this.number.value !== "" && changed(Number(this.number.value)));
    this.root.append(this.range, this.number);
  }

  // What is being typed stays as it is typed.
  show(weight, enabled = true, why = "") {
    this.range.min = Math.min(LEAST, weight);
    this.range.max = Math.max(MOST, weight);
    this.range.value = weight;
    if (document.activeElement !== this.number || Number(this.number.value) !== weight) this.number.value = weight;
    for (const one of [this.range, this.number]) one.disabled = !enabled;
    this.root.title = why;
  }
}

function input(type, label, hint) {
  const made = element("input", type === "number" ? "dr-input" : "");
  Object.assign(made, { type, step: STEP, title: hint });
  made.setAttribute("aria-label", label);
  return made;
}

// A labelled switch; `changed(on)` hears of it.
export function toggleSwitch(name, label, changed) {
  const box = element("label", "dr-switch");
  const control = element("input", "");
  control.type = "checkbox";
  control.setAttribute("role", "switch");
  control.setAttribute("aria-label", label);
  control.addEventListener("change", () => changed(control.checked));
  box.append(control, element("span", "", name));
  return { box, control };
}
