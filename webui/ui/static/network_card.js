// A network's card: pressing it puts it into the prompt or takes it out; below, a switch and its weight.

import { button, element } from "./dom.js";
import { badges, thumbnail } from "./model_card.js";
import { facts, firstLine, shortName } from "./model_words.js";
import { Weight, toggleSwitch } from "./network_weight.js";

const FIELDS = { prompt: "Prompt", neg_prompt: "Negative" };

// The item has `update()`, which shows what stands in the prompts now.
export function networkCard(model, networks, open) {
  const item = element("li", "dr-card-item dr-network");
  const face = faceOf(model, () => networks.toggle(model));
  const about = button("", "dr-tool dr-card-open", open);
  about.title = about.ariaLabel = `Details of ${shortName(model)}`;
  const unfit = element("span", "dr-card-unfit");
  const controls = controlsOf(model, networks);
  face.append(unfit);
  item.append(face, about, controls.box);
  item.model = model;
  item.update = () => {
    const reason = model.kind === "hypernetwork" ? "Hypernetworks are listed, but not applied." : networks.mismatch(model);
    unfit.textContent = reason;
    item.classList.toggle("dr-unfit", Boolean(reason));
    face.setAttribute("aria-pressed", networks.isUsed(model));
    controls.update();
  };
  item.update();
  badges(item, []);
  return item;
}

function faceOf(model, act) {
  const face = button("", "dr-card", act);
  face.title = model.name;
  face.dataset.key = `${model.kind} ${model.name}`;
  face.append(thumbnail(model), element("span", "dr-card-badges"), element("span", "dr-card-name", shortName(model)));
  face.append(element("span", "dr-card-facts", facts(model)));
  const told = model.activation_text || firstLine(model.notes || model.description);
  if (told) face.append(element("span", "dr-card-note", told));
  return face;
}

function controlsOf(model, networks) {
  return model.kind === "embedding" ? embeddingControls(model, networks) : tagControls(model, networks);
}

function tagControls(model, networks) {
  const box = element("div", "dr-card-use");
  const name = shortName(model);
  const { box: label, control } = toggleSwitch("", `${name} in the prompt`, (on) =>
    on ? networks.insert(model) : networks.remove(model),
  );
  const weight = new Weight(name, (value) => {
    const tag = networks.tagOf(model);
    if (tag) networks.weigh(tag, value);
  });
  box.append(label, weight.root);
  const update = () => {
    const tag = networks.tagOf(model);
    control.checked = Boolean(tag);
    weight.show(tag?.weight ?? model.preferred_weight ?? 1, Boolean(tag) && !tag.fixed, whyFixed(tag));
  };
  return { box, update };
}

export const whyFixed = (tag) => (tag?.fixed ? "Its tag names te and unet: change them in the prompt." : "");

function embeddingControls(model, networks) {
  const box = element("div", "dr-card-use");
  const switches = Object.entries(FIELDS).map(([field, name]) => {
    const label = `${shortName(model)} in the ${field === "prompt" ? "prompt" : "negative prompt"}`;
    const made = toggleSwitch(name, label, () => networks.toggleWords(model.called, field));
    box.append(made.box);
    return { field, ...made };
  });
  const update = () => {
    for (const { field, control } of switches) control.checked = networks.holds(model.called, field);
  };
  return { box, update };
}
