// A form made from the server's description of its fields (FieldView in api/fields.py): text, hint, error each.

import { element, warning } from "./dom.js";

const AUTOMATIC = "Automatic";
const SWITCH = [["On", true], ["Off", false]];
const FEW = 4; // so many choices are shown side by side

let forms = 0;

export class Form {
  // `changed` is called when anything is.
  constructor(fields, values, changed = () => {}) {
    this.prefix = `dr-form-${forms++}`;
    this.inputs = fields.map((field) => makeInput(field, `${this.prefix}-${field.name}`));
    this.root = element("div", "dr-form");
    for (const [group, inputs] of groups(this.inputs)) {
      if (group) this.root.append(element("h3", "", group));
      this.root.append(...inputs.map(({ box }) => box));
    }
    this.root.addEventListener("input", () => changed());
    this.fill(values);
  }

  fill(values) {
    this.kept = values;
    for (const { field, write } of this.inputs) write(values[field.name]);
    this.showProblems([]);
  }

  get values() {
    return Object.fromEntries(this.inputs.map(({ field, read }) => [field.name, read()]));
  }

  // Only what differs from what the server has.
  get changes() {
    return Object.fromEntries(Object.entries(this.values).filter(([name, value]) => value !== (this.kept[name] ?? null)));
  }

  title(name) {
    return this.inputs.find(({ field }) => field.name === name)?.field.title ?? name;
  }

  // Browsers tell only that what stands in a number's box is none; its value is empty then.
  check() {
    const wrong = this.inputs.filter(({ control }) => control?.validity?.badInput);
    this.showProblems(wrong.map(({ field }) => ({ field: field.name, message: `${field.title} is not a number.` })));
    return !wrong.length;
  }

  // Each at its field; the rest is returned.
  showProblems(problems) {
    for (const { box } of this.inputs) clear(box);
    const rest = problems.filter(({ field, message }) => {
      const input = this.inputs.find((known) => known.field.name === field);
      input?.box.append(warning("dr-field-error", message));
      input?.box.classList.add("dr-wrong");
      return !input;
    });
    this.root.querySelector(".dr-wrong :is(input, select, textarea)")?.focus();
    return rest;
  }
}

// Takes away what is said to be wrong at the field in `box`.
export function clear(box) {
  box.querySelector(".dr-field-error")?.remove();
  box.classList.remove("dr-wrong");
}

function groups(inputs) {
  const found = new Map();
  for (const input of inputs) found.set(input.field.group, [...(found.get(input.field.group) ?? []), input]);
  return found;
}

function makeInput(field, id) {
  const made = control(field, id);
  const hint = element("p", "dr-hint", field.description);
  hint.id = `${id}-hint`;
  made.box.dataset.field = field.name;
  made.box.append(hint);
  for (const one of made.box.querySelectorAll("input, select, textarea")) one.setAttribute("aria-describedby", hint.id);
  return { field, ...made };
}

function control(field, id) {
  if (field.kind === "switch" && !field.optional) return toggle(field, id);
  if (field.kind === "switch") return select(field, id, SWITCH);
  const choices = field.choices.map((choice) => [choice, choice]);
  if (field.kind === "choice" && !field.optional && choices.length <= FEW) return radios(field, id, choices);
  if (field.kind === "choice") return select(field, id, choices);
  return typed(field, id);
}

function labelled(field, id, control) {
  const box = element("div", "dr-field");
  const label = element("label", "dr-field-title", field.title);
  label.htmlFor = control.id = id;
  control.name = field.name;
  control.title = field.description;
  box.append(label, control);
  return box;
}

function toggle(field, id) {
  const control = element("input", "");
  control.type = "checkbox";
  const box = labelled(field, id, control);
  box.classList.add("dr-toggle");
  return { box, control, read: () => control.checked, write: (value) => (control.checked = Boolean(value)) };
}

// [shown, value] each; what is optional may be left to the program.
function select(field, id, choices) {
  const control = element("select", "dr-input");
  const all = field.optional ? [[AUTOMATIC, null], ...choices] : choices;
  control.append(...all.map(([shown]) => new Option(shown)));
  const place = (value) => all.findIndex(([, known]) => known === (value ?? null));
  const write = (value) => {
    // What is no longer offered, such as a file that has gone, is shown until something else is chosen.
    if (place(value) < 0) {
      all.push([String(value), value]);
      control.append(new Option(String(value)));
    }
    control.selectedIndex = place(value);
  };
  return { box: labelled(field, id, control), control, read: () => all[control.selectedIndex][1], write };
}

function radios(field, id, choices) {
  const box = element("fieldset", "dr-field");
  const row = element("div", "dr-radios");
  const inputs = choices.map(([shown, value]) => {
    const label = element("label", "", shown);
    const input = element("input", "");
    Object.assign(input, { type: "radio", name: id, value, title: field.description });
    label.prepend(input);
    row.append(label);
    return input;
  });
  box.append(element("legend", "dr-field-title", field.title), row);
  const read = () => inputs.find(({ checked }) => checked)?.value ?? null;
  const write = (value) => inputs.forEach((input) => (input.checked = input.value === value));
  return { box, read, write };
}

function typed(field, id) {
  const number = field.kind === "integer" || field.kind === "number";
  const control = element(field.kind === "lines" ? "textarea" : "input", "dr-input");
  if (field.kind === "lines") control.rows = 3;
  else control.type = number ? "number" : "text";
  if (number) limit(control, field);
  if (field.optional) control.placeholder = AUTOMATIC;
  const read = () => {
    if (!number) return control.value;
    return control.value === "" ? null : Number(control.value);
  };
  return { box: labelled(field, id, control), control, read, write: (value) => (control.value = value ?? "") };
}

function limit(control, { kind, minimum, maximum, step }) {
  control.step = step ?? (kind === "integer" ? 1 : "any");
  if (minimum !== null) control.min = minimum;
  if (maximum !== null) control.max = maximum;
}
