// Inputs of units and regions, made of what the server told of their fields. Each is {box, read, write}; `changed()`
// hears of changes by hand.

import { element } from "./dom.js";

// `about` is {title, description, least, most, step}.
export function slider(about, id, changed) {
  const box = element("div", "dr-steer-slider");
  box.id = id;
  const label = element("label", "", about.title);
  const number = numbered("number", about, `${id}_number`);
  const range = numbered("range", about, `${id}_range`);
  label.htmlFor = number.id;
  range.setAttribute("aria-label", about.title);
  box.title = about.description ?? "";
  box.append(label, number, range);
  const write = (value) => (number.value = range.value = value);
  range.addEventListener("input", () => {
    number.value = range.value;
    changed();
  });
  number.addEventListener("input", () => {
    range.value = number.value;
    changed();
  });
  number.addEventListener("change", () => write(limited(number.value, about)));
  // A pause while it is typed counts as what the limits make of it.
  return { box, write, read: () => limited(number.value, about) };
}

function numbered(type, { least, most, step = 0.01 }, id) {
  const input = element("input", type === "number" ? "dr-input" : "");
  return Object.assign(input, { type, min: least, max: most, step, id });
}

function limited(text, { least, most, default: normal }) {
  const value = text === "" || Number.isNaN(Number(text)) ? normal : Number(text);
  return Math.min(most, Math.max(least, value));
}

export function tick({ title, description }, id, changed) {
  const box = element("label", "dr-steer-tick");
  const input = element("input", "");
  Object.assign(input, { type: "checkbox", id });
  box.title = description ?? "";
  box.append(input, title);
  input.addEventListener("change", changed);
  return { box, read: () => input.checked, write: (value) => (input.checked = value) };
}

// `choices` stand side by side.
export function radios({ title, description, choices }, id, changed) {
  const box = element("fieldset", "dr-steer-radios");
  box.id = id;
  box.title = description ?? "";
  const row = element("div", "");
  const inputs = choices.map((value) => {
    const label = element("label", "");
    const input = Object.assign(element("input", ""), { type: "radio", name: id, value });
    input.addEventListener("change", changed);
    label.append(input, element("span", "", value));
    row.append(label);
    return input;
  });
  box.append(element("legend", "", title), row);
  const read = () => inputs.find(({ checked }) => checked)?.value ?? choices[0];
  return { box, read, write: (value) => inputs.forEach((input) => (input.checked = input.value === value)) };
}

// `offer([{value, text, title, off}])` sets what it offers; what is chosen stays, be it no longer among it.
export function list({ title, description }, id, changed) {
  const box = element("div", "dr-steer-list");
  box.id = id;
  box.title = description ?? "";
  const label = element("label", "", title);
  const select = element("select", "dr-input");
  label.htmlFor = select.id = `${id}_select`;
  box.append(label, select);
  select.addEventListener("change", changed);
  const write = (value) => {
    if (![...select.options].some((option) => option.value === value)) select.append(new Option(value, value));
    select.value = value;
  };
  const offer = (choices, chosen = select.value) => {
    select.replaceChildren(...choices.map(option));
    if (chosen) write(chosen);
  };
  return { box, select, write, offer, read: () => select.value };
}

function option({ value, text = value, title = "", off = false }) {
  const made = new Option(text, value);
  made.title = title;
  made.disabled = off;
  return made;
}
