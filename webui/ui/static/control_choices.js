// What units can choose from: preprocessors, and models that go with the checkpoint. All tabs ask the same.

import { controlTypes, preprocessors } from "./control_api.js";

export const ALL = "All";
export const NO_MODULE = "none";
export const NO_MODEL = "None";

export class Choices {
  // `checkpoint()` is the one that is chosen.
  constructor(checkpoint) {
    this.checkpoint = checkpoint;
    this.modules = new Map(); // name -> what the server tells of the preprocessor
    this.types = { [ALL]: { modules: [NO_MODULE], models: [] } };
    this.asked = null; // the answer of the last question, and for which checkpoint
    this.heard = new Set(); // whoever wants to know of others
  }

  // As far as they are known for the checkpoint that is chosen; `anew`: models may have come.
  async load(anew = false) {
    const checkpoint = this.checkpoint() ?? "";
    if (!anew && this.asked?.checkpoint === checkpoint) return this.asked.answer;
    const answer = this.ask(checkpoint);
    this.asked = { checkpoint, answer };
    answer.catch(() => this.asked?.answer === answer && (this.asked = null));
    return answer;
  }

  async ask(checkpoint) {
    const [modules, types] = await Promise.all([preprocessors(), controlTypes(checkpoint)]);
    if (this.asked.checkpoint !== checkpoint) return;
    this.modules = new Map(modules.map((module) => [module.name, module]));
    this.types = types;
    for (const tell of this.heard) tell();
  }

  module(name) {
    return this.modules.get(name);
  }

  get typeNames() {
    return Object.keys(this.types);
  }

  type(name) {
    return this.types[name] ?? this.types[ALL];
  }

  // For lists: [{value, title, off}] of the preprocessors, and of the models, of a type.
  modulesOf(type) {
    return this.type(type).modules.map((value) => {
      const { missing, title } = this.module(value) ?? {};
      return { value, title: missing ?? title ?? "", off: Boolean(missing) };
    });
  }

  modelsOf(type) {
    const files = this.type(type).models.map(({ name, problem }) => ({ value: name, title: problem ?? "", off: Boolean(problem) }));
    return [{ value: NO_MODEL }, ...files];
  }

  // What keeps a type from being used, as sentences for people; empty: nothing does.
  lackOf(type) {
    const { modules, models } = this.type(type);
    if (type === ALL || !this.asked) return "";
    const found = modules.filter((name) => name !== NO_MODULE).map((name) => this.module(name)?.missing ?? "");
    const networks = found.length && found.every(Boolean) ? `${found[0]} ` : "";
    const able = models.some(({ problem }) => !problem) || modules.some((name) => this.module(name)?.steers);
    return `${networks}${able ? "" : `There is no ${type} model for this checkpoint yet.`}`.trim();
  }

  // Whether there is any model that could be chosen.
  get hasModels() {
    return this.type(ALL).models.some(({ problem }) => !problem);
  }
}
