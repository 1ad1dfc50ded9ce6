// The two layers over a picture: the mask, whose pixels are masked or not, and the sketch, with soft edges in colours.

import { sides, whole } from "./canvas_boxes.js";
import { Edit } from "./canvas_history.js";
import { Tiles } from "./canvas_tiles.js";

const VEIL = "#f5a524"; // what masked pixels are shown in
const OPAQUE = 255;
const HALF = 128;

export class Layers {
  constructor(size) {
    this.size = size;
    this.mask = new Tiles(size.width, size.height);
    this.sketch = new Tiles(size.width, size.height);
  }

  get all() {
    return [
      { layer: this.sketch, opacity: 1 },
      { layer: this.mask, opacity: 0.55 },
    ];
  }

  // Puts a shape on a layer: in a colour if it is the sketch, or away from it.
  lay(layer, shape, { erase, color, edit }) {
    layer.paint(shape.box, edit, (context, { top, bottom }) => {
      context.fillStyle = layer === this.mask ? VEIL : color;
      context.globalCompositeOperation = erase ? "destination-out" : "source-over";
      if (layer === this.sketch) return shape.path(context);
      shape.rows((y, first, end) => y >= top && y < bottom && context.fillRect(first, y, end - first, 1));
    });
  }

  // Each of these returns the edit that it was.
  clear(layer) {
    return changed(layer, (context, place) => context.clearRect(...sides(place)));
  }

  fillMask() {
    return changed(this.mask, fill);
  }

  invertMask() {
    return changed(this.mask, (context, place) => {
      context.globalCompositeOperation = "source-out";
      fill(context, place);
    });
  }

  // The mask becomes a picture's: of one with transparency what is opaque, else what is light.
  setMask(picture) {
    return this.maskBy(picture, hasTransparency(picture) ? (bytes, at) => bytes[at + 3] >= HALF : isLight);
  }

  // What isn't quite opaque in the picture itself is masked: that is no edit.
  maskTransparent({ blob, bitmap, reduced }) {
    // What is transparent in a large picture is seen in the smaller one, too, and sooner.
    if (blob.type === "image/jpeg" || !hasTransparency(reduced ?? bitmap)) return;
    this.maskBy(bitmap, (bytes, at) => bytes[at + 3] < OPAQUE);
  }

  maskBy(picture, isMasked) {
    const { width, height } = this.size;
    return changed(this.mask, (context, place) => {
      const [left, top, ...size] = sides(place);
      fill(context, place);
      const [veil] = pixelsOf(context.getImageData(0, 0, 1, 1));
      context.clearRect(left, top, ...size);
      context.imageSmoothingEnabled = false;
      context.drawImage(picture, 0, 0, width, height);
      const read = context.getImageData(0, 0, ...size);
      const pixels = pixelsOf(read);
      for (let place = 0; place < pixels.length; place++) pixels[place] = isMasked(read.data, 4 * place) ? veil : 0;
      context.putImageData(read, 0, 0);
    });
  }
}

const pixelsOf = ({ data }) => new Uint32Array(data.buffer);

function changed(layer, act) {
  const edit = new Edit(layer);
  layer.paint(whole(layer.size), edit, act);
  return edit;
}

function fill(context, place) {
  context.fillStyle = VEIL;
  context.fillRect(...sides(place));
}

const isLight = (bytes, at) => 0.299 * bytes[at] + 0.587 * bytes[at + 1] + 0.114 * bytes[at + 2] >= HALF;

// Looked through piece by piece: a canvas of a large picture's size is more than some browsers give.
function hasTransparency(picture) {
  const layer = new Tiles(picture.width, picture.height);
  return layer.numbers.some((number) => {
    const { left, top } = layer.place(number);
    layer.context(number).drawImage(picture, -left, -top);
    const found = layer.read(number).some((pixel) => pixel >>> 24 < OPAQUE);
    layer.tiles.delete(number);
    return found;
  });
}

// Whether the picture loses its proportions when it is brought to a size.
export const isStretched = (picture, size) => Math.abs((picture.width * size.height) / (picture.height * size.width) - 1) > 0.01;
