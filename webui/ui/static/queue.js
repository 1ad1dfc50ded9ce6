// The Queue tab: one's own jobs, newest first, and what can be done with each.

import { interruptJob, listJobs, runAgain } from "./api.js";
import { button, element, keepFocus, whileVisible } from "./dom.js";
import { isOver, pictures } from "./words.js";

const EVERY = 1500;
const NAMES = { queued: "Waiting", running: "Running", done: "Done", failed: "Failed", interrupted: "Interrupted" };

export class QueueList {
  constructor(root, { show, begun }) {
    this.root = root;
    this.show = show; // (job) -> shows it on its tab's stage
    this.begun = begun; // (id, job) -> the same for one like it that was begun here just now
    this.drawn = "";
    const visible = whileVisible(root, EVERY, () => this.refresh());
    document.addEventListener("darkroom:ended", () => visible() && this.refresh());
  }

  async refresh() {
    const jobs = await listJobs().catch(() => null);
    const state = JSON.stringify(jobs);
    if (!jobs || state === this.drawn) return;
    this.drawn = state;
    this.root.querySelector(".dr-queue-empty").hidden = jobs.length > 0;
    keepFocus(this.root, () => this.root.querySelector("ul").replaceChildren(...jobs.map((job) => this.row(job))));
  }

  row(job) {
    const row = element("li", `dr-job dr-${job.state}`);
    row.dataset.id = job.id;
    const thumb = element("div", "dr-job-thumb");
    if (job.images.length) {
      const picture = document.createElement("img");
      picture.src = job.images[0].url;
      picture.alt = "";
      picture.loading = "lazy";
      thumb.append(picture);
    }
    const text = element("div", "dr-job-text");
    text.append(element("p", "dr-job-prompt", headline(job)), element("p", "dr-job-facts", facts(job)));
    if (job.error) text.append(element("p", "dr-job-error", job.error));
    row.append(thumb, text, this.actions(job));
    return row;
  }

  actions(job) {
    const box = element("div", "dr-job-actions");
    box.append(this.button(job, "Show", () => this.show(job)));
    if (isOver(job.state)) box.append(this.button(job, "Run again", async () => this.begun((await runAgain(job.id)).id, job)));
    else box.append(this.button(job, job.state === "queued" ? "Cancel" : "Interrupt", () => interruptJob(job.id)));
    return box;
  }

  button(job, name, act) {
    const made = button(name, "", async () => {
      await act();
      await this.refresh();
    });
    made.dataset.key = `${job.id}-${name}`;
    return made;
  }
}

function headline({ params }) {
  if (params.extras) return `Extras: ${mending(params.extras)}`;
  if (params.train) return `${params.train.kind}: ${params.train.name}`;
  return params.prompt || params.script?.name || "(no prompt)";
}

// What Extras do to a picture.
function mending({ upscaler_1, resize_mode, upscaling_resize, upscaling_resize_w, upscaling_resize_h }) {
  return `${upscaler_1}, ${resize_mode ? `to ${upscaling_resize_w}×${upscaling_resize_h}` : `${upscaling_resize} times`}`;
}

// What was drawn, and how.
function drawing({ params: { width, height, steps, sampler_name, extras, train }, seed }) {
  return extras || train ? [] : [`${width}×${height}`, `${sampler_name}, ${steps} steps`, `seed ${seed}`];
}

function facts(job) {
  const parts = [NAMES[job.state]];
  if (job.state === "queued" && job.position) parts[0] += `, ${job.position} before it`;
  if (job.state === "running") parts[0] += job.step ? `, step ${job.step} of ${job.steps}` : `, ${job.phase}`;
  if (job.image_count) parts.push(pictures(job.image_count));
  parts.push(...drawing(job), new Date(job.created * 1000).toLocaleString());
  return parts.join(" · ");
}
