// One ControlNet unit: its controls, under A1111's names, and what it tells.

import { ALL, NO_MODEL, NO_MODULE } from "./control_choices.js";
import { list, radios, slider, tick } from "./control_inputs.js";
import { Lack } from "./control_lack.js";
import { moduleSliders } from "./control_module.js";
import { Preview } from "./control_preview.js";
import { button, element } from "./dom.js";
import { known } from "./known.js";

const FIELDS = known.steering.unit;
const IP_ADAPTER = "IP-Adapter";
const PREVIEW = { title: "Allow Preview", description: "Show the preprocessor's map, anew after each change." };
const MASKED = { title: "Effective Region Mask", description: FIELDS.mask.description };
const TYPE = { title: "Control Type", description: "Offers only the preprocessors and models of one kind." };
const SEEN = ["processor_res", "pixel_perfect", "resize_mode", "threshold_a", "threshold_b"]; // by the preprocessor

// A map's best resolution depends on the picture's size, which nobody wants to reckon.
export const AT_FIRST = { pixel_perfect: true };

export class ControlUnit {
  // `acts`: pictures(unit, changed) makes what holds its pictures; base() gives those that the tab starts from,
  // {image, mask}; size() is the size asked for; hires: whether the tab has hires fix; changed() hears of changes.
  constructor(id, choices, acts) {
    Object.assign(this, { id, choices, acts });
    this.root = element("div", "dr-unit");
    this.root.id = id;
    this.inputs = {};
    this.touched = false; // by hand
    this.filled = false; // whether there was a picture when it was last looked
    this.pictures = acts.pictures(this, (byHand) => this.pictured(byHand));
    this.preview = new Preview({ id: `${id}_generated_image`, wish: () => this.previewWish(), use: (name) => this.takeMap(name) });
    this.build();
    this.show(AT_FIRST, true);
  }

  // Where it is what a tab is about.
  begin() {
    this.inputs.enabled.write(true);
    this.allow.write(true);
    this.draw();
  }

  build() {
    const { root, pictures, preview } = this;
    this.errors = element("div", "dr-unit-errors");
    this.lack = new Lack(() => this.acts.getModels());
    const seen = element("div", "dr-unit-pictures");
    seen.append(pictures.root, preview.root);
    root.append(this.errors, seen, this.ticks(), pictures.maskRoot, this.typeRadios(), this.pickers(), this.sliders(), this.ways());
  }

  // An input for a field.
  make(kind, field, name, about = FIELDS[field]) {
    const id = `${this.id}_controlnet_${name}`;
    return (this.inputs[field] = kind({ ...about, field }, id, () => this.changed(field)));
  }

  ticks() {
    const row = element("div", "dr-unit-ticks");
    this.make(tick, "enabled", "enable_checkbox");
    this.make(tick, "pixel_perfect", "pixel_perfect_checkbox");
    this.allow = tick(PREVIEW, `${this.id}_controlnet_preprocessor_preview_checkbox`, () => this.previewed());
    this.masked = tick(MASKED, `${this.id}_controlnet_mask_upload_checkbox`, () => this.draw());
    row.append(this.inputs.enabled.box, this.inputs.pixel_perfect.box, this.allow.box, this.masked.box);
    return row;
  }

  typeRadios() {
    this.typeBox = element("div", "");
    this.offerTypes();
    return this.typeBox;
  }

  offerTypes(chosen = ALL) {
    const about = { ...TYPE, choices: this.choices.typeNames };
    this.type = radios(about, `${this.id}_controlnet_type_filter_radio`, () => this.typed());
    this.type.write(chosen);
    this.typeBox.replaceChildren(this.type.box);
  }

  pickers() {
    const row = element("div", "dr-unit-pickers");
    const module = this.make(list, "module", "preprocessor_dropdown");
    const run = button("", "dr-tool dr-icon-run", () => this.run());
    run.id = `${this.id}_controlnet_trigger_preprocessor`;
    run.title = run.ariaLabel = "Run the preprocessor and show its map";
    const model = this.make(list, "model", "model_dropdown");
    const again = button("", "dr-tool dr-icon-refresh", () => this.choices.load(true).catch((error) => this.acts.failed(error.message)));
    again.title = again.ariaLabel = "Look for new models";
    row.append(module.box, run, model.box, again);
    const both = element("div", "");
    both.append(row, this.lack.root);
    return both;
  }

  sliders() {
    const made = element("div", "dr-unit-sliders");
    const steps = [
      ["weight", "control_weight_slider"],
      ["guidance_start", "start_control_step_slider"],
      ["guidance_end", "ending_control_step_slider"],
    ];
    made.append(...steps.map(([field, name]) => this.make(slider, field, name).box));
    this.own = element("div", "dr-unit-sliders");
    const both = element("div", "dr-unit-both");
    both.append(made, this.own);
    return both;
  }

  ways() {
    const rows = element("div", "dr-unit-ways");
    const fields = [
      ["control_mode", "control_mode_radio"],
      ["resize_mode", "resize_mode_radio"],
      ["hr_option", "hr_option_radio"],
      ["influence", "influence_radio"],
    ];
    rows.append(...fields.map(([field, name]) => this.make(radios, field, name).box));
    const kind = this.make(list, "union_control_type", "union_control_type_dropdown");
    kind.offer([{ value: "", text: "The preprocessor's" }, ...FIELDS.union_control_type.choices.map((value) => ({ value }))], "");
    rows.append(kind.box);
    return rows;
  }

