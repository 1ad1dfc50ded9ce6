// What of the history is to be seen.

import { element } from "./dom.js";
import { counted, dayNamed } from "./history_words.js";

const PAUSE = 250; // ms that one has to rest from typing

export class Filters {
  // `changed()`: others apply; `jump(day)`: one wants to see the pictures of that day.
  constructor(root, { changed, jump }) {
    Object.assign(this, { root, changed });
    this.part("[name=q]").addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(changed, PAUSE);
    });
    for (const name of ["checkpoint", "since", "until"]) this.part(`[name=${name}]`).addEventListener("change", changed);
    root.addEventListener("submit", (event) => event.preventDefault());
    root.addEventListener("click", ({ target }) => this.pressed(target.closest("button")));
    this.part("[name=day]").addEventListener("change", ({ target }) => {
      if (target.value) jump(target.value);
      target.value = "";
    });
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  isOn(name) {
    return this.part(`.dr-hist-${name}`).getAttribute("aria-pressed") === "true";
  }

  pressed(button) {
    if (button?.matches(".dr-hist-filter")) this.unfold(button);
    if (!button?.hasAttribute("aria-pressed")) return;
    button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
    this.root.closest(".dr-hist").classList.toggle("dr-hist-in-trash", this.isOn("trash"));
    this.changed();
  }

  unfold(button) {
    const is = this.root.classList.toggle("dr-hist-unfolded");
    button.setAttribute("aria-expanded", is);
  }

  // As the server wants them.
  get values() {
    const values = { q: this.part("[name=q]").value.trim() };
    for (const name of ["checkpoint", "since", "until"]) values[name] = this.part(`[name=${name}]`).value;
    if (this.isOn("favourites")) values.favourite = true;
    if (!this.isOn("grids")) values.kind = "picture";
    if (this.isOn("trash")) values.trash = true;
    return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
  }

  // Whether any leaves pictures out, besides the trash.
  get narrows() {
    const { trash, ...others } = this.values;
    return Object.keys(others).length > 0;
  }

  clear() {
    for (const name of ["q", "checkpoint", "since", "until"]) this.part(`[name=${name}]`).value = "";
    this.part(".dr-hist-favourites").setAttribute("aria-pressed", "false");
    this.part(".dr-hist-grids").setAttribute("aria-pressed", "true");
    this.changed();
  }

  // What there is to choose from.
  offer({ checkpoints, days, favourites, trash }) {
    const picker = this.part("[name=checkpoint]");
    const chosen = picker.value;
    const names = checkpoints.map(({ name, count }) => option(name, `${name} (${count.toLocaleString()})`));
    if (chosen && !checkpoints.some(({ name }) => name === chosen)) names.push(option(chosen, chosen));
    picker.replaceChildren(option("", "All models"), ...names);
    picker.value = chosen;
    const listed = days.map(({ name, count }) => option(name, `${dayNamed(name)} (${count.toLocaleString()})`));
    this.part("[name=day]").replaceChildren(option("", "Go to a day"), ...listed);
    this.mark("favourites", favourites);
    this.mark("trash", trash);
  }

  mark(name, count) {
    this.part(`.dr-hist-${name} .dr-hist-count`).textContent = count ? count.toLocaleString() : "";
    this.part(`.dr-hist-${name}`).title = `${counted(count)} there`;
  }
}

function option(value, text) {
  const made = element("option", "", text);
  made.value = value;
  return made;
}
