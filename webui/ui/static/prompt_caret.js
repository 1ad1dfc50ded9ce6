// Where in the window a place of a text box's text lies: a copy of the box, laid out out of sight, tells.

import { element } from "./dom.js";

const COPIED = [
  "border-width", "border-style", "padding", "font", "letter-spacing", "line-height", "tab-size", "text-indent",
  "text-transform", "word-spacing", "direction", "text-align",
];

// {left, top, bottom} of the text from..to, of its last line if it has several, in CSS pixels from the window's upper
// left corner.
export function placeOf(box, from, to) {
  const mirror = element("div", "dr-mirror", box.value.slice(0, from));
  const mark = element("span", "", box.value.slice(from, to));
  const style = getComputedStyle(box);
  for (const name of COPIED) mirror.style.setProperty(name, style.getPropertyValue(name));
  // The box's scroll bar takes width from its text, not from its frame.
  mirror.style.width = `${box.clientWidth + box.clientLeft * 2}px`;
  mirror.append(mark);
  document.body.append(mirror);
  const line = [...mark.getClientRects()].at(-1) ?? mark.getBoundingClientRect();
  const [own, frame] = [mirror, box].map((each) => each.getBoundingClientRect());
  mirror.remove();
  const top = Math.min(Math.max(frame.top + line.top - own.top - box.scrollTop, frame.top), frame.bottom);
  return { left: frame.left + line.left - own.left, top, bottom: Math.min(top + line.height, frame.bottom) };
}
