// The canvas of the ControlNet tab as the pictures of its first unit: what is drawn there steers.

import { markedFile } from "./canvas_export.js";
import { element } from "./dom.js";

const NOTE = "What is on the canvas steers: draw there, or bring a picture. Its region mask is painted there, too.";

// The same things can be asked of it as of Pictures in control_pictures.js.
export class CanvasPictures {
  // `canvas()` is the tab's, once it is laid out.
  constructor({ tab, canvas, changed, signal }) {
    Object.assign(this, { canvas });
    this.shown = null; // the picture that `changed` was told of
    this.root = element("p", "dr-steer-note", NOTE);
    this.maskRoot = element("p", "dr-steer-note", "Choose “Region mask” above the canvas, and paint there.");
    const painted = ({ detail }) => detail.tab === tab && detail.final && changed(true);
    document.addEventListener("darkroom:painted", painted, { signal });
    document.addEventListener("darkroom:canvas", ({ detail }) => detail.tab === tab && this.heard(changed), { signal });
  }

  // The canvas tells of other modes, too.
  heard(changed) {
    const picture = this.canvas()?.picture ?? null;
    if (picture === this.shown) return;
    this.shown = picture;
    changed(true);
  }

  get isFilled() {
    return Boolean(this.canvas()?.picture);
  }

  get isMasked() {
    return this.canvas()?.layers?.mask.isBlank === false;
  }

  async names() {
    const { picture, layers, wishes } = this.canvas() ?? {};
    if (!picture) return { image: "", mask: "" };
    const masked = () => markedFile(layers.size, [layers.mask]);
    // Both before anything is awaited: one may go on painting meanwhile.
    const mask = layers.mask.isBlank ? "" : wishes.once("region", [picture, layers.mask.version], masked, "");
    const image = layers.sketch.isBlank ? wishes.pictureId(picture) : wishes.paintedId(picture, layers);
    const [first, second] = await Promise.all([image, mask]);
    return { image: first, mask: second };
  }

  // Onto the canvas, with the mask over it.
  async show({ image, mask }) {
    const canvas = this.canvas();
    if (!image) return canvas?.clear();
    if ((await canvas?.load(image)) && mask) await canvas.loadMask(mask);
  }

  bring(source) {
    return this.canvas()?.load(source);
  }
}
