// What the Train tab asks the server.

import { ask, query } from "./api.js";

const DATASETS = "/api/v1/datasets";
const TRAINING = "/api/v1/training";

const dataset = (name) => `${DATASETS}/${encodeURIComponent(name)}`;
const picture = (name, file) => `${dataset(name)}/pictures/${encodeURIComponent(file)}`;

export const listDatasets = () => ask("GET", DATASETS);
export const deleteDataset = (name) => ask("DELETE", dataset(name));
export const createDataset = (name) => ask("POST", DATASETS, { name });
export const readDataset = (name) => ask("GET", dataset(name));
export const setCaption = (name, file, caption) => ask("PUT", picture(name, file), { caption });
export const deletePicture = (name, file) => ask("DELETE", picture(name, file));

// {fields, train, sample, usable, problem}: the form's fields, and what suits the checkpoint.
export const trainingForm = (checkpoint, kind) => ask("GET", `${TRAINING}/defaults?${query({ checkpoint, kind })}`);
export const listRuns = () => ask("GET", TRAINING);
export const losses = (name) => ask("GET", `${TRAINING}/${encodeURIComponent(name)}/losses`);
export const startTraining = (wish) => ask("POST", TRAINING, wish);

// Files as they are, in one form; a .txt is the caption of the picture of its name.
export function addPictures(name, files) {
  const form = new FormData();
  for (const file of files) form.append("file", file, file.name);
  return ask("POST", `${dataset(name)}/pictures`, form);
}
