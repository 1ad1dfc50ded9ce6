// A picture's line of descent: what it was made from to the left, what was made from it to the right.

import { button, element } from "./dom.js";
import { facts, timeOf, wayNamed } from "./history_words.js";

// `lineage` as the server tells it. `show(picture)` is called for the one that is pressed. Null: it stands alone.
export function drawLineage({ nodes, edges, more }, id, show) {
  if (!edges.length) return null;
  const steps = generations(edges, id);
  const box = element("section", "dr-hist-line");
  const row = element("div", "dr-hist-generations");
  const known = new Map(nodes.map((node) => [node.id, node.picture]));
  for (const step of [...new Set(steps.values())].toSorted((one, other) => one - other)) {
    const column = element("ul", "dr-hist-generation");
    const ids = [...known.keys()].filter((name) => steps.get(name) === step);
    column.append(...ids.map((name) => node(known.get(name), { name, id, edges, show })));
    row.append(column);
  }
  box.append(element("h3", "", "Line of descent"), row);
  if (more) box.append(element("p", "dr-hist-quiet", "There are more relations than are shown."));
  return box;
}

// How many steps each picture is away: ancestors below 0, descendants above.
export function generations(edges, id) {
  const steps = new Map([[id, 0]]);
  for (const [from, to, step] of [["child", "parent", -1], ["parent", "child", 1]]) {
    const next = Map.groupBy(edges, (edge) => edge[from]);
    const waiting = [id];
    while (waiting.length) {
      const name = waiting.shift();
      for (const edge of next.get(name) ?? []) {
        if (steps.has(edge[to])) continue;
        steps.set(edge[to], steps.get(name) + step);
        waiting.push(edge[to]);
      }
    }
  }
  return steps;
}

function node(picture, { name, id, edges, show }) {
  const item = element("li", "");
  const ways = [...new Set(edges.filter(({ child }) => child === name).map(({ way }) => wayNamed(way)))];
  if (ways.length) item.append(element("span", "dr-hist-way", `→ ${ways.join(", ")}`));
  else item.append(element("span", "dr-hist-way", "first"));
  item.append(face(picture, name === id, show));
  return item;
}

function face(picture, isShown, show) {
  if (!picture) return element("span", "dr-hist-relation dr-hist-none", "Deleted");
  const made = button("", "dr-hist-relation", () => show(picture));
  if (isShown) made.setAttribute("aria-current", "true");
  made.title = `${facts(picture)} · ${timeOf(picture)}`;
  made.setAttribute("aria-label", `${isShown ? "This picture" : "Show"}: ${made.title}`);
  if (picture.gone) {
    made.append(element("span", "dr-hist-none", "File gone"));
  } else {
    const image = document.createElement("img");
    Object.assign(image, { src: picture.thumbnail, alt: "", loading: "lazy" });
    made.append(image);
  }
  return made;
}
