// The chips under the prompts: what differs from its default in accordions that may be closed. A × sets it back.

import { button, element } from "./dom.js";
import { known } from "./known.js";

const LONG = 32; // letters of a value

let wanted = null; // the field that is to be set back

const chipsOf = (tab) => known.tabs[tab].chips;

const more = new Map(); // tab -> what else gives chips: refresh(unused) and chips, [{name, off}]

export const alsoFrom = (tab, source) => more.set(tab, source);

// `values` are those of the fields of the tab's chips, in their order, then of sampler_name and scheduler.
export function draw(tab, about, values) {
  const row = document.getElementById(`${tab}_override_settings`);
  if (!row) return;
  const told = JSON.parse(about);
  more.get(tab)?.refresh(told.unused);
  const odd = differing(chipsOf(tab), told, values).map((chip) => drawn(tab, chip));
  const others = more.get(tab)?.chips.map(({ name, off }) => made(name, `Turn off ${name}`, off)) ?? [];
  const focused = row.contains(document.activeElement);
  row.replaceChildren(...odd, ...others);
  row.hidden = !row.children.length;
  if (focused) row.querySelector("button")?.focus();
}

// What the controls are to hold: the wanted field its default, the others what they do.
export function setBack(tab, about, values) {
  const own = JSON.parse(about).defaults;
  const chips = chipsOf(tab);
  return chips.map(({ field, default: normal }, place) => (field === wanted ? own[field] ?? normal : values[place])).concat(values.slice(chips.length));
}

function differing(all, { defaults, unused }, values) {
  const held = Object.fromEntries([...all.map(({ field }) => field), "sampler_name", "scheduler"].map((field, place) => [field, values[place]]));
  const chips = all.map((chip) => ({ ...chip, value: held[chip.field], normal: defaults[chip.field] ?? chip.default }));
  const normal = Object.fromEntries(chips.map((chip) => [chip.field, chip.normal]));
  return chips.filter((chip) => !unused.includes(chip.field) && !same(chip) && isHeeded(chip, held, normal));
}

const same = ({ value, normal }) => (value ?? null) === (normal ?? null) || (value === null && normal === 0);

// Some mean something only beside another: Beta's numbers for that schedule, FreeU's while it is on.
function isHeeded({ needs }, held, normal) {
  if (!needs) return true;
  const [other, values] = needs;
  if (values.length) return values.includes(held[other]);
  return held[other] !== normal[other] || held[other] === true;
}

function drawn(tab, { field, name, value }) {
  const text = typeof value === "boolean" ? name + (value ? "" : ": off") : `${name}: ${short(value)}`;
  return made(text, `Set ${name} back`, () => {
    wanted = field;
    document.getElementById(`${tab}_set_back`).click();
  });
}

function made(text, hint, act) {
  const chip = element("li", "dr-override", text);
  const back = button("×", "", act);
  back.title = back.ariaLabel = hint;
  chip.append(back);
  return chip;
}

function short(value) {
  const text = value === null || value === undefined ? "empty" : String(value);
  return text.length > LONG ? `${text.slice(0, LONG)}…` : text;
}
