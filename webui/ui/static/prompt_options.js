// A list of options for a text field that keeps the focus: ARIA's combobox. Arrow keys and the pointer choose.

import { element } from "./dom.js";

const COMBOBOX = { role: "combobox", "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-expanded": "true" };

export class Options {
  constructor(id, name, choose) {
    this.root = element("ul", "dr-options");
    this.root.id = id;
    this.root.hidden = true;
    this.root.setAttribute("role", "listbox");
    this.root.setAttribute("aria-label", name);
    this.choose = choose; // (item, its number)
    this.field = null;
    this.items = [];
    this.active = -1;
    // A press must not take the focus from the field.
    this.root.addEventListener("mousedown", (event) => event.preventDefault());
    this.root.addEventListener("click", (event) => this.clicked(event.target.closest('[role="option"]')));
  }

  get shown() {
    return !this.root.hidden;
  }

  // `draw(item)` gives the nodes of an option; `active` is the number of the one to begin with, -1 for none.
  show(field, items, draw, active = -1) {
    if (this.field !== field) this.hide();
    this.field = field;
    this.items = items;
    this.root.replaceChildren(...items.map((item, number) => this.option(draw(item), number)));
    this.root.hidden = false;
    this.root.scrollTop = 0;
    for (const [name, value] of Object.entries(COMBOBOX)) field.setAttribute(name, value);
    field.setAttribute("aria-controls", this.root.id);
    this.activate(Math.min(active, items.length - 1));
  }

  hide() {
    this.root.hidden = true;
    this.root.replaceChildren();
    this.items = [];
    this.active = -1;
    const told = [...Object.keys(COMBOBOX), "aria-controls", "aria-activedescendant"];
    told.forEach((name) => this.field?.removeAttribute(name));
    this.field = null;
  }

  option(nodes, number) {
    const made = element("li", "dr-option");
    made.id = `${this.root.id}-${number}`;
    made.setAttribute("role", "option");
    made.append(...nodes);
    return made;
  }

  // From none: down to the first, up to the last; round at the ends.
  move(step) {
    const count = this.items.length;
    if (!count) return;
    const from = this.active < 0 && step < 0 ? 0 : this.active;
    this.activate((from + step + count) % count);
    this.root.children[this.active].scrollIntoView({ block: "nearest" });
  }

  activate(number) {
    this.active = number;
    [...this.root.children].forEach((option, each) => option.setAttribute("aria-selected", String(each === number)));
    if (number >= 0) this.field.setAttribute("aria-activedescendant", this.root.children[number].id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  take(number = this.active) {
    if (number in this.items) this.choose(this.items[number], number);
  }

  clicked(option) {
    if (option) this.take([...this.root.children].indexOf(option));
  }
}
