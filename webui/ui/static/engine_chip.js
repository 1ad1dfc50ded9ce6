// How the engine is, for as long as it isn't ready.

import { health } from "./api.js";

const OFTEN = 700; // ms, while it starts
const SELDOM = 15000;

export async function followEngine() {
  const chip = document.querySelector(".dr-engine");
  const state = await health().catch(() => ({ engine: "away", detail: "The server does not answer." }));
  if (chip) {
    chip.hidden = state.engine === "ready";
    chip.dataset.state = state.engine;
    chip.textContent = state.engine === "starting" ? `Warming up: ${state.detail}…` : state.detail;
  }
  setTimeout(followEngine, state.engine === "ready" ? SELDOM : OFTEN);
}
