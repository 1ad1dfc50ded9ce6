// The ways from one tab to another: what is shown elsewhere, or used there.

import { fill } from "./filling.js";
import { known, tabs } from "./known.js";
import { showTab } from "./parts.js";
import { nameOf, send } from "./sending.js";

export class Ways {
  constructor({ stages, canvases, remarks, networks }) {
    Object.assign(this, { stages, canvases, remarks, networks });
    this.lastShown = tabs[0]; // the tab that draws which was shown last
    this.lastPrompted = tabs[0]; // the same of those with prompts
  }

  get shown() {
    return tabs.find((tab) => this.stages.get(tab)?.root.offsetParent);
  }

  // Another tab may have been opened.
  notice() {
    this.lastShown = this.shown ?? this.lastShown;
    if (document.getElementById(`${this.lastShown}_prompt`)) this.lastPrompted = this.lastShown;
  }

  // The name of the finished picture that stands where one drew last.
  get picture() {
    const picture = this.stages.get(this.lastShown)?.pictures.shown;
    return picture && nameOf(picture);
  }

  async onStage({ kind: tab }, act) {
    showTab(tab);
    act(await this.stages.when(tab));
  }

  showBegun(id, job) {
    return this.onStage(job, (stage) => stage.submitted(id));
  }

  showJob(job) {
    return this.onStage(job, (stage) => {
      stage.visit(job.id);
      // Not at once: what stands in the form may not have been drawn yet.
      const use = () => fill(stage.tab, { job: job.id });
      this.remarks.get(stage.tab)?.say(["An earlier job is shown."], { name: "Use its settings", act: use });
    });
  }

  // What the PNG Info tab has read.
  sendRead(tab, infotext, file) {
    if (!known.tabs[tab] || known.tabs[tab].canvas) {
      return send(this.canvases, tab, file, file.name, infotext && { infotext });
    }
    showTab(tab);
    return fill(tab, { infotext });
  }

  // A picture of the history.
  sendFinished(tab, { id, infotext }) {
    if (known.tabs[tab].canvas) return send(this.canvases, tab, id, "", infotext && { text: infotext });
    showTab(tab);
    return fill(tab, { text: infotext });
  }

  // What has no form of its own, such as samples of a training, fills the first one.
  useSettings(tab, infotext) {
    if (known.tabs[tab]) return fill(tab, { text: infotext });
    showTab(tabs[0]);
    return fill(tabs[0], { text: infotext });
  }

  // What a training has made goes into txt2img's prompt.
  async useTrained({ kind, file }) {
    showTab((this.lastPrompted = tabs[0]));
    await this.networks().learn(true);
    const made = kind === "LoRA" ? "lora" : "embedding";
    const model = this.networks().models.find((one) => one.kind === made && one.name === file);
    if (!model || this.networks().isUsed(model)) return;
    if (made === "embedding") this.networks().toggleWords(model.called);
    else this.networks().insert(model);
  }

  useCheckpoint(name) {
    window.darkroom.wanted = name;
    document.getElementById("use_model")?.click();
    showTab(this.lastShown);
  }
}
