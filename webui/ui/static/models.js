// The Models tab: cards of all model files, filtered and sorted; around them memory, details and downloads.

import { listModels, refreshModels } from "./api.js";
import { element, keepFocus, whileVisible } from "./dom.js";
import { GetModels } from "./get_models.js";
import { MemoryBar } from "./memory.js";
import { badges, card } from "./model_card.js";
import { Details } from "./model_details.js";
import { GROUPS, fileSize } from "./model_words.js";
import { ordered, rises } from "./models_order.js";
import { networkCard } from "./network_card.js";
import { NETWORK_KINDS } from "./networks.js";
import { NetworksUsed } from "./networks_used.js";
import { Shelf, emptyShelf, groupChips, sayInstead, usable, wordsOf } from "./shelf.js";

const MEMORY_EVERY = 2000;
const HASHES_EVERY = 4000;
const HASHES_SELDOM = 60000;

export class ModelsTab {
  // `use` selects a checkpoint for drawing, `chosen` tells which one is, `canUse` whether it takes a field, `networks`
  // knows the prompts, `picture` names the picture that is shown.
  constructor(root, { use, chosen, canUse, networks, picture }) {
    this.root = root;
    this.drawn = null; // the list that is shown
    this.group = GROUPS[0];
    this.rising = true;
    this.networks = networks;
    this.pause = HASHES_EVERY;
    this.memory = new MemoryBar(this.part(".dr-memory"), () => this.markLoaded());
    this.shelf = new Shelf(this.part(".dr-shelf"), { card: (model) => this.card(model), chosen: () => this.show() });
    this.used = new NetworksUsed(this.part(".dr-used"), networks);
    const page = { use, chosen, canUse, networks, picture, memory: this.memory, changed: () => this.look() };
    this.details = new Details(this.part(".dr-details"), page);
    this.get = new GetModels(this.part(".dr-get"), () => this.readFolders());
    this.wire();
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  get models() {
    return this.networks.models;
  }

  wire() {
    this.part(".dr-filter").addEventListener("input", () => this.show());
    this.part(".dr-sort select").addEventListener("change", () => this.turn(rises(this.order)));
    this.part(".dr-direction").addEventListener("click", () => this.turn(!this.rising));
    this.networks.addEventListener("changed", () => this.markUsed());
    this.part(".dr-models-refresh").addEventListener("click", () => this.readFolders(true));
    new IntersectionObserver(([seen]) => seen.isIntersecting && this.readFolders()).observe(this.root);
    whileVisible(this.root, MEMORY_EVERY, () => this.memory.refresh());
    this.waitForHashes(whileVisible(this.root, HASHES_SELDOM, () => {}));
  }

  // Hashes are computed in the background; where none comes, they are asked for ever less.
  waitForHashes(visible) {
    setTimeout(async () => {
      const missing = this.models.some(({ sha256, problem }) => !sha256 && !problem);
      if (missing && visible()) {
        const changed = await this.look();
        this.pause = changed ? HASHES_EVERY : Math.min(this.pause * 2, HASHES_SELDOM);
      }
      this.waitForHashes(visible);
    }, this.pause);
  }

  async readFolders(aloud = false) {
    this.pause = HASHES_EVERY;
    await this.look(refreshModels);
    if (aloud) this.say(`The folders were read: ${count(this.models.length)}.`);
  }

  // Whether anything was new.
  async look(ask = listModels) {
    const models = await ask().catch((error) => this.say(error.message));
    if (!models) return false;
    this.networks.set(models);
    if (this.models === this.drawn) return false;
    this.drawn = this.models;
    this.show();
    return true;
  }

  say(text) {
    this.part(".dr-models-said").textContent = text;
  }

  show() {
    keepFocus(this.root, () => {
      this.offerFirst();
      this.showChips();
      this.showCards();
      this.showUnusable();
    });
  }

  // Models to get come first where one looks for a checkpoint and has but the demo.
  offerFirst() {
    const own = usable(this.models, GROUPS[0]).some(({ name }) => name !== "darkroom-demo");
    this.get.prominent(!own && this.group === GROUPS[0]);
  }

  showChips() {
    const chips = groupChips(GROUPS, this.group, this.models, (group) => this.choose(group));
    this.part(".dr-chips").replaceChildren(...chips);
  }

  choose(group) {
    this.group = group;
    this.show();
  }

  get order() {
    return this.part(".dr-sort select").value;
  }

  turn(rising) {
    this.rising = rising;
    const button = this.part(".dr-direction");
    button.classList.toggle("dr-falling", !rising);
    button.title = button.ariaLabel = rising ? "Ascending: press for descending" : "Descending: press for ascending";
    this.show();
  }

  showCards() {
    const words = wordsOf(this.part(".dr-filter"));
    const all = usable(this.models, this.group);
    const found = this.shelf.show(all, words, (models) => ordered(models, this.order, this.rising));
    this.markLoaded();
    this.part(".dr-used-box").hidden = !this.group.kinds.includes("lora");
    this.say(words.length ? `${count(found)} of ${all.length} shown.` : "");
    sayInstead(this.part(".dr-models-empty"), found ? [] : emptyShelf(this.group, words, "download one below"));
  }

  card(model) {
    const open = () => this.details.open(model);
    return NETWORK_KINDS.includes(model.kind) ? networkCard(model, this.networks, open) : card(model, this.memory.residents, open);
  }

  markUsed() {
    for (const one of this.shelf.cards) one.update?.();
  }

  markLoaded() {
    for (const one of this.shelf.cards) badges(one, this.memory.residents);
    this.details.drawButtons();
  }

  showUnusable() {
    const unusable = this.models.filter(({ problem }) => problem);
    const box = this.part(".dr-unusable");
    box.hidden = !unusable.length;
    const files = unusable.length === 1 ? "1 file can't be used here" : `${unusable.length} files can't be used here`;
    box.querySelector("summary").textContent = files;
    box.querySelector("ul").replaceChildren(...unusable.map(complaint));
  }
}

const count = (number) => (number === 1 ? "1 model" : `${number} models`);

function complaint(model) {
  const row = element("li", "");
  row.append(element("strong", "", model.name), element("span", "dr-quiet", ` ${fileSize(model.size)}`));
  row.append(element("p", "", model.problem));
  return row;
}
