// The lines that are shown on hover.

import { known, tabs } from "./known.js";

// To whatever has none yet; `laid(tab)` tells whether a tab is there.
export function addHints(laid) {
  for (const [id, hint] of Object.entries(known.own_hints)) addHint(id, hint);
  for (const tab of tabs.filter(laid)) {
    for (const [name, hint] of Object.entries(known.hints)) addHint(`${tab}_${name}`, hint);
  }
}

function addHint(id, hint) {
  const element = document.getElementById(id);
  if (!element || element.title) return;
  element.title = hint;
  if (element.matches(".dr-tool")) element.setAttribute("aria-label", hint);
}
