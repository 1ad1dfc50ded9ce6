// The Settings tab: a form, and one button that puts into force what was changed in it.

import { applySettings, readSettings } from "./api.js";
import { whileVisible } from "./dom.js";
import { Form } from "./form.js";

const EVERY = 5000; // another page may have changed something

export class SettingsTab {
  constructor(root) {
    this.root = root;
    this.form = null;
    this.part("form").addEventListener("submit", (event) => this.apply(event));
    whileVisible(root, EVERY, () => this.look());
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  async look() {
    if (this.form && (this.changed.length || this.root.contains(document.activeElement))) return;
    try {
      this.show(await readSettings());
    } catch (error) {
      this.say(error.message);
    }
  }

  get changed() {
    return Object.keys(this.form.changes);
  }

  show({ fields, values }) {
    if (this.form) {
      this.form.fill(values);
    } else {
      this.form = new Form(fields, values, () => this.onInput());
      this.part("form").replaceChildren(this.form.root);
    }
    this.part(".dr-apply").disabled = true;
  }

  onInput() {
    const count = this.changed.length;
    this.part(".dr-apply").disabled = !count;
    this.say(count ? `${count} ${count === 1 ? "change" : "changes"} not applied yet.` : "");
  }

  say(text) {
    const said = this.part(".dr-settings-said");
    if (said.textContent !== text) said.textContent = text;
  }

  async apply(event) {
    event.preventDefault();
    if (!this.form?.check()) return;
    const changes = this.form.changes;
    const names = Object.keys(changes).map((name) => this.form.title(name));
    try {
      this.show(await applySettings(changes));
      this.say(`Applied: ${names.join(", ") || "nothing was changed"}.`);
    } catch (error) {
      const rest = this.form.showProblems(error.problems ?? []);
      this.say(rest.length || !error.problems?.length ? error.message : "Nothing was applied: a value can't be used.");
    }
  }
}
