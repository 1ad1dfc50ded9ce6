// Regional prompts of a tab: the picture's area, and a list of its regions.

import { placeOf } from "./canvas_picture.js";
import { slider, tick } from "./control_inputs.js";
import { button, element, warning } from "./dom.js";
import { known } from "./known.js";
import { RegionRow } from "./regions_row.js";
import { RegionsBox } from "./regions_box.js";

const { regions: FIELDS, region: REGION, most_regions: MOST } = known.steering;
const COLORS = ["#f5a524", "#4aa8ff", "#5fd38d", "#ff7ab6", "#c792ea", "#ffd84d", "#ff8a5c", "#58d6d6"];
const ENABLE = { title: "Enable", description: "Without it the regions have no say, and stay here." };
const TEMPLATES = { "2 columns": [2, 1], "3 columns": [3, 1], "2 rows": [1, 2], "3 rows": [1, 3] };
const OF_REGION = /Region (\d+)/i;
const TOLD = ["prompt", "weight", "x", "y", "width", "height", "mask"];

export class RegionsPanel {
  // `acts`: shape() is the size asked for, backdrop() the address of a picture to show behind them or "",
  // paint({picture, mask}) lets a mask be painted, canvasPicture() gives what it is painted over, changed().
  constructor(root, acts) {
    Object.assign(this, { root, acts });
    this.tab = root.dataset.tab;
    this.regions = [];
    this.rows = [];
    this.chosen = -1;
    this.touched = false;
    this.lay(root.querySelector(".dr-steer-inside"));
    root.addEventListener("toggle", () => this.reshape());
    root.addEventListener("darkroom:wrong", ({ detail }) => (detail.place = this.blamed(detail.message)));
    this.draw();
  }

  lay(inside) {
    const id = `${this.tab}_regions`;
    const touched = () => this.change();
    this.on = tick(ENABLE, `${id}_enable`, touched);
    this.box = new RegionsBox({
      added: (rectangle) => this.add(rectangle),
      changed: (place, rectangle) => this.change(() => Object.assign(this.regions[place], rectangle)),
      chosen: (place) => this.choose(place),
      removed: (place) => this.removed(this.regions[place]),
    });
    this.list = element("ul", "dr-regions-list");
    this.list.setAttribute("aria-label", "Regions");
    this.said = element("div", "dr-steer-said");
    this.base = slider(FIELDS.regions_base, `${id}_base`, touched);
    this.feather = slider(FIELDS.regions_feather, `${id}_feather`, touched);
    const head = element("div", "dr-unit-ticks");
    head.append(this.on.box, ...this.templates());
    const sliders = element("div", "dr-unit-sliders");
    sliders.append(this.base.box, this.feather.box);
    inside.append(this.said, head, this.box.root, this.list, sliders);
    this.write({});
  }

  templates() {
    const made = Object.entries(TEMPLATES).map(([name, [columns, rows]]) => {
      const one = button(name, "dr-button dr-small", () => this.tile(columns, rows));
      one.title = "Divide the picture; the first prompts stay";
      return one;
    });
    const whole = button("Add a region", "dr-button dr-small", () => this.add({ x: 0.25, y: 0.25, width: 0.5, height: 0.5 }));
    return [whole, ...made];
  }

  tile(columns, rows) {
    const [width, height] = [1 / columns, 1 / rows];
    const places = Array.from({ length: columns * rows }, (_, place) => ({ x: (place % columns) * width, y: Math.floor(place / columns) * height, width, height }));
    this.change(() => {
      const before = this.regions;
      this.set(places.map((place, index) => ({ ...before[index], mask: "", ...place })));
      this.on.write(true);
    });
  }

  // Its place; null if there are too many.
  add(rectangle) {
    if (this.regions.length >= MOST) {
      this.say(`${MOST} regions are the most.`);
      return null;
    }
    this.change(() => {
      this.append(rectangle);
      this.on.write(true);
      this.chosen = this.regions.length - 1;
    });
    return this.regions.length - 1;
  }

