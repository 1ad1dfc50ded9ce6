// The Train tab: a dataset, what is to be made of it, and how that goes.

import { element, whileVisible } from "./dom.js";
import { lossCurve } from "./loss_curve.js";
import { tellHeight } from "./tall.js";
import { losses, listRuns, startTraining, trainingForm } from "./train_api.js";
import { Dataset } from "./train_dataset.js";
import { EarlierSamples } from "./train_earlier.js";
import { TrainForm } from "./train_form.js";
import { Runs } from "./train_runs.js";

const EVERY = 1500; // ms

export class TrainTab {
  // `stage()` is a promise of the stage of its jobs, `chosen()` names the checkpoint, `take(run)` uses what was made.
  constructor(root, { stage, chosen, take }) {
    Object.assign(this, { root, chosen, take });
    this.stage = null;
    this.form = null;
    this.formOf = null;
    this.problem = ""; // of the checkpoint: whatever is edited, it stays
    this.curve = "";
    this.dataset = new Dataset(this.part(".dr-dataset"), () => this.onDataset());
    this.earlier = new EarlierSamples(this.part(".dr-train-earlier"));
    this.runs = new Runs(this.part(".dr-runs ul"), {
      show: (run) => this.show(run.job),
      take,
    });
    this.part(".dr-train-form").addEventListener("submit", (event) => this.start(event));
    this.part("#train_interrupt").addEventListener("click", () => this.stage?.interrupt());
    stage().then((found) => (this.stage = found));
    tellHeight(this.part(".dr-train-right"));
    whileVisible(root, EVERY, () => this.look());
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  async look() {
    await Promise.all([this.dataset.refresh(), this.follow(), this.lookAtRuns(), this.lookBack()]);
  }

  // What suits differs by checkpoint, and by what is made.
  async follow() {
    const checkpoint = this.chosen() ?? "";
    const kind = this.form?.values.kind ?? "";
    if (checkpoint === this.formOf && kind === this.kindOf) return;
    [this.formOf, this.kindOf] = [checkpoint, kind];
    try {
      const { fields, train, sample, problem } = await trainingForm(checkpoint, kind);
      this.part(".dr-train-checkpoint").textContent = checkpoint;
      this.problem = problem ?? "";
      this.complain("");
      this.sample = sample;
      if (this.form) this.form.follow(train);
      else this.lay(fields, train);
      this.kindOf = this.form.values.kind;
    } catch (error) {
      this.problem = error.message;
      this.complain("");
    }
    this.drawStart();
  }

  lay(fields, values) {
    this.form = new TrainForm(fields, values, () => this.onForm());
    this.part(".dr-train-fields").replaceChildren(this.form.root);
  }

  onForm() {
    this.complain("");
    this.follow();
  }

  onDataset() {
    this.complain("");
    this.drawStart();
  }

  drawStart() {
    this.part(".dr-train-start").disabled = !this.form || !this.dataset.pictures.length;
    this.part(".dr-train-needs").textContent = this.dataset.pictures.length ? "" : "Add pictures first.";
  }

  async start(event) {
    event.preventDefault();
    if (!this.form?.check()) return;
    this.complain("");
    this.form.showProblems([]);
    try {
      const { id } = await startTraining(this.wish());
      this.stage.submitted(id);
      await this.lookAtRuns();
    } catch (error) {
      const problems = (error.problems ?? []).map((one) => ({ ...one, field: one.field.replace(/^train\./, "") }));
      const rest = this.form.showProblems(problems);
      if (rest.length || !error.problems?.length) this.complain(rest.map(({ message }) => message).join(" ") || error.message);
    }
  }

  // A job whose picture is the sample.
  wish() {
    const { prompt, ...train } = this.form.values;
    const caption = [train.trigger, this.dataset.pictures[0].caption].filter(Boolean).join(", ");
    const wanted = { ...train, dataset: this.dataset.name };
    return { ...this.sample, prompt: prompt || caption, checkpoint: this.formOf, train: wanted };
  }

  // Without a text of its own it tells what is wrong with the checkpoint, if anything is.
  complain(text) {
    this.part(".dr-train-error").textContent = text || this.problem;
  }

  show(job) {
    if (job) this.stage?.visit(job);
  }

  async lookBack() {
    if (this.stage) await this.earlier.look(this.stage).catch(() => {}); // it is looked again soon
  }

  async lookAtRuns() {
    const runs = await listRuns().catch(() => null);
    if (!runs) return;
    const shown = runs.find(({ job }) => job && job === this.stage?.job) ?? null;
    this.runs.draw(runs, shown?.job);
    this.part(".dr-train-empty").hidden = runs.length > 0;
    this.part(".dr-train-shown").textContent = shown ? `${shown.name}, ${shown.kind}` : "";
    await this.drawCurve(shown);
  }

  // Before its first step a run has told nothing yet.
  hasBegun({ state, step }) {
    return step > 0 || (state === "running" && this.stage.progress.step > 0);
  }

  async drawCurve(run) {
    const points = run && this.hasBegun(run) ? await losses(run.name).catch(() => []) : [];
    const state = JSON.stringify([run?.name, points.length, points.at(-1)]);
    if (state === this.curve) return;
    this.curve = state;
    const box = this.part(".dr-train-curve");
    box.hidden = points.length < 2; // a line has two ends
    if (box.hidden) return;
    const now = element("figcaption", "dr-quiet", `Loss ${Number(points.at(-1)[1].toPrecision(3))} at step ${points.at(-1)[0]}`);
    box.replaceChildren(lossCurve(points), now);
  }
}
