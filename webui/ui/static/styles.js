// The styles' editor: saved prompts in a list; one of them in a form, to be changed, saved or deleted.

import { deleteStyle, listStyles, saveStyle } from "./api.js";
import { button, element } from "./dom.js";

const DOTS = [".", ".."]; // no names, but ways to go in an address

export class StylesEditor {
  constructor(root) {
    this.root = root;
    this.styles = [];
    this.chosen = null; // the style in the form; null: a new one
    this.prompts = ["", ""];
    this.form = this.part("form");
    this.form.addEventListener("submit", (event) => this.save(event));
    this.form.addEventListener("input", () => this.say(""));
    this.part(".dr-close").addEventListener("click", () => root.close());
    this.part(".dr-styles-new").addEventListener("click", () => this.choose(null));
    this.part(".dr-styles-take").addEventListener("click", () => this.take());
    this.part(".dr-styles-delete").addEventListener("click", () => this.remove());
    // A click beside the dialog's content is one on the dialog itself.
    root.addEventListener("click", (event) => event.target === root && root.close());
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  // `prompts` are what the tab's boxes hold: prompt and negative prompt.
  async open(prompts) {
    this.prompts = prompts;
    this.root.showModal();
    this.choose(null);
    await this.refresh();
  }

  async refresh() {
    try {
      this.styles = await listStyles();
      this.draw();
    } catch (error) {
      this.say(error.message);
    }
  }

  draw() {
    const rows = this.styles.map((style) => {
      const row = element("li", "");
      const pick = button(style.name, "dr-styles-pick", () => this.choose(style));
      pick.setAttribute("aria-pressed", style.name === this.chosen?.name);
      row.append(pick);
      return row;
    });
    this.part(".dr-styles-list").replaceChildren(...rows);
    this.part(".dr-styles-empty").hidden = rows.length > 0;
  }

  choose(style) {
    this.chosen = style;
    const { name = "", prompt = "", negative_prompt = "" } = style ?? {};
    this.write({ name, prompt, negative_prompt });
    const fixed = style?.editable === false;
    for (const control of this.form.elements) control.disabled = fixed && !control.matches(".dr-styles-take");
    this.part(".dr-styles-delete").disabled = !style || fixed;
    this.say(fixed ? "This style is another program's file, which is only read." : "");
    this.draw();
    this.form.elements.name.focus();
  }

  write(fields) {
    for (const [name, value] of Object.entries(fields)) this.form.elements[name].value = value;
  }

  // The texts of the boxes, in a new style where the one chosen can't be changed.
  take() {
    if (this.chosen?.editable === false) this.choose(null);
    const [prompt, negative_prompt] = this.prompts;
    this.write({ prompt, negative_prompt });
    this.say("");
  }

  async save(event) {
    event.preventDefault();
    const { name, prompt, negative_prompt } = Object.fromEntries(new FormData(this.form));
    const renamed = this.chosen && this.chosen.name !== name.trim();
    await this.act(async () => {
      const style = { prompt, negative_prompt, ...(renamed && { name: name.trim() }) };
      await saveStyle(renamed ? this.chosen.name : name.trim(), style);
      await this.listed(name.trim());
      this.say(`Saved "${name.trim()}".`);
    });
  }

  async remove() {
    const { name, prompt, negative_prompt } = this.chosen;
    await this.act(async () => {
      await deleteStyle(name);
      await this.listed(null);
      // Nothing is lost by a slip: what was deleted can be saved again.
      this.write({ name, prompt, negative_prompt });
      this.say(`Deleted "${name}". Save brings it back.`);
    });
  }

  async act(change) {
    try {
      const name = this.form.elements.name.value.trim();
      if (!name) throw new Error("A style needs a name.");
      if (DOTS.includes(name)) throw new Error(`A style can't be called "${name}". Choose another name.`);
      await change();
    } catch (error) {
      this.say(error.message);
    }
  }

  // After a change: the list, and the picker on the page.
  async listed(name) {
    await this.refresh();
    this.choose(this.styles.find((style) => style.name === name) ?? null);
    document.getElementById(`refresh_${this.root.dataset.tab}_styles`)?.click();
  }

  say(text) {
    this.part(".dr-styles-said").textContent = text;
  }
}
