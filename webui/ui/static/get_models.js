// Getting models: a list of well-known ones, a field for any other, and the downloads as they come.

import { cancelDownload, candidates, curated, listDownloads, retryDownload, startDownload } from "./api.js";
import { button, element, warning, whileVisible } from "./dom.js";
import { fileSize, familyName, kindName, kindNames } from "./model_words.js";

const EVERY = 1000;
const RUNNING = ["queued", "running"];

export class GetModels {
  // `done` is called when a download has come whole.
  constructor(root, done) {
    this.root = root;
    this.done = done;
    this.states = new Map();
    this.drawn = "";
    const kinds = Object.entries(kindNames).filter(([kind]) => kind !== "other");
    this.part("select").append(...kinds.map(([kind, name]) => new Option(name, kind)));
    this.part("form").addEventListener("submit", (event) => this.ask(event));
    whileVisible(root, EVERY, () => root.open && this.refresh());
    root.addEventListener("toggle", () => root.open && this.refresh());
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  // Opened and put first where there is nothing to draw with but the demo.
  prominent(wanted) {
    if (wanted === this.first) return;
    this.first = wanted;
    this.root.classList.toggle("dr-first", wanted);
    if (wanted) this.root.open = true;
  }

  async refresh() {
    if (!this.part(".dr-curated").children.length) await this.showCurated();
    const downloads = await listDownloads().catch(() => null);
    const state = JSON.stringify(downloads);
    if (!downloads || state === this.drawn) return;
    this.drawn = state;
    const focused = document.activeElement?.dataset?.key;
    this.part(".dr-downloads").replaceChildren(...downloads.map((download) => this.row(download)));
    if (focused) this.root.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    this.tellDone(downloads);
  }

  tellDone(downloads) {
    const ended = downloads.filter(({ id, state }) => state === "done" && RUNNING.includes(this.states.get(id)));
    this.states = new Map(downloads.map(({ id, state }) => [id, state]));
    if (ended.length) this.done();
  }

  async showCurated() {
    const models = await curated().catch(() => []);
    this.part(".dr-curated").replaceChildren(...models.map((model) => this.offer(model)));
  }

  offer(model) {
    const box = element("li", "dr-offer");
    const licence = element("a", "", model.licence);
    Object.assign(licence, { href: model.licence_url, target: "_blank", rel: "noopener noreferrer" });
    const terms = element("p", "dr-quiet", "Licence: ");
    terms.append(licence);
    const known = [familyName(model), kindName(model.kind), fileSize(model.size)].filter(Boolean).join(" · ");
    const { source, kind, variant, save_as } = model;
    const get = button("Download", "dr-button", () => this.start({ source, kind, variant, name: save_as }, get));
    get.setAttribute("aria-label", `Download ${model.name}`);
    box.append(element("h4", "", model.name), element("p", "dr-quiet", known), element("p", "", model.purpose), terms, get);
    return box;
  }

  async ask(event) {
    event.preventDefault();
    const source = this.part("[name=source]").value.trim();
    const kind = this.part("[name=kind]").value;
    const submit = this.part("[type=submit]");
    this.complain("");
    if (!source) return this.complain("Name a repository, such as org/name, or paste a file's address.");
    submit.disabled = true;
    try {
      const found = await candidates(source, kind);
      if (found.length === 1) await this.start({ source: found[0].source, variant: found[0].variant, kind });
      else this.choose(found, kind);
    } catch (error) {
      this.complain(error.message);
    } finally {
      submit.disabled = false;
    }
  }

  choose(found, kind) {
    const rows = found.map((one) => {
      const row = element("li", "");
      const name = one.folder ? `The whole model${one.variant ? ` in ${one.variant}` : ""}` : one.file;
      const get = button("Download", "dr-button dr-small", () => this.start({ source: one.source, variant: one.variant, kind }, get));
      get.setAttribute("aria-label", `Download ${name}`);
      row.append(element("span", "", name), element("span", "dr-quiet", one.size === null ? "" : fileSize(one.size)), get);
      return row;
    });
    const question = rows.length ? "There are several. Which one?" : "There is no file of that kind in it.";
    const list = element("ul", "");
    list.append(...rows);
    const box = this.part(".dr-candidates");
    box.hidden = false;
    box.replaceChildren(element("p", "", question), list);
    list.querySelector("button")?.focus();
  }

  async start(wish, pressed) {
    this.complain("");
    try {
      await startDownload(wish);
      this.part(".dr-candidates").hidden = true;
      await this.refresh();
    } catch (error) {
      this.complain(error.message, pressed?.parentElement);
    }
  }

  // At what was pressed, else at the field.
  complain(text, where = this.part(".dr-download")) {
    this.root.querySelectorAll(".dr-field-error").forEach((old) => old.remove());
    if (text) where.append(warning("dr-field-error", text));
  }

  row(download) {
    const { id, state, name, source, error } = download;
    const row = element("li", `dr-download-row dr-${state}`);
    row.append(element("strong", "", name || source), element("span", "dr-quiet", standing(download)));
    if (state === "running") row.append(progress(download));
    if (error) row.append(element("p", "dr-download-error", error));
    const told = name || source;
    if (RUNNING.includes(state)) row.append(this.button(id, told, "Cancel", cancelDownload));
    else {
      if (state !== "done") row.append(this.button(id, told, "Retry", retryDownload));
      row.append(this.button(id, told, "Remove", cancelDownload));
    }
    return row;
  }

  button(id, name, title, act) {
    const made = button(title, "dr-button dr-small", async () => {
      await act(id).catch((error) => this.complain(error.message, made.parentElement));
      await this.refresh();
    });
    made.dataset.key = `${title} ${id}`;
    made.setAttribute("aria-label", `${title}: ${name}`);
    return made;
  }
}

function standing({ state, done, total, speed }) {
  if (state === "queued") return "waiting";
  if (state === "done") return total ? `done, ${fileSize(total)}` : "done";
  const came = total ? `${fileSize(done)} of ${fileSize(total)}` : fileSize(done);
  if (state === "running") return speed ? `${came}, ${fileSize(speed)}/s` : came;
  return `${state}, ${came} here`;
}

function progress({ name, source, done, total }) {
  const bar = document.createElement("progress");
  bar.setAttribute("aria-label", `Download of ${name || source}`);
  if (total) [bar.max, bar.value] = [total, done];
  return bar;
}
