// A model's details in a dialog: what is known of it, what can be done with it, what is set for it.

import { loadModel, modelSettings, setModel } from "./api.js";
import { button, element, warning } from "./dom.js";
import { Form } from "./form.js";
import { doing, thumbnail } from "./model_card.js";
import { NETWORK_KINDS } from "./networks.js";
import { NetworkDetails } from "./network_details.js";
import { familyName, fileSize, kindName, shortName, variantName } from "./model_words.js";

export class Details {
  // `use` selects the checkpoint for drawing, `chosen` names the one selected, `changed`: settings were kept. `networks`
  // knows the prompts, `picture` names the picture that is shown.
  constructor(root, { use, chosen, canUse, memory, changed, networks, picture }) {
    this.root = root;
    this.networks = networks;
    this.picture = picture;
    this.network = null;
    this.canUse = canUse;
    this.use = use;
    this.chosen = chosen;
    this.memory = memory;
    this.changed = changed;
    this.model = null;
    this.form = null;
    // A click beside the dialog's content is one on the dialog itself.
    root.addEventListener("click", (event) => event.target === root && root.close());
    root.addEventListener("close", () => this.leave());
  }

  open(model) {
    this.model = model;
    this.loading = false;
    this.root.setAttribute("aria-label", shortName(model));
    this.root.replaceChildren(this.layout());
    this.root.showModal();
    if (model.problem) return;
    if (model.kind === "checkpoint") this.readSettings();
    if (NETWORK_KINDS.includes(model.kind)) this.openNetwork();
    this.drawButtons();
  }

  openNetwork() {
    const { networks, picture } = this;
    const changed = (model) => this.renew(model);
    const dialog = { networks, picture, changed, say: (text) => this.say(text), tried: (act) => this.tried(act) };
    this.network = new NetworkDetails(this.root, this.model, dialog);
  }

  renew(model) {
    this.model = model;
    this.part(".dr-about .dr-card-thumb").replaceWith(thumbnail(model));
    this.changed();
  }

  // The card that was pressed may have been drawn anew meanwhile.
  leave() {
    this.network?.stop();
    this.network = null;
    const key = `${this.model.kind} ${this.model.name}`;
    this.model = this.form = null;
    this.root.closest(".dr-browser").querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  layout() {
    const inside = element("div", "dr-details-inside");
    const head = element("header", "");
    const close = button("×", "dr-close", () => this.root.close());
    close.setAttribute("aria-label", "Close");
    head.append(element("h2", "", shortName(this.model)), close);
    const about = element("div", "dr-about");
    about.append(thumbnail(this.model), this.facts());
    inside.append(head, about, element("div", "dr-details-actions"), element("p", "dr-details-said"), element("form", ""));
    const form = inside.querySelector("form");
    form.noValidate = true;
    form.addEventListener("submit", (event) => this.save(event));
    inside.querySelector(".dr-details-said").setAttribute("role", "status");
    return inside;
  }

  facts() {
    const list = element("dl", "");
    for (const [name, value] of known(this.model)) {
      if (value) list.append(element("dt", "", name), element("dd", name === "sha256" ? "dr-hash" : "", value));
    }
    return list;
  }

  drawButtons() {
    if (this.model?.kind !== "checkpoint" || this.model.problem) return;
    const words = doing(this.model, this.memory.residents);
    if (this.words === words.join() && this.part(".dr-details-actions").children.length) return;
    this.words = words.join();
    const loaded = words.includes("loaded") || words.includes("in use");
    if (loaded && this.loading) this.say("It is in memory.");
    if (loaded) this.loading = false;
    const use = button("Use", "dr-button dr-primary", () => this.useIt());
    use.title = "Choose it for drawing and show txt2img";
    const load = button("Load", "dr-button", () => this.load());
    load.title = "Read it into memory now, so that the first picture comes sooner";
    const unload = button("Unload", "dr-button", () => this.memory.unload(this.model.name));
    unload.title = "Let it go from memory";
    [load.disabled, unload.disabled] = [loaded, !loaded || words.includes("in use")];
    this.part(".dr-details-actions").replaceChildren(use, load, unload);
  }

  useIt() {
    const { name } = this.model;
    this.root.close();
    this.use(name);
  }

  async load() {
    this.say("Reading it into memory…");
    this.loading = true;
    await this.tried(async () => {
      this.memory.show(await loadModel(this.model.name));
    });
  }

  async readSettings() {
    const { name } = this.model;
    await this.tried(async () => {
      const { fields, values } = await modelSettings(name);
      if (this.model?.name !== name) return;
      const usable = fields.filter((field) => this.canUse(this.model, field.name));
      this.form = new Form(usable, values);
      const save = element("button", "dr-button dr-primary", "Save");
      const reset = button("Reset", "dr-button", () => this.form.fill(Object.fromEntries(fields.map((field) => [field.name, null]))));
      reset.title = "Empty all fields, so that the model's file is followed; Save keeps that";
      const row = element("div", "dr-form-actions");
      row.append(save, reset);
      this.part("form").replaceChildren(element("h3", "", "When this model is chosen"), this.form.root, row);
    });
  }

  async save(event) {
    event.preventDefault();
    if (this.network) return this.saveNetwork();
    if (!this.form.check()) return;
    const { prediction, zero_snr, notes, ...defaults } = this.form.values;
    await this.tried(async () => {
      this.model = await setModel(this.model.name, { defaults, prediction, zero_snr, notes });
      this.form.fill((await modelSettings(this.model.name)).values);
      const now = this.chosen() === this.model.name;
      this.say(now ? "Saved. Press Use to set the controls to it now." : "Saved.");
      this.changed();
    });
  }

  async saveNetwork() {
    this.form = this.network.form;
    if (this.form.check()) await this.tried(() => this.network.save());
  }

  say(text) {
    this.part(".dr-details-said").replaceChildren(text);
  }

  // What goes wrong stands at its field, or where the dialog says things.
  async tried(act) {
    try {
      await act();
    } catch (error) {
      if (!this.model) return;
      const rest = this.form?.showProblems(error.problems ?? []) ?? [];
      if (rest.length || !error.problems?.length) this.part(".dr-details-said").replaceChildren(warning("dr-error", error.message));
      else this.say("");
    }
  }
}

function known(model) {
  const { name, dtype, size, modified, sha256, prediction, zero_snr, description, problem, defaults } = model;
  return [
    ["Problem", problem],
    ["Kind", kindName(model.kind)],
    ["Family", [familyName(model), variantName(model)].filter(Boolean).join(", ")],
    ["Number format", dtype],
    ["Predicts", prediction && prediction.replace("_", "-") + (zero_snr ? ", zero terminal SNR" : "")],
    ["Begins with", model.kind === "checkpoint" ? beginning(defaults) : ""],
    ["Size", size ? fileSize(size) : ""],
    ["Changed", modified ? new Date(modified * 1000).toLocaleString() : ""],
    [model.folder ? "Folder" : "File", name],
    ["sha256", sha256 ?? "not computed yet"],
    ["About", description],
  ];
}

function beginning({ width, height, steps, cfg_scale, sampler_name }) {
  const parts = [width && height ? `${width}×${height}` : "", sampler_name, steps && `${steps} steps`, cfg_scale && `CFG ${cfg_scale}`];
  return parts.filter(Boolean).join(", ");
}
