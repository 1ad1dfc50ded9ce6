// Two pictures one over the other, with a line to wipe between them.

import { button, element } from "./dom.js";

const STEP = 0.5; // % that an arrow key moves the line

// Each is {url, width, height, title}; the sizes may be 0, where they aren't known. Those of different sizes are both
// brought to that of `after`. Returns the dialog, which is open.
export function compare(before, after) {
  const dialog = element("dialog", "dr-compare");
  dialog.setAttribute("aria-label", "Two pictures compared");
  const frame = element("div", "dr-compare-frame");
  const line = wipe();
  const [below, above] = [picture(before, "dr-compare-before"), picture(after, "dr-compare-after")];
  above.addEventListener("load", () => shape(frame, above.naturalWidth, above.naturalHeight));
  if (after.width && after.height) shape(frame, after.width, after.height);
  line.addEventListener("input", () => frame.style.setProperty("--at", `${line.value}%`));
  const labels = [label(before, below, "dr-compare-left"), label(after, above, "dr-compare-right")];
  frame.append(below, above, element("span", "dr-compare-line"), line, ...labels);
  const close = button("×", "dr-compare-close", () => dialog.close());
  close.setAttribute("aria-label", "Close");
  dialog.append(frame, close);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  line.focus();
  return dialog;
}

function picture({ url, title }, className) {
  const made = document.createElement("img");
  Object.assign(made, { src: url, alt: title, className, draggable: false });
  return made;
}

function wipe() {
  const line = document.createElement("input");
  Object.assign(line, { type: "range", min: 0, max: 100, step: STEP, value: 50, className: "dr-compare-wipe" });
  line.setAttribute("aria-label", "How much of each picture is seen");
  return line;
}

// Its size is told once the picture is there.
function label({ title }, image, side) {
  const made = element("span", `dr-compare-label ${side}`, title);
  const tell = () => (made.textContent = [title, `${image.naturalWidth}×${image.naturalHeight}`].filter(Boolean).join(" · "));
  image.addEventListener("load", tell);
  return made;
}

function shape(frame, width, height) {
  frame.style.setProperty("--ratio", width / height);
}
