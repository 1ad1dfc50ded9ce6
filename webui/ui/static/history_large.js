// A picture of the history, large: what is known of it, what can be done with it, where it comes from.

import { pictureDetails } from "./history_api.js";
import { compare } from "./compare.js";
import { facts, timeOf, wayNamed } from "./history_words.js";
import { drawLineage } from "./lineage.js";

const COPIED = 2000; // ms that "Copied" stands there
const FLICK = 50; // px that a finger moves to turn over

export class Large {
  // `pictures` are those of the list; `acts` what can be done; `send(tab, picture)`; `left(index)`: it was closed there.
  constructor(root, pictures, { acts, send, left }) {
    Object.assign(this, { root, pictures, acts, send });
    this.index = 0; // of the picture in the list; one of the line of descent may be shown instead
    this.picture = null;
    this.detail = null;
    this.part(".dr-hist-close").addEventListener("click", () => root.close());
    root.addEventListener("close", () => left(this.index));
    root.addEventListener("keydown", (event) => this.key(event));
    this.part(".dr-hist-newer").addEventListener("click", () => this.turn(-1));
    this.part(".dr-hist-older").addEventListener("click", () => this.turn(1));
    this.wireActs();
    this.wireView();
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  wireActs() {
    const act = (name, does) => this.part(`.dr-hist-do-${name}`).addEventListener("click", does);
    act("favourite", () => this.favourite());
    act("trash", () => this.remove("trash"));
    act("restore", () => this.remove("restore"));
    act("erase", () => this.remove("erase"));
    act("copy", ({ currentTarget }) => this.copy(currentTarget));
    act("compare", () => this.compare());
    this.part(".dr-hist-sends").addEventListener("click", ({ target }) => {
      if (!target.dataset.target) return;
      this.root.close();
      this.send(target.dataset.target, this.detail ?? this.picture);
    });
  }

  wireView() {
    const view = this.part(".dr-hist-view");
    view.addEventListener("click", ({ target }) => target.matches("img") && view.classList.toggle("dr-hist-whole"));
    let began = null;
    const begin = ({ touches }) => (began = touches.length === 1 ? touches[0].clientX : null);
    view.addEventListener("touchstart", begin, { passive: true });
    view.addEventListener("touchend", ({ changedTouches }) => {
      const moved = changedTouches[0].clientX - (began ?? changedTouches[0].clientX);
      if (Math.abs(moved) > FLICK && !view.classList.contains("dr-hist-whole")) this.turn(moved > 0 ? -1 : 1);
    }, { passive: true });
  }

  async open(index) {
    const picture = this.pictures.at(index) ?? (await this.pictures.range(index, index).catch(() => [])).at(0);
    if (!picture) return;
    this.index = index;
    this.show(picture);
  }

  show(picture) {
    this.picture = picture;
    this.detail = null;
    if (!this.root.open) this.root.showModal();
    this.draw();
    this.describe(picture.id);
    this.prepare();
  }

  turn(step) {
    const next = this.index + step;
    if (next >= 0 && next < (this.pictures.total ?? 0)) this.open(next);
  }

  key(event) {
    if (event.target.matches("input, textarea")) return;
    const act = {
      ArrowLeft: () => this.turn(-1),
      ArrowRight: () => this.turn(1),
      Delete: () => this.remove(this.picture.trashed === null ? "trash" : "erase"),
      f: () => this.favourite(),
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }

  draw() {
    const { picture } = this;
    const view = this.part(".dr-hist-view");
    view.classList.remove("dr-hist-whole");
    const [image, none] = [view.querySelector("img"), view.querySelector(".dr-hist-none")];
    [image.hidden, none.hidden] = [picture.gone, !picture.gone];
    // The small one at once, until the large one is there.
    if (!picture.gone) this.load(image, picture);
    else image.removeAttribute("src");
    image.alt = picture.prompt.slice(0, 150) || "The picture";
    this.part("h2").textContent = timeOf(picture);
    this.part(".dr-hist-facts").textContent = facts(picture);
    this.enable(".dr-hist-newer", this.index > 0);
    this.enable(".dr-hist-older", this.index < this.pictures.total - 1);
    this.drawActs();
    this.part(".dr-hist-infotext").textContent = "";
    this.part(".dr-hist-descent").replaceChildren();
  }

  // Keys pressed at a button that is disabled would be lost.
  enable(selector, is) {
    const turning = this.part(selector);
    if (!is && turning === document.activeElement) this.root.focus();
    turning.disabled = !is;
  }

  load(image, { url, thumbnail }) {
    image.src = thumbnail;
    const whole = new Image();
    whole.addEventListener("load", () => this.picture.url === url && (image.src = url));
    whole.src = url;
  }

  drawActs() {
    const { picture } = this;
    const inTrash = picture.trashed !== null;
    this.root.classList.toggle("dr-hist-of-trash", inTrash);
    this.root.classList.toggle("dr-hist-of-gone", picture.gone);
    this.part(".dr-hist-do-favourite").setAttribute("aria-pressed", picture.favourite);
    const save = this.part(".dr-hist-do-save");
    save.href = picture.url;
    // The browser adds the ending: it learns with the file of which format it is.
    save.download = `${picture.kind === "grid" ? "grid-" : ""}${picture.id.split("/")[1].padStart(5, "0")}-${picture.seed}`;
    this.part(".dr-hist-do-compare").hidden = !this.parent;
  }

  // What it was made from, if that can be shown.
  get parent() {
    const { nodes = [], edges = [] } = this.detail?.lineage ?? {};
    const parents = edges.filter(({ child }) => child === this.picture.id).map(({ parent }) => parent);
    return nodes.find(({ id, picture }) => parents.includes(id) && picture && !picture.gone)?.picture;
  }

  async describe(id) {
    try {
      const detail = await pictureDetails(id);
      if (this.picture.id !== id) return;
      this.detail = detail;
      this.part(".dr-hist-infotext").textContent = detail.infotext;
      const line = drawLineage(detail.lineage, id, (picture) => this.show(picture));
      if (line) this.part(".dr-hist-descent").replaceChildren(line);
      this.drawActs();
    } catch (error) {
      if (this.picture.id === id) this.acts.fail(error.message);
    }
  }

  // Those beside it are read already.
  prepare() {
    for (const place of [this.index - 1, this.index + 1]) {
      const picture = this.pictures.at(place);
      if (picture && !picture.gone) new Image().src = picture.url;
    }
  }

  async favourite() {
    const { picture } = this;
    const is = !picture.favourite;
    if (await this.acts.favourite([picture.id], is)) picture.favourite = is;
    if (this.picture === picture) this.drawActs();
  }

  // Puts it into the trash, or takes it from there: the next of the list follows.
  async remove(how) {
    const { id } = this.picture;
    const listed = this.pictures.at(this.index)?.id === id;
    if (!(await this.acts[how]([id]))) return;
    if (!listed && how !== "erase") return this.describeAgain(id);
    if (!this.pictures.total) return this.root.close();
    await this.open(Math.min(this.index, this.pictures.total - 1));
  }

  async describeAgain(id) {
    const known = await pictureDetails(id).catch(() => null);
    if (known) this.show(known);
  }

  compare() {
    const { parent, picture } = this;
    const { way } = this.detail.lineage.edges.find(({ child }) => child === picture.id);
    compare({ ...parent, title: "Before" }, { ...picture, title: `After: ${wayNamed(way)}` });
  }

  async copy(pressed) {
    const name = pressed.textContent;
    try {
      await navigator.clipboard.writeText(this.part(".dr-hist-infotext").textContent);
      pressed.textContent = "Copied";
    } catch {
      // Browsers give the clipboard to secure addresses only; the text can be selected all the same.
      getSelection().selectAllChildren(this.part(".dr-hist-infotext"));
      pressed.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => (pressed.textContent = name), COPIED);
  }
}
