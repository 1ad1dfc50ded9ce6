// The page's script: takes up the page's parts, joins them, and tells the engine's state.

import "./dropdowns.js";
import { Canvas } from "./canvas.js";
import * as chips from "./chips.js";
import { watchPrompts } from "./dropping.js";
import { followEngine } from "./engine_chip.js";
import { showFieldErrors } from "./field_errors.js";
import { Remarks, openings, takeWish } from "./filling.js";
import { HistoryTab } from "./history.js";
import { addHints } from "./hints.js";
import { watchKeys } from "./keys.js";
import { known, tabOf, tabs } from "./known.js";
import { Live } from "./live.js";
import { MaskDialog } from "./mask_dialog.js";
import { ModelsTab } from "./models.js";
import { Networks } from "./networks.js";
import { NetworkPanel } from "./network_panel.js";
import { NetworksUsed } from "./networks_used.js";
import { followed, restored, styled } from "./opening.js";
import { Parts } from "./parts.js";
import { later } from "./pause.js";
import { pickPicture } from "./picked_picture.js";
import { PngInfo } from "./pnginfo.js";
import "./prompt_editor.js";
import { QueueList } from "./queue.js";
import { bringBack, nameOf, send, toUpscale } from "./sending.js";
import { SettingsTab } from "./settings.js";
import * as sizes from "./sizes.js";
import { Stage } from "./stage.js";
import { SteeringJoints } from "./steering_joints.js";
import { StylesEditor } from "./styles.js";
import { tellHeight } from "./tall.js";
import { pickText } from "./text_file.js";
import { switchTheme } from "./theme.js";
import { countAgain, watchForms } from "./touched.js";
import { TrainTab } from "./train.js";
import { Ways } from "./ways.js";

const TITLE = "Darkroom";
const stages = new Parts();
const remarks = new Parts();
const canvases = new Parts();
const lives = new Map();
const editors = new Map();
let pngInfo = null;
let historyTab = null;
let maskDialog = null;
const steerings = new SteeringJoints({
  canvases,
  stages,
  checkpoint: () => chosenCheckpoint(),
  mask: () => maskDialog,
  changed: (tab) => lives.get(tab)?.formChanged(),
});
const ways = new Ways({ stages, canvases, remarks, networks: () => networks });
const networks = new Networks({ tab: () => ways.lastPrompted, checkpoint: () => chosenCheckpoint() });
const usedNetworks = new Map();
const networkPanels = new Map();

const stageError = (tab, errors) => stages.get(tab)?.setError(errors.map(({ message }) => message).join(" "));

// What gradio's event handlers call. Before the page is laid out there is nothing to do.
window.darkroom = {
  canvases,
  openings,
  brought,
  broughtLive: async (tab) => lives.get(tab).marked(await brought(tab)),
  toUpscale: async (tab) => steerings.joined(tab, toUpscale(stages.get(tab).pictures)),
  async submitted(tab, ticket) {
    const { id, errors = [] } = JSON.parse(ticket || "{}");
    if (id) stages.get(tab)?.submitted(id);
    const rest = await showFieldErrors(tab, errors);
    if (errors.length) stageError(tab, rest);
  },
  async liveSubmitted(tab, ticket) {
    const { id, errors = [] } = JSON.parse(ticket || "{}");
    if (id) return lives.get(tab).submitted(id);
    const rest = await showFieldErrors(tab, errors);
    stageError(tab, rest);
    return lives.get(tab).refused();
  },
  interrupt: (tab) => stages.get(tab)?.interrupt(),
  skip: (tab) => stages.get(tab)?.skip(),
  wanted: "", // the checkpoint that the Models tab is to choose
  shownSeed: (tab, field) => stages.get(tab)?.pictures.seedOf(field),
  wish: takeWish,
  filled(tab, said) {
    remarks.get(tab)?.filled(said);
    countAgain(tab);
    const { steering = {}, whole = false } = JSON.parse(said || "{}");
    return steerings.get(tab)?.show(steering, whole);
  },
  cleared: (tab, prompts) => remarks.get(tab)?.cleared(prompts) ?? prompts,
  editStyles: (tab, prompts) => editors.get(tab)?.open(prompts),
  chips,
  later,
  restored(tab, told, held) {
    openings.set(tab, true);
    countAgain(tab);
    return restored(told, held);
  },
  followed,
  styled: (tab, told, held) => styled(told, held, (sentence) => remarks.get(tab)?.say([sentence])),
  pickText: (tab, text) => pickText(text, (message) => showFieldErrors(tab, [{ field: "script", message }])),
  pickPicture: (tab, name) => pickPicture(name, (message) => showFieldErrors(tab, [{ field: "detailer_mask", message }])),
  pictureSize: sizes.pictureSize,
  ownSize: sizes.ownSize,
  fitted: sizes.fitted,
  framed: sizes.framed,
  frame(tab, sides) {
    const typed = sizes.typed(tab, sides);
    if (typed) canvases.get(tab)?.setOutpaint(typed);
  },
};

// What the form can't tell, as JSON: what is on a canvas that is started from, and what steers.
async function brought(tab) {
  const { canvas, steered } = known.tabs[tab];
  return steerings.joined(tab, canvas && !steered ? await canvases.get(tab)?.wish() : "{}");
}

