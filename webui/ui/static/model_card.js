// A model's card: thumbnail, name, facts, hash, first line of its notes, and what it is doing.

import { element } from "./dom.js";
import { facts, familyName, firstLine, kindName, shortName } from "./model_words.js";

export function card(model, residents, open) {
  const item = element("li", "dr-card-item");
  const face = element("button", "dr-card");
  face.type = "button";
  face.title = model.name;
  face.dataset.key = `${model.kind} ${model.name}`;
  face.addEventListener("click", open);
  face.append(thumbnail(model), element("span", "dr-card-badges"), element("span", "dr-card-name", shortName(model)));
  face.append(element("span", "dr-card-facts", facts(model)));
  if (model.short_hash) face.append(element("span", "dr-card-hash", model.short_hash));
  const note = firstLine(model.notes || model.description);
  if (note) face.append(element("span", "dr-card-note", note));
  item.append(face);
  item.model = model;
  badges(item, residents);
  return item;
}

export function thumbnail(model) {
  const frame = element("span", "dr-card-thumb");
  if (!model.thumbnail) {
    frame.append(element("span", "", familyName(model) || kindName(model.kind)));
    frame.setAttribute("aria-hidden", "true");
    return frame;
  }
  const picture = document.createElement("img");
  picture.loading = "lazy";
  picture.decoding = "async";
  picture.alt = "";
  picture.src = model.thumbnail;
  frame.append(picture);
  return frame;
}

// What a model is doing: words for badges.
export function doing(model, residents) {
  const own = residents.filter((resident) => resident.model === model.name);
  const words = [];
  if (own.some(({ in_use }) => in_use)) words.push("in use");
  else if (own.length) words.push("loaded");
  if (model.default) words.push("default");
  return words;
}

export function badges(item, residents) {
  const words = doing(item.model, residents);
  const box = item.querySelector(".dr-card-badges");
  if (box.dataset.words === words.join()) return;
  box.dataset.words = words.join();
  box.replaceChildren(...words.map((word) => element("span", `dr-badge dr-badge-${word.replace(" ", "-")}`, word)));
}
