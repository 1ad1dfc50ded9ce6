// The picture's area with the regions' rectangles on it: drawn, moved and resized by mouse, finger or keys.
// Places and sizes are shares of the picture's sides.

import { element } from "./dom.js";
import { cornerOf } from "./regions_mask.js";

const LEAST = 0.02; // of a side: less than that was a click
const STEP = 0.01; // that an arrow key moves or resizes
const CORNERS = ["nw", "ne", "sw", "se"];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const limited = (value, least = 0, most = 1) => Math.min(most, Math.max(least, value));
const rounded = (value) => Math.round(value * 1000) / 1000;

export class RegionsBox {
  // `acts`: added(rectangle) makes a region and gives its place, changed(place, rectangle), chosen(place), removed(place).
  constructor(acts) {
    this.acts = acts;
    this.regions = [];
    this.pull = null; // what is being done with the pointer
    this.root = element("div", "dr-regions-box");
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "The picture: drag to draw a region");
    this.backdrop = Object.assign(element("img", "dr-regions-backdrop"), { alt: "", hidden: true, draggable: false });
    this.hint = element("p", "dr-regions-hint", "Drag here to draw a region.");
    this.root.append(this.backdrop, this.hint);
    this.root.addEventListener("pointerdown", (event) => this.down(event));
    this.root.addEventListener("pointermove", (event) => this.move(event));
    this.root.addEventListener("pointerup", () => this.up());
    this.root.addEventListener("pointercancel", () => this.up());
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  // The picture's proportions, and the address of one to show behind the regions, or "".
  shape({ width, height }, address) {
    this.root.style.aspectRatio = `${width} / ${height}`;
    this.root.style.setProperty("--share", width / height);
    this.backdrop.hidden = !address;
    if (address && this.backdrop.src !== address) this.backdrop.src = address;
  }

  // `regions` are {x, y, width, height, mask: address or "", color, name}.
  draw(regions, chosen) {
    this.regions = regions;
    this.hint.hidden = regions.length > 0;
    const boxes = [...this.root.querySelectorAll(".dr-region")];
    boxes.slice(regions.length).forEach((box) => box.remove());
    regions.forEach((region, place) => this.place(boxes[place] ?? this.make(), region, place, place === chosen));
  }

  make() {
    const box = element("div", "dr-region");
    box.tabIndex = 0;
    box.setAttribute("role", "button");
    box.append(element("span", ""), ...CORNERS.map((corner) => Object.assign(element("i", `dr-region-${corner}`), { ariaHidden: "true" })));
    [...box.querySelectorAll("i")].forEach((handle, index) => (handle.dataset.corner = CORNERS[index]));
    box.addEventListener("focus", () => this.pull || this.acts.chosen(Number(box.dataset.place)));
    this.root.append(box);
    return box;
  }

  place(box, { x, y, width, height, mask, color, name }, place, isChosen) {
    box.dataset.place = place;
    box.classList.toggle("dr-region-chosen", isChosen);
    box.classList.toggle("dr-region-masked", Boolean(mask));
    box.setAttribute("aria-pressed", isChosen);
    const percent = [x, y, width, height].map((share) => `${Math.round(share * 100)} %`);
    box.setAttribute("aria-label", `${name}: left ${percent[0]}, top ${percent[1]}, ${percent[2]} wide, ${percent[3]} high. Arrows move it, with Shift they resize it, Delete removes it.`);
    const [left, top, across, down] = mask ? [0, 0, 1, 1] : [x, y, width, height];
    Object.assign(box.style, { left: share(left), top: share(top), width: share(across), height: share(down) });
    box.style.setProperty("--color", color);
    box.style.setProperty("--mask", mask ? `url("${mask}")` : "none");
    box.firstElementChild.textContent = place + 1;
    this.putNumber(box, mask);
  }

  // A mask covers the whole area: its number stands where it begins.
  async putNumber(box, mask) {
    box.dataset.mask = mask;
    const { left, top } = mask ? await cornerOf(mask) : { left: 0, top: 0 };
    if (box.dataset.mask === mask) Object.assign(box.firstElementChild.style, { left: share(left), top: share(top) });
  }

  at({ clientX, clientY }) {
    const { left, top, width, height } = this.root.getBoundingClientRect();
    return { x: limited((clientX - left) / width), y: limited((clientY - top) / height) };
  }

  down(event) {
    if (event.button) return;
    event.preventDefault();
    const from = this.at(event);
    const box = event.target.closest(".dr-region:not(.dr-region-masked)");
    const place = box ? Number(box.dataset.place) : -1;
    this.root.setPointerCapture(event.pointerId);
    this.pull = { from, place, corner: event.target.dataset.corner, start: { ...this.regions[place] } };
    if (!box) return;
    this.acts.chosen(place);
    box.focus({ preventScroll: true });
  }

  move(event) {
    const { pull } = this;
    if (!pull) return;
    const to = this.at(event);
    if (pull.place < 0) this.begin(pull, to);
    else if (pull.corner) this.acts.changed(pull.place, resized(pull.start, pull.corner, to));
    else this.acts.changed(pull.place, moved(pull.start, to.x - pull.from.x, to.y - pull.from.y));
  }

  // A region begins once it is large enough to have been meant.
  begin(pull, to) {
    const drawn = between(pull.from, to);
    if (drawn.width < LEAST || drawn.height < LEAST) return;
    const place = this.acts.added(drawn);
    if (place === null) return this.up();
    const corner = `${to.y < pull.from.y ? "n" : "s"}${to.x < pull.from.x ? "w" : "e"}`;
    this.pull = { from: to, place, corner, start: drawn };
  }

  up() {
    this.pull = null;
  }

  key(event) {
    const box = event.target.closest(".dr-region");
    if (!box) return;
    const place = Number(box.dataset.place);
    const region = this.regions[place];
    const [across, down] = (ARROWS[event.key] ?? [0, 0]).map((way) => way * STEP);
    if (event.key === "Delete" || event.key === "Backspace") this.acts.removed(place);
    else if (!ARROWS[event.key] || region.mask) return;
    else if (event.shiftKey) this.acts.changed(place, resized(region, "se", { x: region.x + region.width + across, y: region.y + region.height + down }));
    else this.acts.changed(place, moved(region, across, down));
    event.preventDefault();
  }
}

const share = (value) => `${value * 100}%`;

export function between(one, other) {
  const [x, y] = [Math.min(one.x, other.x), Math.min(one.y, other.y)].map(rounded);
  return { x, y, width: rounded(Math.abs(one.x - other.x)), height: rounded(Math.abs(one.y - other.y)) };
}

export function moved({ x, y, width, height }, across, down) {
  return { x: rounded(limited(x + across, 0, 1 - width)), y: rounded(limited(y + down, 0, 1 - height)), width, height };
}

// The corner is brought to a place, the opposite one stays.
export function resized({ x, y, width, height }, corner, to) {
  const [right, bottom] = [x + width, y + height];
  const left = corner.endsWith("w") ? limited(to.x, 0, right - LEAST) : x;
  const top = corner.startsWith("n") ? limited(to.y, 0, bottom - LEAST) : y;
  const end = corner.endsWith("e") ? limited(to.x, x + LEAST, 1) : right;
  const floor = corner.startsWith("s") ? limited(to.y, y + LEAST, 1) : bottom;
  return between({ x: left, y: top }, { x: end, y: floor });
}