  append(values) {
    const usual = Object.fromEntries(Object.entries(REGION).map(([field, { default: value }]) => [field, value]));
    const color = COLORS.find((one) => this.regions.every((region) => region.color !== one)) ?? COLORS[this.regions.length % COLORS.length];
    const region = { ...usual, ...values, color };
    const acts = {
      changed: () => this.change(),
      chosen: () => this.choose(this.regions.indexOf(region)),
      paint: () => this.paint(region),
      unmask: () => this.change(() => (region.mask = "")),
      remove: () => this.removed(region),
    };
    this.regions.push(region);
    const row = new RegionRow(`${this.tab}_region_${this.regions.length}`, region, acts);
    this.rows.push(row);
    this.list.append(row.root);
  }

  removed(region) {
    const place = this.regions.indexOf(region);
    this.change(() => {
      this.regions.splice(place, 1);
      this.rows.splice(place, 1)[0].root.remove();
      this.chosen = Math.min(this.chosen, this.regions.length - 1);
    });
    (this.rows[Math.min(place, this.rows.length - 1)]?.text ?? this.on.box.querySelector("input")).focus();
  }

  async paint(region) {
    try {
      const mask = await this.acts.paint({ picture: await this.acts.canvasPicture(), mask: region.mask });
      if (mask) this.change(() => (region.mask = mask));
    } catch (error) {
      this.say(error.message);
    }
  }

  set(regions) {
    this.regions = [];
    this.rows = [];
    this.list.replaceChildren();
    for (const region of regions.slice(0, MOST)) this.append(region);
    this.chosen = Math.min(this.chosen, this.regions.length - 1);
  }

  choose(place) {
    if (place === this.chosen) return;
    this.chosen = place;
    this.draw();
  }

  // By hand.
  change(act = () => {}) {
    act();
    this.touched = true;
    this.say("");
    this.draw();
    this.acts.changed();
  }

  draw() {
    const shown = this.regions.map((region, place) => ({ ...region, mask: region.mask && (placeOf(region.mask)?.path ?? ""), name: `Region ${place + 1}` }));
    this.box.draw(shown, this.chosen);
    this.rows.forEach((row, place) => row.draw(place, place === this.chosen));
    const count = this.regions.length;
    const on = count && this.on.read() ? `${count} ${count === 1 ? "region" : "regions"}` : "";
    this.root.querySelector(".dr-steer-facts").textContent = on;
  }

  // The size asked for, or the picture behind, may be another.
  reshape() {
    if (this.root.open) this.box.shape(this.acts.shape(), this.acts.backdrop());
  }

  get count() {
    return this.on.read() ? this.regions.length : 0;
  }

  turnOff() {
    this.change(() => this.on.write(false));
  }

  // The fields of the parameters.
  get told() {
    if (!this.count) return {};
    const regions = this.regions.map((region) => Object.fromEntries(TOLD.map((field) => [field, region[field]])));
    return { regions, regions_base: this.base.read(), regions_feather: this.feather.read() };
  }

  write({ regions_base, regions_feather }) {
    this.base.write(regions_base ?? FIELDS.regions_base.default);
    this.feather.write(regions_feather ?? FIELDS.regions_feather.default);
  }

  // Of `told` what is there.
  show(told) {
    if (told.regions) {
      this.set(told.regions);
      this.on.write(told.regions.length > 0);
      this.root.open ||= told.regions.length > 0;
    }
    this.write({ ...this.numbers, ...told });
    this.draw();
    this.reshape();
  }

  get numbers() {
    return { regions_base: this.base.read(), regions_feather: this.feather.read() };
  }

  blamed(message) {
    const row = this.rows[Number(message.match(OF_REGION)?.[1] ?? 0) - 1];
    return row?.root ?? this.said;
  }

  say(sentence) {
    this.said.replaceChildren(...(sentence ? [warning("dr-error", sentence)] : []));
  }
}
