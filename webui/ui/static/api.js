// The native API, as the page uses it.

const JOBS = "api/v1/jobs";

async function ask(method, path) {
  const response = await fetch(path, { method, headers: { Accept: "application/json" } });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    const error = new Error(typeof body.detail === "string" ? body.detail : `The server answered ${response.status}.`);
    error.status = response.status;
    throw error;
  }
  return body;
}

export const health = () => ask("GET", "healthz");
export const listJobs = (limit = 50) => ask("GET", `${JOBS}?limit=${limit}`);
export const getJob = (id) => ask("GET", `${JOBS}/${id}`);
export const interruptJob = (id) => ask("DELETE", `${JOBS}/${id}`);
export const skipBatch = (id) => ask("POST", `${JOBS}/${id}/skip`);
export const runAgain = (id) => ask("POST", `${JOBS}/${id}/run-again`);
// The server gives addresses from its root; behind a proxy's prefix the page's own folder is that root.
export const imageUrl = (url) => url.replace(/^\//, "");

const KINDS = ["progress", "preview", "image", "end"];
const HIDDEN_POLL = 2000;

// Tells `listener(kind, data)` what happens to the job until its end; returns a function that stops it.
// A hidden page asks now and then instead of holding a stream: browsers allow six connections to a server,
// and previews are made only while someone watches.
export function watchJob(id, listener) {
  let source = null;
  let timer = null;
  let told = 0;
  let over = false;

  function stream() {
    source = new EventSource(`${JOBS}/${id}/events`);
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        if (over) return;
        const data = JSON.parse(event.data);
        if (kind === "image" && data.number < told) return;
        if (kind === "image") told = data.number + 1;
        if (kind === "end") stop();
        listener(kind, data);
      });
    }
  }

  async function poll() {
    try {
      const job = await getJob(id);
      if (over || !document.hidden) return;
      listener("progress", job);
      for (const [number, image] of job.images.entries()) {
        if (number >= told) listener("image", { ...image, number });
      }
      told = Math.max(told, job.images.length);
      if (["done", "failed", "interrupted"].includes(job.state)) {
        stop();
        listener("end", job);
        return;
      }
    } catch {
      // The server may be away for a moment; the next turn asks again.
    }
    timer = setTimeout(poll, HIDDEN_POLL);
  }

  function follow() {
    source?.close();
    source = null;
    clearTimeout(timer);
    if (over) return;
    if (document.hidden) poll();
    else stream();
  }

  function stop() {
    over = true;
    source?.close();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", follow);
  }

  document.addEventListener("visibilitychange", follow);
  follow();
  return stop;
}
