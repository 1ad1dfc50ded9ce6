// Cards beside the folders that their models lie in. Of many, those further down wait until they are scrolled to.

import { element } from "./dom.js";
import { familyName } from "./model_words.js";
import { Folders } from "./models_folders.js";

const AT_ONCE = 120; // how many cards are made at a time

export class Shelf {
  // `card(model)` makes a card, `chosen()` hears of another folder.
  constructor(root, { card, chosen }) {
    this.list = root.querySelector(".dr-cards");
    this.folders = new Folders(root.querySelector(".dr-folders"), chosen);
    this.card = card;
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
    this.list.replaceChildren();
    this.add();
    return found.length;
  }

  add() {
    const next = this.waiting.splice(0, AT_ONCE);
    this.list.append(...next.map((model) => this.card(model)));
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

// What stands where there is no card; `where` says how to get some.
export function emptyShelf(group, words, where) {
  if (words.length) return [element("p", "", `No ${group.one} matches. Empty the filter to see all.`)];
  const how = `Put files into ${group.folder} and press the button with the arrow, or ${where}.`;
  return [element("p", "", `No ${group.one} yet.`), element("p", "", how)];
}
