// One picture in the grid of the history.

import { element } from "./dom.js";
import { shortDayOf } from "./history_words.js";

export function makeCell() {
  const cell = element("div", "dr-hist-cell");
  cell.setAttribute("role", "option");
  cell.tabIndex = -1;
  const tick = element("span", "dr-hist-tick");
  tick.setAttribute("aria-hidden", "true");
  cell.append(element("span", "dr-hist-thumb"), element("span", "dr-hist-marks"), element("span", "dr-hist-day"), tick);
  return cell;
}

// `picture` undefined: not known yet. `startsDay`: the one before it is of another day.
export function fillCell(cell, picture, { index, total, chosen, startsDay }) {
  cell.dataset.index = index;
  cell.setAttribute("aria-posinset", index + 1);
  cell.setAttribute("aria-setsize", total);
  cell.setAttribute("aria-selected", String(chosen));
  const state = JSON.stringify([picture?.id, picture?.favourite, picture?.gone, startsDay]);
  if (cell.dataset.state === state) return;
  if (cell.dataset.id !== picture?.id || !picture) cell.querySelector(".dr-hist-thumb").replaceChildren(...thumb(picture));
  cell.dataset.state = state;
  cell.dataset.id = picture?.id ?? "";
  cell.classList.toggle("dr-hist-waiting", !picture);
  cell.setAttribute("aria-label", picture ? spoken(picture) : "Loading");
  cell.title = picture?.prompt.slice(0, 300) ?? "";
  cell.querySelector(".dr-hist-marks").textContent = picture ? marks(picture) : "";
  cell.querySelector(".dr-hist-day").textContent = picture && startsDay ? shortDayOf(picture) : "";
}

// What is being loaded for a cell that is gone need not come.
export function dropCell(cell) {
  cell.querySelector("img")?.removeAttribute("src");
  cell.remove();
}

function thumb(picture) {
  if (!picture) return [];
  if (picture.gone) return [element("span", "dr-hist-none", "File gone")];
  const image = document.createElement("img");
  image.alt = "";
  image.decoding = "async";
  image.addEventListener("load", () => image.classList.add("dr-hist-there"));
  image.addEventListener("error", () => image.hasAttribute("src") && image.replaceWith(element("span", "dr-hist-none", "No thumbnail")));
  image.src = picture.thumbnail;
  return [image];
}

const marks = ({ favourite, kind }) => [favourite && "★", kind === "grid" && "grid"].filter(Boolean).join(" ");

function spoken({ prompt, created, favourite, kind, gone }) {
  const when = new Date(created * 1000).toLocaleString();
  const parts = [kind === "grid" && "Grid", favourite && "Favourite", gone && "File gone", prompt.slice(0, 150) || "No prompt", when];
  return parts.filter(Boolean).join(", ");
}
