// The prompt boxes' keys: weights, order, completions, earlier prompts; and the mark for brackets that don't match.

import { button } from "./dom.js";
import { Pair, asPromptBox, controlId, promptBoxes, write } from "./prompt_boxes.js";
import { unbalanced } from "./prompt_brackets.js";
import { Completion } from "./prompt_completion.js";
import { moved } from "./prompt_move.js";
import { Past } from "./prompt_past.js";
import { PastList } from "./prompt_past_list.js";
import { weighed } from "./prompt_weight.js";

const OFTEN = 500; // ms: gradio changes a box's text without an event
const completion = new Completion();
const pastList = new PastList();
const pasts = new Map(); // by what their pair's ids begin with
const checked = new WeakMap(); // box -> the text that its brackets were checked in

function pastOf(box) {
  const pair = new Pair(box);
  if (!pasts.has(pair.stem)) pasts.set(pair.stem, new Past(pair));
  return pasts.get(pair.stem);
}

function edit(box, change) {
  if (change) write(box, change);
  completion.close();
}

const weigh = (up) => (box) => edit(box, weighed(box.value, box.selectionStart, box.selectionEnd, up));
const move = (step) => (box) => edit(box, moved(box.value, box.selectionStart, box.selectionEnd, step));
const walk = (by) => async (box) => {
  if (controlId(box)) await pastOf(box).step(by); // a style's text has no past
  completion.close();
};

const KEYS = {
  "mod ArrowUp": weigh(true),
  "mod ArrowDown": weigh(false),
  "alt ArrowLeft": move(-1),
  "alt ArrowRight": move(1),
  "alt ArrowUp": walk(1),
  "alt ArrowDown": walk(-1),
};

function named({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  const held = [(ctrlKey || metaKey) && "mod", altKey && "alt", shiftKey && "shift"].filter(Boolean);
  return [...held, key].join(" ");
}

// Before the page's own keys and gradio's.
window.addEventListener("keydown", (event) => {
  const box = asPromptBox(event.target);
  if (!box || event.isComposing || event.defaultPrevented) return;
  const act = KEYS[named(event)];
  if (!completion.key(event) && !act) return;
  event.preventDefault();
  event.stopPropagation();
  act?.(box);
}, true);

document.addEventListener("input", (event) => {
  const box = asPromptBox(event.target);
  if (!box) return;
  check(box);
  completion.heard(box, event);
});
document.addEventListener("focusin", (event) => asPromptBox(event.target) && completion.entered());
document.addEventListener("focusout", (event) => asPromptBox(event.target) && completion.close());
document.addEventListener("pointerdown", (event) => asPromptBox(event.target) && completion.close());

// The counter beside the box tells, and the box itself to those who hear it.
function check(box) {
  if (checked.get(box) === box.value) return;
  const wrong = unbalanced(box.value);
  tell(box, "aria-description", wrong?.long);
  const counter = document.getElementById(`${controlId(box)}_tokens`);
  if (!counter && controlId(box)) return; // not laid out yet
  if (counter) tell(counter, "title", wrong?.long);
  if (counter) tell(counter, "data-unbalanced", wrong?.short);
  checked.set(box, box.value);
}

function tell(element, name, text) {
  if (text) element.setAttribute(name, text);
  else element.removeAttribute(name);
}

function addPastButton(box) {
  const frame = box.closest(".dr-prompt");
  if (!frame || controlId(box).endsWith("_neg_prompt") || frame.querySelector(".dr-past-open")) return;
  const opener = button("", "dr-past-open", () => pastList.open(pastOf(box)));
  opener.title = "Earlier prompts (Alt+Up: older, Alt+Down: newer)";
  opener.setAttribute("aria-label", "Earlier prompts");
  frame.append(opener);
}

function adopt() {
  promptBoxes().forEach(addPastButton);
  promptBoxes().forEach(check);
}

setInterval(adopt, OFTEN);
adopt();
