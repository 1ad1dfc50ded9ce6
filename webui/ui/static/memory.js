// What is in memory: a bar each for RAM and VRAM, and a list of what is loaded. All of it as text too.

import { memory, unloadModel } from "./api.js";
import { button, element, warning } from "./dom.js";
import { memorySize } from "./model_words.js";

const SHADES = 5; // as in models.css

export class MemoryBar {
  constructor(root, heard) {
    this.root = root;
    this.heard = heard; // called when `residents` have changed
    this.residents = [];
    this.drawn = "";
    this.part(".dr-unload-all").addEventListener("click", () => this.unload());
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  async refresh() {
    const report = await memory().catch(() => null);
    if (report) this.show(report);
  }

  async unload(model = null) {
    this.root.querySelector(".dr-error")?.remove();
    try {
      this.show(await unloadModel(model));
    } catch (error) {
      this.root.append(warning("dr-error", error.message));
    }
  }

  show(report) {
    const state = JSON.stringify(report);
    if (state === this.drawn) return;
    this.drawn = state;
    const models = byModel(report.residents);
    this.part(".dr-memory-none").hidden = true;
    this.part(".dr-unload-all").disabled = !models.length;
    this.part(".dr-memory-bars").replaceChildren(...bars(report, models));
    this.showList(models);
    this.residents = report.residents;
    this.heard();
  }

  showList(models) {
    const focused = document.activeElement?.dataset?.key;
    this.part(".dr-memory-list").replaceChildren(...models.map((model) => this.row(model)));
    if (focused) this.root.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  row({ name, parts, shade }) {
    const row = element("li", "");
    const sizes = parts.map(({ part, size, place }) => `${part} ${memorySize(size)}${place === "VRAM" ? " on the GPU" : ""}`);
    const used = parts.some(({ in_use }) => in_use);
    row.append(element("span", `dr-swatch dr-shade-${shade}`), element("strong", "", name));
    row.append(element("span", "dr-quiet", sizes.join(", ")));
    if (used) row.append(element("span", "dr-badge dr-badge-in-use", "in use"));
    const away = button("Unload", "dr-button dr-small", () => this.unload(name));
    away.disabled = used;
    away.title = used ? "A picture is being drawn with it" : `Let ${name} go`;
    away.dataset.key = `unload ${name}`;
    row.append(away);
    return row;
  }
}

// [{name, parts, shade}] in the order in which they were loaded.
function byModel(residents) {
  const found = new Map();
  for (const resident of residents) {
    if (!found.has(resident.model)) found.set(resident.model, { name: resident.model, parts: [], shade: found.size % SHADES });
    found.get(resident.model).parts.push(resident);
  }
  return [...found.values()];
}

function bars(report, models) {
  const { ram_total, ram_free, ram_budget, vram_total, vram_free, vram_budget } = report;
  const made = [bar("RAM", models, { total: ram_total, free: ram_free, budget: ram_budget })];
  if (vram_total) made.push(bar("VRAM", models, { total: vram_total, free: vram_free, budget: vram_budget }));
  const how = element("p", "dr-quiet", `Drawing on ${report.device} in ${report.precision}.`);
  return [...made, how];
}

function bar(place, models, { total, free, budget }) {
  const segments = models.flatMap(({ name, parts, shade }) =>
    parts.filter((part) => part.place === place).map(({ part, size }) => ({ name: `${name}: ${part}`, size, shade })),
  );
  const loaded = segments.reduce((sum, { size }) => sum + size, 0);
  const other = Math.max(0, total - free - loaded);
  const box = element("div", "dr-memory-row");
  const strip = element("div", "dr-memory-bar");
  strip.setAttribute("role", "img");
  const text = `models ${memorySize(loaded)} of at most ${memorySize(budget)}, other use ${memorySize(other)}, free ${memorySize(free)}`;
  strip.setAttribute("aria-label", `${place}: ${text}`);
  strip.append(...segments.map(({ name, size, shade }) => segment(`dr-shade-${shade}`, `${name}, ${memorySize(size)}`, size / total)));
  strip.append(segment("dr-other-use", `other use, ${memorySize(other)}`, other / total));
  const mark = element("span", "dr-budget");
  mark.title = `Budget for models: ${memorySize(budget)}`;
  mark.style.left = `${Math.min(100, (budget / total) * 100)}%`;
  strip.append(mark);
  box.append(element("span", "dr-memory-place", place), strip, element("span", "dr-memory-text", capital(text)));
  return box;
}

function segment(className, title, share) {
  const made = element("span", `dr-segment ${className}`);
  made.title = title;
  made.style.width = `${share * 100}%`;
  return made;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
