// Joins what steers with the rest of the page: a Steering for each tab that draws, and its panels once they are there.

import { blankPicture, placeOf } from "./canvas_picture.js";
import { CanvasPictures } from "./control_canvas.js";
import { Choices } from "./control_choices.js";
import { ControlPanel } from "./control_panel.js";
import { Pictures } from "./control_pictures.js";
import { known } from "./known.js";
import { showTab } from "./parts.js";
import { RegionsPanel } from "./regions_panel.js";
import { isTaken, nameOf } from "./sending.js";
import * as sizes from "./sizes.js";
import { Steering } from "./steering.js";

const GREY = "#808080"; // what a mask is painted over where there is no picture

export class SteeringJoints {
  // `page`: canvases and stages are Parts by tab; checkpoint() is the one that is chosen; mask() is the dialog in which
  // masks are painted; changed(tab) hears of changes.
  constructor(page) {
    this.page = page;
    this.choices = new Choices(page.checkpoint);
    this.found = new Map(Object.keys(known.tabs).filter((tab) => known.tabs[tab].paste).map((tab) => [tab, new Steering(tab, known.tabs[tab].steered)]));
  }

  // None of a tab that doesn't draw.
  get(tab) {
    return this.found.get(tab);
  }

  takeUnits(root) {
    const { tab } = root.dataset;
    const steering = this.get(tab);
    steering.units?.stop();
    steering.parts.set("units", new ControlPanel(root, this.choices, this.unitActs(tab, steering)));
  }

  takeRegions(root) {
    const { tab } = root.dataset;
    const steering = this.get(tab);
    steering.parts.set("regions", new RegionsPanel(root, { ...this.maskActs(tab), changed: () => this.changed(tab) }));
  }

  // What else is told of a tab, JSON too, with the fields of what steers.
  async joined(tab, told = "{}") {
    const { errors = [], ...fields } = JSON.parse(told);
    const { errors: others = [], ...more } = (await this.get(tab)?.told()) ?? {};
    return JSON.stringify({ ...fields, ...more, errors: [...errors, ...others] });
  }

  changed(tab) {
    this.get(tab).changed();
    this.page.changed(tab);
  }

  // There is another finished picture.
  reshape() {
    for (const { regions } of this.found.values()) regions?.reshape();
  }

  unitActs(tab, steering) {
    const { starts, steered, hires } = known.tabs[tab];
    const acts = {
      starts,
      steered,
      hires,
      base: () => this.base(tab),
      size: () => sizes.asked(tab),
      changed: () => this.changed(tab),
      getModels: () => this.getModels(),
    };
    const pictures = (unit, place, changed, signal) =>
      steered && place === 0
        ? new CanvasPictures({ tab, canvas: () => this.page.canvases.get(tab), changed, signal })
        : new Pictures({ id: unit.id, starts, base: acts.base, acts: this.pictureActs(tab, starts), changed, signal });
    return { ...acts, pictures };
  }

  pictureActs(tab, starts) {
    return {
      paint: async ({ picture, mask }) => this.paint({ picture: picture || (await this.underMask(tab)), mask }),
      shown: () => this.shown(tab),
      take: starts ? null : (size) => size && sizes.take(tab, size),
    };
  }

  maskActs(tab) {
    return {
      shape: () => sizes.shape(tab),
      backdrop: () => this.backdrop(tab),
      paint: (wish) => this.paint(wish),
      canvasPicture: () => this.underMask(tab),
    };
  }

  paint(wish) {
    return this.page.mask().paint(wish);
  }

  // The name of the finished picture on the tab's stage, or "".
  shown(tab) {
    const picture = this.page.stages.get(tab)?.pictures.shown;
    return picture ? nameOf(picture) : "";
  }

  backdrop(tab) {
    const shown = this.shown(tab);
    return shown ? placeOf(shown).path : "";
  }

  // The canvas's picture, the one on the stage, or a grey one of the size asked for.
  async underMask(tab) {
    const { picture } = known.tabs[tab].starts ? (this.page.canvases.get(tab) ?? {}) : {};
    return picture?.blob ?? (this.shown(tab) || blankPicture(sizes.shape(tab), GREY));
  }

  // What the tab starts from: {image, mask}, names or "".
  async base(tab) {
    if (!known.tabs[tab].starts) return { image: "", mask: "" };
    const { picture, layers, wishes, masks } = this.page.canvases.get(tab) ?? {};
    if (!picture) return { image: "", mask: "" };
    const image = layers.sketch.isBlank ? wishes.pictureId(picture) : wishes.paintedId(picture, layers);
    const [first, second] = await Promise.all([image, masks ? wishes.maskId(picture, layers) : ""]);
    return { image: first, mask: second };
  }

  getModels() {
    showTab("models");
    const get = document.querySelector(".dr-get");
    if (get) get.open = true;
    get?.scrollIntoView({ block: "start" });
  }

  // A page that is opened again shows what its last job was steered by; on the ControlNet tab that is on the canvas.
  async restore(tab, params) {
    const steering = this.get(tab);
    if (!steering || !params) return;
    const canvas = known.tabs[tab].steered && (await this.page.canvases.when(tab));
    if (canvas && isTaken(canvas)) return;
    // Its size is that of the form already.
    sizes.hold(tab, true);
    await steering.restore(params).finally(() => sizes.hold(tab, false));
  }
}
