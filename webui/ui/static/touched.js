// Hears when a tab's form is changed by hand, and presses the hidden buttons that have drawn anew what tells of it.

import { tabOf } from "./known.js";
import { later } from "./pause.js";

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
  // What is put into prompts from the cards below them is heard from the prompts.
  if (target.closest?.(".dr-extra")) return;
  const tab = target.closest?.(".dr-prompts, .dr-controls") && tabOf(target);
  if (!tab) return;
  changed(tab);
  if (target.closest(".dr-scripts")) countAgain(tab);
  clearTimeout(timers.get(tab));
  timers.set(tab, setTimeout(() => document.getElementById(`${tab}_draw_chips`)?.click(), SOON));
}

// How many pictures the script would make.
export const countAgain = (tab) => later(`${tab}_script_count_pause`, `${tab}_script_count`);
