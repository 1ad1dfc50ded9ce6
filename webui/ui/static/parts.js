// The page's parts by tab. gradio lays a tab out once it is first shown: until then its parts are waited for.

const OFTEN = 20; // ms
const PATIENCE = 10_000;

export class Parts {
  constructor() {
    this.found = new Map();
    this.awaited = new Map();
  }

  get(tab) {
    return this.found.get(tab);
  }

  set(tab, part) {
    this.found.set(tab, part);
    this.awaited.get(tab)?.forEach((resolve) => resolve(part));
    this.awaited.delete(tab);
  }

  values() {
    return [...this.found.values()];
  }

  when(tab) {
    if (this.found.has(tab)) return Promise.resolve(this.found.get(tab));
    return new Promise((resolve) => this.awaited.set(tab, [...(this.awaited.get(tab) ?? []), resolve]));
  }
}

export function showTab(tab) {
  const button = document.getElementById(`tab_${tab}-button`);
  button?.click();
  button?.scrollIntoView({ block: "nearest", inline: "nearest" }); // the bar may be wider than a phone
}

// The element of that id once it is there; null if it doesn't come.
export async function appears(id) {
  for (let waited = 0; waited < PATIENCE; waited += OFTEN) {
    const element = document.getElementById(id);
    if (element) return element;
    await new Promise((resolve) => setTimeout(resolve, OFTEN));
  }
  return null;
}
