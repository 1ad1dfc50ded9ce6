// The ControlNet units of a tab, one of them in sight.

import { readSettings } from "./api.js";
import { NO_MODEL, NO_MODULE } from "./control_choices.js";
import { AT_FIRST, ControlUnit } from "./control_unit.js";
import { button, element, warning } from "./dom.js";

const USUAL = 3; // units, as in settings.py
const OF_UNIT = /ControlNet unit (\d+)/i;

export class ControlPanel {
  // `acts` are those of the units, and getModels(), which shows where models come from.
  constructor(root, choices, acts) {
    Object.assign(this, { root, choices, acts });
    this.tab = root.dataset.tab;
    this.inside = root.querySelector(".dr-steer-inside");
    this.units = [];
    this.built = null; // once they are laid out
    this.gone = new AbortController(); // ends its hearing of what happens elsewhere on the page
    this.refreshed = () => this.refresh();
    choices.heard.add(this.refreshed);
    root.addEventListener("toggle", () => root.open && this.build());
    root.addEventListener("darkroom:wrong", (event) => this.blame(event.detail));
    for (const of of ["darkroom:canvas", "darkroom:painted"]) {
      document.addEventListener(of, ({ detail }) => detail.tab === this.tab && this.baseChanged(), { signal: this.gone.signal });
    }
    if (root.open) this.build();
  }

  // Another takes its place: gradio has drawn the tab anew.
  stop() {
    this.gone.abort();
    this.choices.heard.delete(this.refreshed);
  }

  // What the units can choose from is asked for each time: the checkpoint may be another.
  build(count = 0) {
    this.choices.load().then(() => this.say(""), (error) => this.say(error.message));
    this.built ??= this.lay();
    return this.built.then(() => this.add(count));
  }

  async lay() {
    this.said = element("div", "dr-steer-said");
    this.empty = this.emptyState();
    this.bar = element("div", "dr-unit-tabs");
    this.bar.setAttribute("role", "tablist");
    this.bar.setAttribute("aria-label", "ControlNet units");
    this.bar.addEventListener("keydown", (event) => this.key(event));
    this.inside.append(this.said, this.empty, this.bar);
    const { values } = await readSettings().catch(() => ({ values: {} }));
    this.add(values.control_net_unit_count ?? USUAL);
    if (this.acts.steered) this.units[0].begin();
    this.choose(0);
    this.refresh();
  }

  add(count) {
    while (this.units.length < count) {
      const place = this.units.length;
      const id = `${this.tab}_controlnet_ControlNet-${place}`;
      const acts = { ...this.acts, changed: () => this.changed(), failed: (sentence) => this.say(sentence) };
      const unit = new ControlUnit(id, this.choices, { ...acts, pictures: (one, changed) => this.acts.pictures(one, place, changed, this.gone.signal) });
      unit.root.setAttribute("role", "tabpanel");
      unit.root.hidden = true;
      unit.head = this.head(place, unit);
      unit.root.setAttribute("aria-labelledby", unit.head.id);
      this.units.push(unit);
      this.bar.append(unit.head);
      this.inside.append(unit.root);
    }
  }

  head(place, unit) {
    const made = button("", "", () => this.choose(place));
    made.id = `${unit.id}_tab`;
    made.setAttribute("role", "tab");
    made.setAttribute("aria-controls", unit.id);
    made.append(element("span", "dr-unit-word", "ControlNet "), `Unit ${place}`);
    return made;
  }

  emptyState() {
    const box = element("div", "dr-steer-note");
    box.append(
      element("p", "", "There is no ControlNet for this checkpoint yet: put one into models/ControlNet, or get one."),
      element("p", "", "Without a model “Reference” steers by a picture's look alone."),
      button("Get models", "dr-button dr-small", () => this.acts.getModels()),
    );
    box.hidden = true;
    return box;
  }

  choose(place) {
    this.units.forEach(({ head, root }, other) => {
      root.hidden = other !== place;
      head.setAttribute("aria-selected", other === place);
      head.tabIndex = other === place ? 0 : -1;
    });
  }

  key({ key }) {
    const now = this.units.findIndex(({ root }) => !root.hidden);
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: this.units.length - 1 }[key];
    if (!this.units[next]) return;
    this.choose(next);
    this.units[next].head.focus();
  }

  // What can be chosen is another.
  refresh() {
    for (const unit of this.units) unit.refresh();
    if (this.empty) this.empty.hidden = !this.choices.asked || this.choices.hasModels;
    this.draw();
  }

  changed() {
    this.draw();
    this.acts.changed();
  }

  // What the tab starts from is another.
  baseChanged() {
    if (this.root.open) this.units.find(({ root }) => !root.hidden)?.baseChanged();
  }

  draw() {
    this.root.querySelector(".dr-steer-facts").textContent = this.count ? `${this.count} of ${this.units.length} on` : "";
    for (const { head, isOn } of this.units) head.classList.toggle("dr-unit-on", isOn);
  }

  get count() {
    return this.units.filter(({ isOn }) => isOn).length;
  }

  get touched() {
    return this.units.some(({ touched }) => touched);
  }

  turnOff() {
    for (const { inputs } of this.units) inputs.enabled.write(false);
    this.changed();
  }

  // The field of the parameters: all units up to the last that holds anything, since their places are their names.
  // Throws why a picture could not be kept.
  async told() {
    const told = await Promise.all(this.units.map((unit, place) => this.toldBy(unit, place)));
    return told.slice(0, told.findLastIndex(isOdd) + 1);
  }

  async toldBy(unit, place) {
    try {
      return await unit.told();
    } catch (error) {
      if (!unit.isOn) return { ...unit.values, image: "", mask: "" };
      throw new Error(`ControlNet unit ${place}: ${error.message}`);
    }
  }

  // `whole`: pictures are told, too; else those that are there stay.
  async show(told, whole) {
    if (!told.length && !this.units.length) return;
    await this.build(told.length);
    await this.choices.load().catch(() => {});
    this.units.forEach((unit, place) => unit.show(told[place] ?? AT_FIRST, !whole));
    this.choose(Math.max(0, told.findIndex(({ enabled }) => enabled)));
    this.root.open ||= told.some(({ enabled }) => enabled);
    this.draw();
  }

  // Where a sentence about the units belongs; its unit comes into sight.
  blame(detail) {
    const place = Number(detail.message.match(OF_UNIT)?.[1] ?? -1);
    if (this.units[place]) this.choose(place);
    detail.place = this.units[place]?.errors ?? this.said;
  }

  say(sentence) {
    this.said?.replaceChildren(...(sentence ? [warning("dr-error", sentence)] : []));
  }
}

const isOdd = ({ enabled, image, module, model }) => enabled || image || module !== NO_MODULE || model !== NO_MODEL;
