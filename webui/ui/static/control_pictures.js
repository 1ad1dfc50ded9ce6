// The pictures of a unit: what steers, and where it has a say.

import { Slot } from "./control_slot.js";
import { element } from "./dom.js";

const EMPTY = "Drop a picture here, paste it, or ";
const INSTEAD = "Empty: the picture of the canvas is taken.";

export class Pictures {
  // `starts`: the picture that the tab starts from is taken where none is given. `acts`: paint({picture, mask}) lets a
  // mask be painted and gives its name, or null; shown() names the finished picture on the stage; take(size) makes the
  // form ask for that size, or is null. `changed(byHand)` hears of others.
  constructor({ id, starts, base, acts, changed, signal }) {
    Object.assign(this, { starts, base, acts });
    const told = (byHand) => {
      this.sized();
      changed(byHand);
    };
    this.image = new Slot({ id: `${id}_input_image`, label: "Control image", hint: hinted(starts), changed: told, signal });
    this.mask = new Slot({ id: `${id}_mask_image`, label: "Effective region mask", hint: ["White where the unit has a say: ", underlined("load a file")], changed, signal });
    this.root = this.image.root;
    this.maskRoot = this.mask.root;
    this.mask.tool("Paint", "Paint the mask", () => this.paint());
    this.image.tool("Take the result", "Take the finished picture that is shown", () => this.takeShown());
    if (acts.take) this.sizing = this.image.tool("Its size", "Ask for a picture of this one's size", () => acts.take(this.image.size));
    this.image.picture.addEventListener("load", () => this.sized());
    this.sized();
  }

  sized() {
    if (this.sizing) this.sizing.hidden = !this.image.size;
  }

  takeShown() {
    const name = this.acts.shown();
    if (name) this.image.set(name, true);
    else this.image.fail("There is no finished picture yet.");
  }

  async paint() {
    try {
      const picture = (await this.image.ready.catch(() => "")) || (await this.base()).image || null;
      const name = await this.acts.paint({ picture, mask: this.mask.name });
      if (name) this.mask.set(name, true);
    } catch (error) {
      this.mask.fail(error.message);
    }
  }

  get isFilled() {
    return Boolean(this.image.name);
  }

  get isMasked() {
    return Boolean(this.mask.name);
  }

  // Once what was brought is kept by the server; throws what kept it from that.
  async names() {
    const [image, mask] = await Promise.all([this.image.ready, this.mask.ready]);
    return { image, mask };
  }

  show({ image, mask }) {
    this.image.set(image, false);
    this.mask.set(mask, false);
  }

  bring(source) {
    return this.image.bring(source);
  }
}

function hinted(starts) {
  const lines = [EMPTY, underlined("choose a file"), "."];
  return starts ? [...lines, element("small", "", INSTEAD)] : lines;
}

const underlined = (text) => element("u", "", text);
