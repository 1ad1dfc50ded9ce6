// The LoRAs and embeddings under the prompts: cards that put them in, as in the Models tab.

import { refreshModels } from "./api.js";
import { keepFocus } from "./dom.js";
import { Details } from "./model_details.js";
import { GROUPS } from "./model_words.js";
import { ordered } from "./models_order.js";
import { networkCard } from "./network_card.js";
import { Shelf, emptyShelf, groupChips, sayInstead, usable, wordsOf } from "./shelf.js";

const SHOWN = GROUPS.filter(({ kinds }) => ["lora", "embedding"].includes(kinds[0]));
const FRAME = `
  <div class="dr-extra-bar">
    <div class="dr-chips" role="group" aria-label="Kind of network"></div>
    <input type="search" class="dr-input dr-filter" placeholder="Filter: name, words, notes"
      aria-label="Filter by name, trigger words or notes" title="Cards that hold all of these words">
    <span class="dr-quiet dr-extra-count" role="status"></span>
    <button type="button" class="dr-tool dr-icon-refresh dr-extra-refresh" title="Read the model folders again"
      aria-label="Read the model folders again"></button>
    <button type="button" class="dr-extra-close" title="Close" aria-label="Close">×</button>
  </div>
  <div class="dr-models-empty"></div>
  <div class="dr-shelf">
    <nav class="dr-folders" aria-label="Folders" hidden></nav>
    <ul class="dr-cards" aria-label="LoRAs and embeddings"></ul>
  </div>
  <dialog class="dr-details"></dialog>`;

export class NetworkPanel {
  // `networks` knows the prompts, `picture()` names the picture that is shown.
  constructor(root, { networks, picture }) {
    Object.assign(this, { root, networks, picture });
    this.group = SHOWN[0];
    this.look = this.look.bind(this);
    networks.addEventListener("changed", this.look);
    this.tell();
  }

  stop() {
    this.networks.removeEventListener("changed", this.look);
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  toggle() {
    this.root.hidden = !this.root.hidden;
    this.tell();
    if (this.root.hidden) return;
    if (!this.shelf) this.lay();
    this.look();
    this.read();
    // On a touch screen a keyboard would cover what is to be seen.
    if (matchMedia("(pointer: fine)").matches) this.part(".dr-filter").focus();
    else this.root.scrollIntoView({ block: "nearest" });
  }

  // The button that opens it; gradio lays it out when it likes.
  get opener() {
    return document.getElementById(`${this.root.dataset.tab}_extra_networks`);
  }

  tell() {
    this.opener?.setAttribute("aria-controls", this.root.id);
    this.opener?.setAttribute("aria-expanded", !this.root.hidden);
  }

  // The folders, anew.
  async read() {
    const answered = await this.networks.learn(true, refreshModels);
    if (answered) this.show();
    else this.say("The models can't be listed: the server doesn't answer.");
  }

  say(...sentences) {
    sayInstead(this.part(".dr-models-empty"), sentences);
  }

  lay() {
    const { networks, picture } = this;
    this.root.innerHTML = FRAME;
    this.shelf = new Shelf(this.part(".dr-shelf"), { card: (model) => this.card(model), chosen: () => this.show() });
    this.details = new Details(this.part(".dr-details"), { networks, picture, changed: () => networks.learn(true) });
    this.part(".dr-filter").addEventListener("input", () => this.show());
    this.part(".dr-extra-close").addEventListener("click", () => this.close());
    this.part(".dr-extra-refresh").addEventListener("click", () => this.read());
  }

  close() {
    this.toggle();
    this.opener?.focus();
  }

  card(model) {
    return networkCard(model, this.networks, () => this.details.open(model));
  }

  // Prompts, checkpoint or models have changed.
  look() {
    if (this.root.hidden || !this.shelf) return;
    if (!this.networks.known) return this.say("The model folders are being read…");
    if (this.drawn !== this.networks.models) return this.show();
    for (const card of this.shelf.cards) card.update();
  }

  show() {
    this.drawn = this.networks.models;
    keepFocus(this.root, () => this.draw(this.drawn));
  }

  draw(models) {
    const words = wordsOf(this.part(".dr-filter"));
    const all = usable(models, this.group);
    const found = this.shelf.show(all, words, (some) => ordered(some, "name", true));
    this.say(...(found ? [] : emptyShelf(this.group, words, "get one in the Models tab")));
    this.part(".dr-extra-count").textContent = words.length ? `${found} of ${all.length} shown.` : "";
    this.part(".dr-chips").replaceChildren(...groupChips(SHOWN, this.group, models, (group) => this.choose(group)));
  }

  choose(group) {
    this.group = group;
    this.show();
  }
}
