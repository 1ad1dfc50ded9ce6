// The page's script: finds the stages, follows jobs, keys, theme, hints and the engine's state.

import { health } from "./api.js";
import { warning } from "./dom.js";
import { QueueList } from "./queue.js";
import { Stage } from "./stage.js";

const known = JSON.parse(document.querySelector('meta[name="darkroom"]').content);
const stages = new Map();

// What gradio's event handlers call. Before the page is laid out there is nothing to do.
window.darkroom = {
  submitted(tab, ticket) {
    const { id, errors = [] } = JSON.parse(ticket || "{}");
    showErrors(tab, errors);
    if (id) stages.get(tab)?.submitted(id);
  },
  interrupt: (tab) => stages.get(tab)?.interrupt(),
  skip: (tab) => stages.get(tab)?.skip(),
  shownSeed: (tab) => stages.get(tab)?.pictures.seed,
};

// Each error stands at the control that caused it; what belongs to none stands on the stage.
function showErrors(tab, errors) {
  document.querySelectorAll(".dr-field-error").forEach((old) => old.remove());
  const placed = errors.filter(({ field, message }) => {
    const control = document.getElementById(known.elements[tab][field]);
    if (control) control.append(warning("dr-field-error", message));
    return control;
  });
  const rest = errors.filter((error) => !placed.includes(error)).map(({ message }) => message);
  stages.get(tab)?.setError(rest.join(" "));
  document.querySelector(".dr-field-error")?.scrollIntoView({ block: "nearest" });
}

function adopt() {
  document.querySelectorAll(".dr-stage").forEach((root) => {
    const tab = root.dataset.tab;
    if (stages.get(tab)?.root === root) return;
    const stage = new Stage(tab, root);
    stages.set(tab, stage);
    stage.draw();
    stage.restore();
  });
  const queue = document.querySelector(".dr-queue:not([data-adopted])");
  if (queue) {
    queue.dataset.adopted = "yes";
    new QueueList(queue, {
      show: (id) => onStage((stage) => stage.visit(id)),
      begun: (id) => onStage((stage) => stage.submitted(id)),
    });
  }
  const theme = document.querySelector(".dr-theme:not([data-adopted])");
  if (theme) {
    theme.dataset.adopted = "yes";
    theme.addEventListener("click", switchTheme);
  }
  addHints();
  // gradio may lay out, or draw anew, buttons after their stage.
  stages.forEach((stage) => stage.drawButtons());
}

function onStage(act) {
  act(stages.get("txt2img"));
  document.querySelector('[role="tab"][id*="txt2img"], #tab_txt2img-button')?.click();
}

function addHints() {
  for (const [id, hint] of Object.entries(known.hints)) {
    const element = document.getElementById(id);
    if (!element || element.title) continue;
    element.title = hint;
    if (element.matches(".dr-tool")) element.setAttribute("aria-label", hint);
  }
}

// Ctrl+Enter generates, Alt+Enter skips, Esc interrupts, as in A1111.
document.addEventListener("keydown", (event) => {
  const tab = [...stages.keys()].find((name) => stages.get(name).root.offsetParent !== null);
  if (!tab || event.defaultPrevented || event.isComposing) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) press(event, `${tab}_generate`);
  else if (event.key === "Enter" && event.altKey) press(event, `${tab}_skip`);
  else if (event.key === "Escape" && !document.querySelector('[aria-expanded="true"], dialog[open]')) stages.get(tab).interrupt();
}, true);

function press(event, id) {
  event.preventDefault();
  event.stopPropagation();
  // A number that is still being typed counts as entered, and is brought into its limits, when it is left.
  const typing = document.activeElement;
  typing?.blur();
  setTimeout(() => {
    document.getElementById(id)?.click();
    typing?.focus();
  }, 50);
}

function wantsDark() {
  const kept = localStorage.getItem("darkroom.theme") ?? known.theme;
  return kept === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : kept === "dark";
}

function applyTheme() {
  document.body.classList.toggle("dark", wantsDark());
  document.documentElement.style.colorScheme = wantsDark() ? "dark" : "light";
}

function switchTheme() {
  localStorage.setItem("darkroom.theme", wantsDark() ? "light" : "dark");
  applyTheme();
}

async function followEngine() {
  const chip = document.querySelector(".dr-engine");
  const state = await health().catch(() => ({ engine: "away", detail: "The server does not answer." }));
  if (chip) {
    chip.hidden = state.engine === "ready";
    chip.dataset.state = state.engine;
    chip.textContent = state.engine === "starting" ? `Warming up: ${state.detail}…` : state.detail;
  }
  setTimeout(followEngine, state.engine === "ready" ? 15000 : 700);
}

applyTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
new MutationObserver(adopt).observe(document.body, { childList: true, subtree: true });
adopt();
followEngine();
