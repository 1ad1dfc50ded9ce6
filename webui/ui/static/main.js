// The page's script: takes up the page's parts; errors, keys, hints and the engine's state.

import "./dropdowns.js";
import { health } from "./api.js";
import * as chips from "./chips.js";
import { watchPrompts } from "./dropping.js";
import { showFieldErrors } from "./field_errors.js";
import { Remarks, fill, takeWish } from "./filling.js";
import { known } from "./known.js";
import { ModelsTab } from "./models.js";
import { restored, styled } from "./opening.js";
import { later } from "./pause.js";
import { PngInfo } from "./pnginfo.js";
import "./prompt_editor.js";
import { QueueList } from "./queue.js";
import { SettingsTab } from "./settings.js";
import { Stage } from "./stage.js";
import { StylesEditor } from "./styles.js";
import { pickText } from "./text_file.js";
import { switchTheme } from "./theme.js";

const TAB = "txt2img"; // where jobs are shown and settings are sent to
const stages = new Map();
const remarks = new Map();
const editors = new Map();
let pngInfo = null;

// What gradio's event handlers call. Before the page is laid out there is nothing to do.
window.darkroom = {
  async submitted(tab, ticket) {
    const { id, errors = [] } = JSON.parse(ticket || "{}");
    const stage = stages.get(tab);
    if (id) stage?.submitted(id);
    const rest = await showFieldErrors(tab, errors);
    if (errors.length) stage?.setError(rest.map(({ message }) => message).join(" "));
  },
  interrupt: (tab) => stages.get(tab)?.interrupt(),
  skip: (tab) => stages.get(tab)?.skip(),
  wanted: "", // the checkpoint that the Models tab is to choose
  shownSeed: (tab, field) => stages.get(tab)?.pictures.seedOf(field),
  wish: (tab, prompt) => takeWish(prompt),
  filled: (tab, said) => remarks.get(tab)?.filled(said),
  cleared: (tab, prompts) => remarks.get(tab)?.cleared(prompts) ?? prompts,
  editStyles: (tab, prompts) => editors.get(tab)?.open(prompts),
  chips,
  later,
  restored,
  styled: (tab, told, held) => styled(told, held, (sentence) => remarks.get(tab)?.say([sentence])),
  pickText: (text) => pickText(text, (message) => showFieldErrors(TAB, [{ field: "script", message }])),
};

function adopt() {
  document.querySelectorAll(".dr-stage").forEach((root) => {
    const tab = root.dataset.tab;
    if (stages.get(tab)?.root === root) return;
    stages.get(tab)?.leave();
    const stage = new Stage(tab, root, { use: (infotext) => fill({ text: infotext }) });
    stages.set(tab, stage);
    stage.draw();
    stage.restore();
  });
  once(".dr-queue", (root) => {
    new QueueList(root, {
      show: (id) => {
        onStage((stage) => stage.visit(id));
        // Not at once: what stands in the form may not have been drawn yet.
        const use = () => fill({ job: id });
        remarks.get("txt2img")?.say(["An earlier job is shown."], { name: "Use its settings", act: use });
      },
      begun: (id) => onStage((stage) => stage.submitted(id)),
    });
  });
  once(".dr-models", (root) => new ModelsTab(root, { use: useCheckpoint, chosen: chosenCheckpoint, canUse }));
  once(".dr-settings", (root) => new SettingsTab(root));
  once(".dr-pnginfo", (root) => {
    pngInfo?.stop();
    pngInfo = new PngInfo(root, { send: sendTo });
  });
  once(".dr-remarks", (root) => remarks.set(root.dataset.tab, new Remarks(root)));
  once(".dr-styles", (root) => editors.set(root.dataset.tab, new StylesEditor(root)));
  once(".dr-theme", (button) => button.addEventListener("click", switchTheme));
  addHints();
  // gradio may lay out, or draw anew, buttons after their stage.
  stages.forEach((stage) => stage.drawButtons());
}

// gradio draws parts anew now and then; each is taken up once.
function once(selector, take) {
  const found = document.querySelector(`${selector}:not([data-adopted])`);
  if (!found) return;
  found.dataset.adopted = "yes";
  take(found);
}

function onStage(act) {
  act(stages.get(TAB));
  showTab(TAB);
}

function showTab(tab) {
  document.querySelector(`[role="tab"][id*="${tab}"], #tab_${tab}-button`)?.click();
}

function sendTo(tab, infotext) {
  showTab(tab);
  fill({ infotext });
}

function useCheckpoint(name) {
  window.darkroom.wanted = name;
  document.getElementById("use_model")?.click();
  showTab(TAB);
}

// Whether a field of the parameters means anything to a model.
function canUse({ family, folder }, field) {
  if (field === "vae" && !folder && known.vae_in_single_files.includes(family)) return true;
  return !known.own_loop.fields.includes(field) || known.own_loop.families.includes(family);
}

const chosenCheckpoint = () => document.querySelector("#setting_sd_model_checkpoint input")?.value;

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
  // What is open in front of the page has keys of its own.
  if (!tab || event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) press(event, `${tab}_generate`);
  else if (event.key === "Enter" && event.altKey) press(event, `${tab}_skip`);
  else if (event.key === "Escape" && !document.querySelector('[aria-expanded="true"]')) stages.get(tab).interrupt();
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

watchPrompts((box) => remarks.get([...remarks.keys()].find((tab) => box.closest(`[id^="${tab}_"]`))));
new MutationObserver(adopt).observe(document.body, { childList: true, subtree: true });
adopt();
followEngine();