  // Of what the unit holds: every field but its pictures.
  get values() {
    return Object.fromEntries(Object.entries(this.inputs).map(([field, { read }]) => [field, read()]));
  }

  get isOn() {
    return this.inputs.enabled.read();
  }

  get module() {
    return this.choices.module(this.inputs.module.read());
  }

  get model() {
    return this.choices.type(ALL).models.find(({ name }) => name === this.inputs.model.read());
  }

  // As the parameters have it; throws why its pictures could not be kept.
  async told() {
    return { ...this.values, ...(await this.pictures.names()) };
  }

  // What isn't told is as at first; pictures stay where `keep` says so.
  show(values, keep = false) {
    const normal = Object.fromEntries(Object.entries(FIELDS).map(([field, { default: value }]) => [field, value]));
    const all = { ...normal, enabled: false, ...values };
    this.offerTypes(this.choices.module(all.module)?.control_type ?? ALL);
    this.offer(all.module, all.model);
    this.drawModule(all);
    // Thresholds that aren't told are the preprocessor's.
    for (const [field, input] of Object.entries(this.inputs)) if (all[field] != null) input.write(all[field]);
    if (!keep) this.pictures.show({ image: all.image, mask: all.mask });
    if (all.mask) this.masked.write(true);
    this.filled = this.pictures.isFilled;
    this.draw();
  }

  // What can be chosen is another; what was chosen stays.
  refresh() {
    const held = this.values;
    const kept = this.choices.typeNames.includes(this.type.read()) ? this.type.read() : ALL;
    this.offerTypes(kept);
    this.offer(held.module, held.model);
    this.drawModule(held);
    this.draw();
  }

  offer(module = this.inputs.module.read(), model = this.inputs.model.read()) {
    const type = this.type.read();
    this.inputs.module.offer(this.choices.modulesOf(type), module);
    this.inputs.model.offer(this.choices.modelsOf(type), model);
  }

  // The numbers that the preprocessor chosen takes.
  drawModule(values = {}) {
    const made = moduleSliders(this.module, this.id, (field) => this.changed(field));
    Object.assign(this.inputs, made.inputs);
    this.own.replaceChildren(...made.boxes);
    for (const [field, { write }] of Object.entries(made.inputs)) if (values[field] != null) write(values[field]);
  }

  draw() {
    const { inputs, module, model } = this;
    const perfect = inputs.pixel_perfect.read();
    inputs.processor_res.box.hidden = perfect || module?.has_resolution === false || inputs.module.read() === NO_MODULE;
    inputs.hr_option.box.hidden = !this.acts.hires;
    // Of the tab's own picture the tab says how it is resized.
    inputs.resize_mode.box.hidden = this.acts.starts && !this.pictures.isFilled;
    inputs.influence.box.hidden = model?.kind !== "ip-adapter" && this.type.read() !== IP_ADAPTER;
    inputs.union_control_type.box.hidden = !model?.union;
    this.lack.tell(this.choices.lackOf(this.type.read()));
    this.pictures.maskRoot.hidden = !this.masked.read() && !this.pictures.isMasked;
    this.preview.root.hidden = !this.allow.read();
    this.root.classList.toggle("dr-unit-previews", this.allow.read());
  }

  typed() {
    const { default_module, default_model, modules } = this.choices.type(this.type.read());
    this.offer(default_module ?? modules[0] ?? NO_MODULE, default_model || NO_MODEL);
    this.changed("module");
  }

  changed(field) {
    this.touched = true;
    this.errors.replaceChildren();
    if (field === "module") this.drawModule();
    this.draw();
    if (field === "module" || SEEN.includes(field)) this.see();
    this.acts.changed();
  }

  // What is brought by hand is meant to steer.
  pictured(byHand) {
    const came = this.pictures.isFilled && !this.filled;
    this.filled = this.pictures.isFilled;
    this.errors.replaceChildren();
    if (byHand) this.touched = true;
    if (byHand && came) this.inputs.enabled.write(true);
    if (!this.filled) this.preview.clear();
    this.draw();
    this.see();
    this.acts.changed();
  }

  // The map anew, where it is shown.
  see() {
    if (this.allow.read() && (this.filled || this.acts.starts)) this.preview.want();
  }

  baseChanged() {
    if (!this.filled) this.see();
  }

  previewed() {
    this.draw();
    if (this.allow.read()) this.see();
    else this.preview.clear();
  }

  run() {
    this.allow.write(true);
    this.draw();
    this.preview.ask();
  }

  async previewWish() {
    const told = await this.pictures.names();
    const base = told.image ? {} : await this.acts.base();
    const image = told.image || base.image;
    if (!image) throw new Error("There is no control image yet.");
    const { module, processor_res, threshold_a, threshold_b, pixel_perfect, resize_mode } = this.values;
    const mask = told.mask || base.mask || "";
    const settings = { module, processor_res, threshold_a, threshold_b, pixel_perfect, resize_mode };
    return { image, mask, place: this.id, ...settings, ...this.acts.size() };
  }

  async takeMap(image) {
    const { mask } = await this.pictures.names();
    this.inputs.module.write(NO_MODULE);
    this.pictures.show({ image, mask });
    this.changed("module");
  }
}
