// A part of a run that was stopped before it had drawn a sample shows those of the part before it.

import { getJob, listJobs } from "./api.js";

const LOOKED_THROUGH = 200; // of one's newest jobs

export class EarlierSamples {
  // `note` is the line that says whose samples these are.
  constructor(note) {
    this.note = note;
    this.job = null; // the one that `samples` come before
    this.samples = [];
  }

  async look(stage) {
    const { job } = stage;
    if (stage.live || job !== this.job) this.note.textContent = "";
    if (!isBare(stage)) return;
    if (job !== this.job) [this.samples, this.job] = [await samplesBefore(job), job];
    if (stage.job !== job || !isBare(stage)) return;
    this.samples.forEach((sample) => stage.pictures.add(sample));
    const whose = this.samples.length ? " Shown are those from before it." : "";
    this.note.textContent = `No sample was drawn in this part of the run.${whose}`;
  }
}

const isBare = ({ job, live, pictures }) => job && !live && !pictures.finished.length;

async function samplesBefore(id) {
  const jobs = await listJobs(LOOKED_THROUGH); // the newest first
  const place = jobs.findIndex((job) => job.id === id);
  const of = (job) => job?.params.train ?? {};
  const name = of(jobs[place]).name;
  if (!name) return [];
  for (const job of jobs.slice(place).filter((one) => of(one).name === name)) {
    if (job.image_count) return (await getJob(job.id)).images.map(numbered);
    if (!of(job).resume) break; // it began anew
  }
  return [];
}

const numbered = (picture) => ({ ...picture, number: Number(picture.url.split("/").at(-1)) });
