// What the page says of a job, in words.

const RUNNING = ["queued", "running"];
const COUNTED = ["sampling", "training"]; // what is told step by step

export const isOver = (state) => !RUNNING.includes(state);

export function describe({ state, position, phase, step, steps, iteration, n_iter, eta }) {
  if (state === "queued") {
    return position ? `Waiting: ${position} ${position === 1 ? "job" : "jobs"} before yours` : "Waiting to start";
  }
  if (!COUNTED.includes(phase)) return `${capital(phase || "starting")}…`;
  const batch = n_iter > 1 ? ` · batch ${iteration} of ${n_iter}` : "";
  const left = eta === null || eta === undefined ? "" : ` · ${clock(eta)} left`;
  return `Step ${step} of ${steps}${batch}${left}`;
}

// The same without the numbers that change with every step: for those who hear it.
export const aloud = (progress) => (COUNTED.includes(progress.phase) ? capital(progress.phase) : describe(progress));

export function outcomeAloud(state, count) {
  if (state === "done") return count > 1 ? "The pictures are finished." : "The picture is finished.";
  return outcome(state, count);
}

// For the title of the browser's tab.
export function shortly({ state, share }) {
  if (state === "queued") return "Waiting";
  return share ? `${Math.round(share * 100)}%` : "Starting";
}

export const pictures = (count) => `${count} ${count === 1 ? "picture" : "pictures"}`;

export function outcome(state, count) {
  const kept = count ? `; ${count} finished ${count === 1 ? "picture is" : "pictures are"} kept` : "";
  if (state === "interrupted") return `Interrupted${kept}.`;
  if (state === "failed") return `Failed${kept}.`;
  return "";
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
