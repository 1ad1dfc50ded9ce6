// The folders that models lie in, as a tree: choosing one shows what lies in it and below it.

import { button, element } from "./dom.js";

export class Folders {
  // `chosen()` hears of another folder.
  constructor(root, chosen) {
    this.root = root;
    this.chosen = chosen;
    this.folder = ""; // "a/b/", or "" for all
    this.closed = new Set(); // folders whose own folders aren't shown
  }

  // Of the names of models. A folder that has gone is left.
  show(names) {
    const tree = treeOf(names);
    if (this.folder && !find(tree, this.folder)) this.folder = "";
    this.tree = tree;
    this.root.hidden = !tree.inside.size;
    this.draw();
  }

  draw() {
    this.root.replaceChildren(...(this.tree.inside.size ? [this.branch([this.tree])] : []));
  }

  holds({ name }) {
    return name.startsWith(this.folder);
  }

  branch(folders) {
    const list = element("ul", "");
    list.append(...folders.map((folder) => this.leaf(folder)));
    return list;
  }

  leaf(folder) {
    const item = element("li", "");
    const row = element("div", "dr-folder-row");
    const inside = [...folder.inside.values()].sort((one, other) => one.path.localeCompare(other.path));
    const open = !folder.path || !this.closed.has(folder.path);
    if (folder.path && inside.length) row.append(this.opener(folder, open));
    row.append(this.choice(folder));
    item.append(row);
    if (inside.length && open) item.append(this.branch(inside));
    return item;
  }

  opener({ path, name }, open) {
    const made = button("", "dr-folder-open", () => {
      if (!this.closed.delete(path)) this.closed.add(path);
      this.draw();
      this.root.querySelector(`[data-key="open ${CSS.escape(path)}"]`)?.focus();
    });
    made.ariaLabel = made.title = `Folders in ${name}`;
    made.ariaExpanded = String(open);
    made.dataset.key = `open ${path}`;
    return made;
  }

  choice({ path, name, count }) {
    const made = button(name, "dr-folder", () => {
      this.folder = path;
      this.chosen();
    });
    made.append(element("span", "dr-chip-count", String(count)));
    made.setAttribute("aria-pressed", path === this.folder);
    made.dataset.key = `folder ${path}`;
    return made;
  }
}

const made = (path, name) => ({ path, name, count: 0, inside: new Map() });

function treeOf(names) {
  const root = made("", "All folders");
  for (const parts of names.map((name) => name.split("/").slice(0, -1))) {
    let here = root;
    here.count += 1;
    for (const part of parts) {
      if (!here.inside.has(part)) here.inside.set(part, made(`${here.path}${part}/`, part));
      here = here.inside.get(part);
      here.count += 1;
    }
  }
  return root;
}

function find(folder, path) {
  if (folder.path === path) return folder;
  return [...folder.inside.values()].map((one) => find(one, path)).find(Boolean) ?? null;
}
