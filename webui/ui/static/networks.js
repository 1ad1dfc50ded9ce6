// The LoRAs, embeddings and hypernetworks that there are, and the prompts of the tab that they go into.

import { listModels } from "./api.js";
import { asPromptBox, put } from "./prompt_boxes.js";
import { familyName } from "./model_words.js";
import { added, placeOfWords, spoken, tagsIn, withWeight, without } from "./network_tags.js";

export const NETWORK_KINDS = ["lora", "embedding", "hypernetwork"];
const KEYWORDS = { lora: "lora", hypernetwork: "hypernet" };
const OFTEN = 500; // ms: gradio changes a box's text without an event
const SELDOM = 5000; // ms between two looks for a network that isn't known

export class Networks extends EventTarget {
  // `tab()` is the tab whose prompts are meant, `checkpoint()` names the one that is chosen. "changed" is told when
  // prompts, checkpoint or models have changed.
  constructor({ tab, checkpoint }) {
    super();
    this.tab = tab;
    this.checkpoint = checkpoint;
    this.models = [];
    this.seen = "";
    this.asked = 0;
    this.parked = new Map(); // tab -> what was switched off there and may be switched on again
    this.negative = false; // whether a negative prompt had the focus last
    document.addEventListener("input", ({ target }) => asPromptBox(target) && this.look());
    document.addEventListener("focusin", ({ target }) => {
      if (asPromptBox(target)) this.negative = isNegative(target);
    });
    setInterval(() => document.hidden || this.look(), OFTEN);
  }

  // The same list as before changes nothing: what is drawn of it stays.
  set(models) {
    const told = JSON.stringify(models);
    if (told === this.told) return;
    this.told = told;
    this.models = models;
    this.seen = "";
    this.look();
  }

  get known() {
    return this.told !== undefined;
  }

  look() {
    const now = JSON.stringify([this.tab(), this.checkpoint(), ...[...shownBoxes()].map(({ value }) => value)]);
    if (now === this.seen) return;
    this.seen = now;
    this.dispatchEvent(new Event("changed"));
  }

  // The page may not have asked for models yet, and files may have come since. Tells whether they could be had.
  async learn(soon = false, ask = listModels) {
    if (!soon && Date.now() - this.asked < SELDOM) return true;
    this.asked = Date.now();
    const models = await ask().catch(() => null);
    if (models) this.set(models);
    return Boolean(models);
  }

  text(tab = this.tab(), field = "prompt") {
    return boxOf(tab, field)?.value ?? "";
  }

  write(text, tab = this.tab(), field = "prompt") {
    const box = boxOf(tab, field);
    if (box && box.value !== text) put(box, text);
  }

  // The model that a tag names, in the ways in which the engine finds it; undefined if there is none.
  named({ kind, name }) {
    const wanted = name.trim().toLowerCase();
    if (!wanted) return undefined;
    const alike = this.models.filter((model) => model.kind === kind && !model.problem);
    const naming = (way) => alike.find((model) => way(model).toLowerCase() === wanted);
    return WAYS.reduce((found, way) => found ?? naming(way), undefined);
  }

  tags(tab = this.tab()) {
    return tagsIn(this.text(tab));
  }

  // The tag of a LoRA or hypernetwork in the prompt, or null.
  tagOf(model) {
    return this.found().get(keyOf(model)) ?? null;
  }

  // Key of a model -> its first tag. Hundreds of cards ask for it at once.
  found() {
    const [text, { models }] = [this.text(), this];
    if (this.last?.text !== text || this.last.models !== models) {
      const found = this.tags().map((tag) => [this.named(tag), tag]).filter(([model]) => model);
      this.last = { text, models, tags: new Map(found.reverse().map(([model, tag]) => [keyOf(model), tag])) };
    }
    return this.last.tags;
  }

  holds(words, field = "prompt") {
    return placeOfWords(this.text(undefined, field), words) !== null;
  }

  // Which prompt an embedding stands in; "" if none.
  placeOf(model) {
    return ["prompt", "neg_prompt"].find((field) => this.holds(model.called, field)) ?? "";
  }

  isUsed(model) {
    return Boolean(model.kind === "embedding" ? this.placeOf(model) : this.tagOf(model));
  }

  toggle(model) {
    if (model.kind === "embedding") return this.toggleWords(model.called, this.placeOf(model) || this.field);
    return this.tagOf(model) ? this.remove(model) : this.insert(model);
  }

  // As in A1111 an embedding goes into the prompt that was written in last.
  get field() {
    return this.negative ? "neg_prompt" : "prompt";
  }

  insert({ kind, called, preferred_weight, activation_text, negative_text }) {
    const tag = `<${KEYWORDS[kind]}:${called}:${spoken(preferred_weight ?? 1)}>`;
    this.write(added(this.text(), [tag, activation_text].filter(Boolean).join(" ")));
    if (negative_text && !this.holds(negative_text, "neg_prompt")) this.toggleWords(negative_text, "neg_prompt");
  }

  // All tags of it, with the words that came with them.
  remove(model) {
    for (let tag = this.tagOf(model); tag; tag = this.tagOf(model)) this.removeTag(tag);
    if (this.holds(model.negative_text, "neg_prompt")) this.toggleWords(model.negative_text, "neg_prompt");
  }

  removeTag(tag, tab = this.tab()) {
    this.write(without(this.text(tab), tag, this.named(tag)?.activation_text), tab);
  }

  // Words are put in, or taken out where they are in already.
  toggleWords(words, field = "prompt") {
    const text = this.text(undefined, field);
    const place = placeOfWords(text, words);
    this.write(place ? without(text, place) : added(text, words), undefined, field);
  }

  weigh(tag, weight, tab = this.tab()) {
    this.write(withWeight(this.text(tab), tag, spoken(weight)), tab);
  }

  // Why the chosen checkpoint can't take it; "" if it can, or if nobody knows.
  mismatch(model) {
    const chosen = this.models.find(({ kind, name }) => kind === "checkpoint" && name === this.checkpoint());
    if (!chosen?.family || !model.family || chosen.family === model.family) return "";
    return `Made for ${familyName(model)}; the checkpoint is ${familyName(chosen) || "of another kind"}.`;
  }
}

const keyOf = ({ kind, name }) => `${kind} ${name}`;
const lastPart = (name) => name.split("/").at(-1);
const withoutEnding = (name) => name.replace(/\.[^./]+$/, "");
const WAYS = [
  ({ name }) => name,
  ({ name }) => withoutEnding(name),
  ({ name }) => lastPart(name),
  ({ name }) => withoutEnding(lastPart(name)),
  ({ alias }) => alias, // what it was called in training
];
const shownBoxes = () => document.querySelectorAll('[id$="_prompt"] textarea');
const boxOf = (tab, field) => document.querySelector(`#${CSS.escape(`${tab}_${field}`)} textarea`);
const isNegative = (box) => box.closest('[id$="_prompt"]')?.id.endsWith("_neg_prompt") ?? false;
