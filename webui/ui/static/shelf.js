// Cards beside the folders that their models lie in. Of many, those further down wait until they are scrolled to.

import { arrange, button, element } from "./dom.js";
import { familyName } from "./model_words.js";
import { Folders } from "./models_folders.js";

const AT_ONCE = 120; // how many cards are made at a time

export class Shelf {
  // `card(model)` makes a card, `chosen()` hears of another folder. A card stays while all that is known of its model
  // does: what is held or focused in it isn't lost.
  constructor(root, { card, chosen }) {
    this.list = root.querySelector(".dr-cards");
    this.folders = new Folders(root.querySelector(".dr-folders"), chosen);
    this.card = card;
    this.made = new Map(); // key of a model -> its card, and what was known then
    this.waiting = [];
    this.more = new IntersectionObserver(([seen]) => seen.isIntersecting && this.add(), { rootMargin: "600px" });
  }

  get cards() {
    return [...this.list.children];
  }

  // Of `models` those that lie in the chosen folder and hold all words, as `inOrder` puts them; tells how many.
  show(models, words, inOrder) {
    this.folders.show(models.map(({ name }) => name));
    const found = models.filter((model) => this.folders.holds(model) && holdsAll(model, words));
    this.waiting = inOrder(found);
    const begun = this.waiting.splice(0, Math.max(AT_ONCE, this.list.children.length));
    arrange(this.list, begun.map((model) => this.cardOf(model)));
    this.watch();
    return found.length;
  }

  cardOf(model) {
    const [key, told] = [`${model.kind} ${model.name}`, JSON.stringify(model)];
    const known = this.made.get(key);
    if (known?.told === told) {
      known.card.update?.();
      return known.card;
    }
    const card = this.card(model);
    this.made.set(key, { told, card });
    return card;
  }

  add() {
    const next = this.waiting.splice(0, AT_ONCE);
    this.list.append(...next.map((model) => this.cardOf(model)));
    this.watch();
  }

  watch() {
    this.more.disconnect();
    if (this.waiting.length) this.more.observe(this.list.lastElementChild);
  }
}

export const wordsOf = (box) => box.value.toLowerCase().split(/\s+/).filter(Boolean);

function holdsAll(model, words) {
  const { name, alias, notes, description, dtype, variant, activation_text } = model;
  const told = [name, alias, notes, description, dtype, variant, activation_text, familyName(model)].join("\n").toLowerCase();
  return words.every((word) => told.includes(word));
}

// Those models of a group that can be used.
export const usable = (models, { kinds }) => models.filter(({ kind, problem }) => !problem && kinds.includes(kind));

// A chip for each group of models with how many there are; pressing one calls `choose(group)`.
export function groupChips(groups, chosen, models, choose) {
  return groups.map((group) => {
    const chip = button(group.name, "dr-chip", () => choose(group));
    chip.append(element("span", "dr-chip-count", String(usable(models, group).length)));
    chip.setAttribute("aria-pressed", group === chosen);
    chip.title = `Show ${group.name}`;
    chip.dataset.key = `group ${group.name}`;
    return chip;
  });
}

// Says sentences in place of cards.
export function sayInstead(box, sentences) {
  box.hidden = !sentences.length;
  box.replaceChildren(...sentences.map((sentence) => element("p", "", sentence)));
}

// What is said where there is no card; `where` says how to get some.
export function emptyShelf(group, words, where) {
  if (words.length) return [`No ${group.one} matches. Empty the filter to see all.`];
  const how = `Put files into ${group.folder} and press the button with the arrow, or ${where}.`;
  return [`No ${group.one} yet.`, how];
}
