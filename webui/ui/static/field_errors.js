// Each error stands at the control that caused it, wherever that is; an accordion that hides it is opened.

import { warning } from "./dom.js";
import { elementId, known } from "./known.js";

const FIELD_ERROR = ".dr-field-error:not(.dr-browser *, .dr-settings *)"; // forms of their own show theirs
const PATIENCE = 60; // frames for gradio to lay an accordion out

let shown = 0; // counts, so that what is late doesn't come back after newer ones

// Returns those that belong to no control.
export async function showFieldErrors(tab, errors) {
  const turn = (shown += 1);
  document.querySelectorAll(FIELD_ERROR).forEach((old) => old.remove());
  const rest = [];
  for (const error of errors) {
    const control = await find(tab, error.field);
    if (turn !== shown) return [];
    if (control?.matches("details")) inside(control, error.message).append(warning("dr-field-error", error.message));
    else if (control) place(control, error.message);
    else rest.push(error);
  }
  document.querySelector(FIELD_ERROR)?.scrollIntoView({ block: "nearest" });
  return rest;
}

function place(control, message) {
  const error = warning("dr-field-error", message);
  // Below the row on top, not in it, where there is room for a picker's label alone.
  const row = control.closest(".dr-top");
  if (row) row.after(error);
  else control.append(error);
}

// Where in what steers a sentence belongs: whoever fills it knows, and brings that into sight.
function inside(details, message) {
  details.open = true;
  const detail = { message, place: null };
  details.dispatchEvent(new CustomEvent("darkroom:wrong", { detail }));
  return detail.place ?? details;
}

async function find(tab, field) {
  const id = elementId(tab, field);
  const accordion = document.getElementById(known.tabs[tab].accordions[field]);
  if (accordion && !isOpen(accordion)) accordion.querySelector("button")?.click();
  for (let frame = 0; id && frame < (accordion ? PATIENCE : 1); frame++) {
    const control = document.getElementById(id);
    if (control?.offsetParent) return control;
    await new Promise(requestAnimationFrame);
  }
  return document.getElementById(id);
}

const isOpen = (accordion) => accordion.querySelector("button")?.classList.contains("open");
