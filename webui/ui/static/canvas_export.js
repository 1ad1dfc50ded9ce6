// What was painted, as files: at the picture's own pixels, whatever the view was.

import { greyPng } from "./canvas_png.js";

// White where the picture is to change: where the mask is, and where something was painted. Null if nowhere.
export const maskFile = ({ size, mask, sketch }) => markedFile(size, [mask, sketch]);

// White where something is on one of these layers. Null if nowhere.
export async function markedFile({ width, height }, layers) {
  const rows = new Uint8Array((width + 1) * height);
  let any = false;
  for (const layer of layers) any = mark(layer, rows) || any;
  return any ? greyPng(width, height, rows) : null;
}

function mark(layer, rows) {
  let any = false;
  for (const number of layer.tiles.keys()) {
    const { left, top, right } = layer.place(number);
    const wide = right - left;
    layer.read(number).forEach((pixel, index) => {
      if (!(pixel >>> 24)) return;
      any = true;
      rows[(top + Math.floor(index / wide)) * (layer.size.width + 1) + 1 + left + (index % wide)] = 255;
    });
  }
  return any;
}

// The picture with the sketch on it.
export async function paintedFile(picture, sketch) {
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = canvas.getContext("2d");
  context.drawImage(picture.bitmap, 0, 0);
  for (const [number, tile] of sketch.tiles) {
    const { left, top } = sketch.place(number);
    context.drawImage(tile, left, top);
  }
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("This browser can't put the sketch on so large a picture. Use a smaller one.");
  return blob;
}
