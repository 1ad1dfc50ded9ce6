// The native API, as the page uses it.

import { isOver } from "./words.js";

const JOBS = "/api/v1/jobs";
const DOWNLOADS = "/api/v1/downloads";
const MODELS = "/api/v1/models";
const STYLES = "/api/v1/styles";

// `signal` ends the wait for an answer that nobody needs any more.
export async function ask(method, path, content, signal) {
  const headers = { Accept: "application/json" };
  const isFile = content instanceof Blob || content instanceof FormData; // sent as it is
  if (content !== undefined && !isFile) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method, headers, body: isFile ? content : JSON.stringify(content), signal });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw refusal(response.status, body?.detail);
  return body;
}

// `problems` are {field, message} where the server told which fields were wrong.
function refusal(status, detail) {
  const problems = Array.isArray(detail) ? detail.map(({ loc, msg }) => ({ field: loc.at(-1), message: msg })) : [];
  const text = typeof detail === "string" ? detail : problems.map(({ message }) => message).join(" ");
  return Object.assign(new Error(text || `The server answered ${status}.`), { status, problems });
}

export const query = (fields) => new URLSearchParams(fields).toString();

export const health = () => ask("GET", "/healthz");
export const listJobs = (limit = 50) => ask("GET", `${JOBS}?limit=${limit}`);
export const getJob = (id) => ask("GET", `${JOBS}/${id}`);
export const interruptJob = (id) => ask("DELETE", `${JOBS}/${id}`);
export const skipBatch = (id) => ask("POST", `${JOBS}/${id}/skip`);
export const runAgain = (id) => ask("POST", `${JOBS}/${id}/run-again`);

export const listModels = () => ask("GET", MODELS);
export const refreshModels = () => ask("POST", `${MODELS}/refresh`);
export const modelSettings = (name) => ask("GET", `${MODELS}/settings?${query({ name })}`);
export const setModel = (name, settings) => ask("PUT", `${MODELS}/settings?${query({ name })}`, settings);
export const loadModel = (name) => ask("POST", `${MODELS}/load`, { name });
export const unloadModel = (name = null) => ask("POST", `${MODELS}/unload`, { name });
export const memory = () => ask("GET", "/api/v1/memory");

export const listStyles = () => ask("GET", STYLES);
export const saveStyle = (name, style) => ask("PUT", `${STYLES}/${encodeURIComponent(name)}`, style);
export const deleteStyle = (name) => ask("DELETE", `${STYLES}/${encodeURIComponent(name)}`);
export const readPicture = (file) => ask("POST", "/api/v1/png-info", file);

export const readSettings = () => ask("GET", "/api/v1/settings");
export const applySettings = (changes) => ask("PUT", "/api/v1/settings", changes);

export const curated = () => ask("GET", "/api/v1/curated");
export const listDownloads = () => ask("GET", DOWNLOADS);
export const candidates = (source, kind) => ask("GET", `${DOWNLOADS}/candidates?${query({ source, kind })}`);
export const startDownload = (wish) => ask("POST", DOWNLOADS, wish);
export const cancelDownload = (id) => ask("DELETE", `${DOWNLOADS}/${id}`);
export const retryDownload = (id) => ask("POST", `${DOWNLOADS}/${id}/retry`);

const KINDS = ["progress", "preview", "image", "notice", "end"];
const AGAIN = 2000;

// Tells `listener(kind, data)` what happens to the job until its end; `stop()` ends it before.
// While the page is hidden, or the place that is `seen()`, it asks now and then instead of holding a stream: browsers
// allow six connections to a server, and previews are made only while someone watches. `look()` if that has changed.
export function watchJob(id, listener, seen = () => true) {
  return new Watch(id, listener, seen);
}

const numberOf = ({ url }) => Number(url.split("/").at(-1));

class Watch {
  constructor(id, listener, seen) {
    this.id = id;
    this.listener = listener;
    this.seen = seen;
    this.streams = null; // whether it holds a stream; null before the first look
    this.told = new Set(); // the numbers of the images that the listener has
    this.noticed = new Set(); // the notices that it has
    this.over = false;
    this.look = this.look.bind(this);
    document.addEventListener("visibilitychange", this.look);
    this.look();
  }

  get isSeen() {
    return !document.hidden && this.seen();
  }

  look() {
    if (this.streams !== this.isSeen) this.follow();
  }

  follow() {
    this.source?.close();
    clearTimeout(this.timer);
    if (this.over) return;
    this.streams = this.isSeen;
    if (this.streams) this.stream();
    else this.poll();
  }

  stream() {
    const source = (this.source = new EventSource(`${JOBS}/${this.id}/events`));
    for (const kind of KINDS) source.addEventListener(kind, (event) => this.tell(kind, JSON.parse(event.data)));
    // A lost connection the browser takes up by itself; after any other answer than a stream it gives up.
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED && !this.over) this.timer = setTimeout(() => this.poll(), AGAIN);
    };
  }

  async poll() {
    let job = null;
    try {
      job = await getJob(this.id);
    } catch (error) {
      if (error.status === 404) this.tell("end", { state: "failed", error: error.message });
      else if (!this.over) this.timer = setTimeout(() => this.poll(), AGAIN);
      return;
    }
    if (this.over) return;
    if (!isOver(job.state)) this.tell("progress", job);
    for (const text of job.notices ?? []) this.tell("notice", { text });
    for (const image of job.images) this.tell("image", { ...image, number: numberOf(image) });
    if (isOver(job.state)) this.tell("end", job);
    else if (!this.isSeen) this.timer = setTimeout(() => this.poll(), AGAIN);
    else this.follow();
  }

  tell(kind, data) {
    if (this.over || (kind === "image" && this.told.has(data.number))) return;
    if (kind === "notice" && this.noticed.has(data.text)) return;
    if (kind === "notice") this.noticed.add(data.text);
    if (kind === "image") this.told.add(data.number);
    if (kind === "end") this.stop();
    this.listener(kind, data);
  }

  stop() {
    this.over = true;
    this.source?.close();
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.look);
  }
}
