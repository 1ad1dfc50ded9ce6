// The part of the details that only networks have: use, preview, training words, and what people write of them.

import { changeNetwork, network, setPreview } from "./network_api.js";
import { button, element } from "./dom.js";
import { Form } from "./form.js";
import { shortName } from "./model_words.js";

const FEW = 40; // words that are shown at first

export class NetworkDetails {
  // `picture()` names the picture that is shown where one draws; `say`, `tried` and `changed(model)` are the dialog's.
  constructor(root, model, { networks, picture, say, tried, changed }) {
    Object.assign(this, { root, model, networks, picture, say, tried, changed });
    this.form = null;
    this.use = button("", "dr-button dr-primary", () => networks.toggle(this.model));
    this.drawUse = this.drawUse.bind(this);
    networks.addEventListener("changed", this.drawUse);
    this.part(".dr-details-actions").replaceChildren(this.use, this.previewButton());
    this.drawUse();
    tried(() => this.read());
  }

  stop() {
    this.networks.removeEventListener("changed", this.drawUse);
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  drawUse() {
    this.use.textContent = this.networks.isUsed(this.model) ? "Remove from prompt" : "Add to prompt";
    for (const chip of this.root.querySelectorAll(".dr-word")) {
      chip.setAttribute("aria-pressed", this.networks.holds(chip.dataset.word));
    }
  }

  previewButton() {
    const made = button("Replace preview", "dr-button", () => this.replacePreview());
    made.disabled = !this.picture();
    made.title = this.picture() ? "Put the picture that is shown on its card" : "Draw a picture first: it can then be put on the card";
    return made;
  }

  replacePreview() {
    return this.tried(async () => {
      this.changed((this.model = await setPreview(this.model, this.picture())));
      this.say("The picture is on its card now.");
    });
  }

  async read() {
    const told = await network(this.model);
    if (!this.root.isConnected || !this.root.open) return;
    this.showFacts(told.facts);
    this.showWords(told);
    this.showForm(told.form);
    this.drawUse();
  }

  showFacts(facts) {
    const list = this.part(".dr-about dl");
    for (const { title, value } of facts) list.append(element("dt", "", title), element("dd", "", value));
  }

  // What is to be used comes before what is told beside it, of which there may be hundreds.
  showWords({ trained_words, tags }) {
    const words = trained_words.map((word) => this.chip(word));
    const frequent = tags.map(({ tag, count }) => this.chip(tag, count));
    if (words.length) this.part("form").before(titled("Trained words", words));
    if (frequent.length) this.part("form").after(titled("Training tags", frequent));
  }

  // Brackets would be read as weights.
  chip(said, count) {
    const word = said.replace(/[()[\]]/g, "\\$&");
    const chip = button(said, "dr-chip dr-word", () => this.networks.toggleWords(word));
    if (count) chip.append(element("span", "dr-chip-count", String(count)));
    chip.dataset.word = word;
    chip.title = "Put it into the prompt, or take it out";
    return chip;
  }

  showForm({ fields, values }) {
    this.form = new Form(fields, values);
    const save = element("button", "dr-button dr-primary", "Save");
    const row = element("div", "dr-form-actions");
    row.append(save, element("span", "dr-quiet", `Kept in ${shortName(this.model)}.json beside it, as A1111 does.`));
    this.part("form").replaceChildren(element("h3", "", "How it is used"), this.form.root, row);
  }

  async save() {
    this.model = await changeNetwork(this.model, this.form.values);
    this.say("Saved.");
    this.changed(this.model);
  }
}

// A heading and chips; many are hidden until they are asked for.
function titled(title, chips) {
  const [box, list] = [element("div", "dr-words"), element("div", "dr-chips")];
  list.append(...chips.slice(0, FEW));
  const rest = chips.slice(FEW);
  if (rest.length) {
    const more = button(`Show all ${chips.length}`, "dr-button dr-small", () => more.replaceWith(...rest));
    list.append(more);
  }
  box.append(element("h3", "", title), list);
  return box;
}
