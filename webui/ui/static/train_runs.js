// The list of training runs, and what can be done with each.

import { button, element } from "./dom.js";

const NAMES = { queued: "Waiting", running: "Running", done: "Done", failed: "Failed", stopped: "Stopped" };

export class Runs {
  // `show(run)` shows its job, `take(run)` puts what it has made into the prompt.
  constructor(root, { show, take }) {
    Object.assign(this, { root, show, take });
    this.drawn = "";
  }

  draw(runs, shown) {
    const state = JSON.stringify([runs, shown]);
    if (state === this.drawn) return;
    this.drawn = state;
    const focused = document.activeElement?.dataset?.key;
    this.root.closest("section").hidden = !runs.length;
    this.root.replaceChildren(...runs.map((run) => this.row(run, run.job === shown)));
    if (focused) this.root.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  row(run, isShown) {
    const row = element("li", `dr-run dr-${run.state}`);
    if (isShown) row.setAttribute("aria-current", "true");
    const text = element("div", "dr-run-text");
    text.append(element("strong", "", run.name), element("span", "dr-quiet", facts(run)));
    const actions = element("div", "dr-run-actions");
    if (run.job && !isShown) actions.append(this.button(run, "Show", () => this.show(run)));
    if (run.file) actions.append(this.button(run, "Use it", () => this.take(run)));
    row.append(text, actions);
    return row;
  }

  button(run, name, act) {
    const made = button(name, "dr-button dr-small", act);
    made.setAttribute("aria-label", `${name}: ${run.name}`);
    made.dataset.key = `${name} ${run.name}`;
    return made;
  }
}

function facts({ kind, state, step, steps }) {
  return [kind, NAMES[state] ?? state, `step ${step} of ${steps}`].join(" · ");
}
