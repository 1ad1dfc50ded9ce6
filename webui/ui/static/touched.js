// Hears when a tab's form is changed by hand, and presses the hidden button that has the chips drawn anew.

import { tabOf } from "./known.js";

const EVENTS = ["input", "change", "click"];
const SOON = 30; // ms, for gradio to have taken the change
const timers = new Map();

// `changed(tab)` is called at once.
export function watchForms(changed) {
  for (const name of EVENTS) document.addEventListener(name, ({ target }) => heard(target, changed), true);
  // An option of a list is gone before there is a click, and may be taken by Enter.
  document.addEventListener("mousedown", ({ target }) => target.closest?.("[role=option]") && heard(target, changed), true);
  document.addEventListener("keydown", ({ key, target }) => key === "Enter" && heard(target, changed), true);
}

function heard(target, changed) {
  const tab = target.closest?.(".dr-prompts, .dr-controls") && tabOf(target);
  if (!tab) return;
  changed(tab);
  clearTimeout(timers.get(tab));
  timers.set(tab, setTimeout(() => document.getElementById(`${tab}_draw_chips`)?.click(), SOON));
}
