// Light or dark: the system's, or what was chosen here. Loaded first, so that no page shows the other one for long.

import { known } from "./known.js";

function wantsDark() {
  const kept = localStorage.getItem("darkroom.theme") ?? known.theme;
  return kept === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : kept === "dark";
}

function applyTheme() {
  document.body.classList.toggle("dark", wantsDark());
  document.documentElement.style.colorScheme = wantsDark() ? "dark" : "light";
}

export function switchTheme() {
  localStorage.setItem("darkroom.theme", wantsDark() ? "light" : "dark");
  applyTheme();
}

applyTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
