// What the History tab asks the server.

import { ask, query } from "./api.js";

const HISTORY = "/api/v1/history";

export const MOST = 1000; // pictures that can be named at a time

export const listHistory = (filters, offset, limit, signal) =>
  ask("GET", `${HISTORY}?${query({ ...filters, offset, limit })}`, undefined, signal);
export const historyFacets = () => ask("GET", `${HISTORY}/facets`);
export const pictureDetails = (id) => ask("GET", `${HISTORY}/${id}`);

export const setFavourite = (ids, favourite) => ask("POST", `${HISTORY}/favourite`, { ids, favourite });
export const moveToTrash = (ids) => ask("POST", `${HISTORY}/trash`, { ids });
export const restoreFromTrash = (ids) => ask("POST", `${HISTORY}/restore`, { ids });

// `ids` null: all that is in the trash.
export const deleteForGood = (ids) => ask("POST", `${HISTORY}/empty`, { ids });

// The browser takes the file as it comes; only a refusal is a page that the frame can show.
export function downloadZip(ids, failed) {
  const frame = document.createElement("iframe");
  frame.name = `zip-${Date.now()}`;
  frame.hidden = true;
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: `${HISTORY}/zip`, target: frame.name, hidden: true });
  for (const id of ids) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name: "ids", value: id });
    form.append(input);
  }
  document.body.append(frame, form);
  frame.addEventListener("load", () => {
    const said = frame.contentDocument?.body?.textContent;
    if (said) failed(sentenceOf(said));
  });
  form.submit();
  form.remove();
  setTimeout(() => frame.remove(), 60_000);
}

function sentenceOf(answer) {
  try {
    const { detail } = JSON.parse(answer);
    if (typeof detail === "string") return detail;
  } catch {
    // Not one of the server's own answers.
  }
  return "The pictures can't be downloaded. Try again.";
}