function adopt() {
  for (const root of document.querySelectorAll(".dr-stage")) adoptStage(root);
  each(".dr-canvas:not(.dr-mask *)", (root) => {
    canvases.get(root.dataset.tab)?.stop();
    adoptCanvas(root.dataset.tab, root);
  });
  each(".dr-mask", (root) => (maskDialog = new MaskDialog(root)));
  each(".dr-control", (root) => steerings.takeUnits(root));
  each(".dr-regions", (root) => steerings.takeRegions(root));
  each(".dr-remarks", (root) => remarks.set(root.dataset.tab, new Remarks(root)));
  each(".dr-styles", (root) => editors.set(root.dataset.tab, new StylesEditor(root)));
  each(".dr-queue", (root) => new QueueList(root, { show: (job) => ways.showJob(job), begun: (id, job) => ways.showBegun(id, job) }));
  each(".dr-models", (root) => {
    const use = (name) => ways.useCheckpoint(name);
    new ModelsTab(root, { use, chosen: chosenCheckpoint, canUse, networks, picture: () => ways.picture });
  });
  each(".dr-used[data-tab]", (root) => {
    usedNetworks.get(root.dataset.tab)?.stop();
    usedNetworks.set(root.dataset.tab, new NetworksUsed(root, networks));
  });
  each(".dr-extra", (root) => {
    networkPanels.get(root.dataset.tab)?.stop();
    networkPanels.set(root.dataset.tab, new NetworkPanel(root, { networks, picture: () => ways.picture }));
  });
  each('[id$="_extra_networks"]', (opener) => {
    const panel = () => networkPanels.get(tabOf(opener));
    opener.addEventListener("click", () => panel()?.toggle());
    panel()?.tell();
  });
  each(".dr-train", (root) => {
    const take = (run) => ways.useTrained(run);
    new TrainTab(root, { stage: () => stages.when("train"), chosen: () => chosenCheckpoint(), take });
  });
  each(".dr-settings", (root) => new SettingsTab(root));
  each(".dr-pnginfo", (root) => {
    pngInfo?.stop();
    pngInfo = new PngInfo(root, { send: (...read) => ways.sendRead(...read) });
  });
  each(".dr-hist", (root) => {
    historyTab?.stop();
    historyTab = new HistoryTab(root, { send: (...finished) => ways.sendFinished(...finished) });
  });
  each(".dr-picture", tellHeight);
  each(".dr-theme", (button) => button.addEventListener("click", switchTheme));
  addHints((tab) => stages.get(tab) !== undefined);
  // gradio may lay out, or draw anew, buttons after their stage.
  for (const stage of stages.values()) stage.drawButtons();
}

// gradio draws parts anew now and then; each is taken up once.
function each(selector, take) {
  for (const found of document.querySelectorAll(`${selector}:not([data-adopted])`)) {
    found.dataset.adopted = "yes";
    take(found);
  }
}

function adoptStage(root) {
  const { tab } = root.dataset;
  if (stages.get(tab)?.root === root) return;
  stages.get(tab)?.leave();
  const stage = new Stage(tab, root, {
    titled: drawTitle,
    use: (infotext) => ways.useSettings(tab, infotext),
    send: (target, picture) => send(canvases, target, nameOf(picture), "", { text: picture.infotext }),
    upscale: () => document.getElementById(`${tab}_upscale`)?.click(),
  });
  if (!openings.get(tab)) document.getElementById(`${tab}_opened`)?.click();
  stages.set(tab, stage);
  stage.draw();
  stage.restore().then((params) => known.tabs[tab]?.paste && drawnFrom(tab, params));
}

// A page that is opened again shows what its picture was drawn from, and what steered it.
async function drawnFrom(tab, params) {
  if (known.tabs[tab].canvas) await bringBack(await canvases.when(tab), params);
  await steerings.restore(tab, params);
}

function adoptCanvas(tab, root) {
  lives.set(tab, new Live(tab, { stage: () => stages.get(tab), ready: () => canvases.get(tab)?.size }));
  canvases.set(tab, new Canvas(root, { blankSize: () => sizes.asked(tab) }));
}

function drawTitle() {
  const drawing = stages.values().map(({ title }) => title).find(Boolean);
  document.title = drawing ? `${drawing} · ${TITLE}` : TITLE;
}

// Whether a field of the parameters means anything to a model.
function canUse({ family, folder }, field) {
  if (field === "vae" && !folder && known.vae_in_single_files.includes(family)) return true;
  return !known.own_loop.fields.includes(field) || known.own_loop.families.includes(family);
}

const chosenCheckpoint = () => document.querySelector("#setting_sd_model_checkpoint input")?.value;

document.addEventListener("click", ({ target }) => {
  if (target.closest?.('[role="tab"]')) ways.notice();
});

document.addEventListener("darkroom:canvas", ({ detail }) => {
  sizes.heard(detail);
  const tab = document.getElementById(`tab_${detail.tab}`);
  if (tab) tab.dataset.canvas = Object.values(detail.outpaint).some(Boolean) ? "outpaint" : detail.mode;
  lives.get(detail.tab)?.painted();
});
document.addEventListener("change", ({ target }) => {
  const tick = target.closest?.('[id$="_live"]');
  if (tick) lives.get(tabOf(tick))?.painted();
});
document.addEventListener("darkroom:ended", () => steerings.reshape());
document.addEventListener("darkroom:painted", ({ detail }) => lives.get(detail.tab)?.painted());

watchKeys(() => ways.shown, (tab) => stages.get(tab));

for (const tab of tabs) if (steerings.get(tab)) chips.alsoFrom(tab, steerings.get(tab));
watchForms((tab) => lives.get(tab)?.formChanged());
watchPrompts((box) => remarks.get(tabOf(box)));
new MutationObserver(adopt).observe(document.body, { childList: true, subtree: true });
adopt();
followEngine();
