// What steers the pictures of a tab beside its prompts: ControlNet units and regions.

import { Parts } from "./parts.js";

const SOON = 30; // ms, for gradio to have taken what was set

export class Steering {
  // `alone`: it is the ControlNet tab.
  constructor(tab, alone) {
    Object.assign(this, { tab, alone });
    this.parts = new Parts(); // "units" and "regions", once they are laid out
    this.unused = []; // fields that the checkpoint can't use
    this.chipped = ""; // the chips drawn last
  }

  get units() {
    return this.parts.get("units");
  }

  get regions() {
    return this.parts.get("regions");
  }

  // The fields of the parameters; or {errors: [{field, message}]}.
  async told() {
    const alone = this.alone ? { control_alone: true } : {};
    const regions = this.unused.includes("regions") ? {} : (this.regions?.told ?? {});
    if (this.unused.includes("control") || !this.units) return { ...regions, ...alone };
    try {
      return { control: await this.units.told(), ...regions, ...alone };
    } catch (error) {
      return { errors: [{ field: "control", message: error.message }] };
    }
  }

  // What an infotext or, `whole`, a job tells.
  async show(told, whole) {
    if (told.control) await (await this.parts.when("units")).show(told.control, whole);
    if (Object.keys(told).some((field) => field.startsWith("regions"))) (await this.parts.when("regions")).show(told);
    this.changed();
  }

  // What a page that is opened again shows: what is set by hand meanwhile stays.
  async restore(params) {
    const { control = [], regions = [], regions_base, regions_feather } = params ?? {};
    if (control.length && !(await this.parts.when("units")).touched) await this.units.show(control, true);
    if (regions.length && !(await this.parts.when("regions")).touched) this.regions.show({ regions, regions_base, regions_feather });
    this.changed();
  }

  // The checkpoint is another, or the form was filled.
  refresh(unused) {
    this.unused = unused;
    if (this.units) this.units.root.hidden = unused.includes("control");
    if (this.regions) this.regions.root.hidden = unused.includes("regions");
    this.regions?.reshape();
    if (this.units?.built) this.units.build();
  }

  // [{name, off}] for what is on.
  get chips() {
    const made = [];
    const { units, regions } = this;
    // On the ControlNet tab it would be odd if none were.
    if (units?.count && !units.root.hidden && !this.alone) made.push({ name: `ControlNet: ${units.count} ${units.count === 1 ? "unit" : "units"}`, off: () => units.turnOff() });
    if (regions?.count && !regions.root.hidden) made.push({ name: `Regional prompts: ${regions.count}`, off: () => regions.turnOff() });
    return made;
  }

  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => document.getElementById(`${this.tab}_draw_chips`)?.click(), SOON);
  }
}
