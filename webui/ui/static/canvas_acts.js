// What the canvas's buttons and keys do, by name.

import { isStretched } from "./canvas_layers.js";
import { blankPicture, openPicture } from "./canvas_picture.js";

const ZOOM_STEP = 1.25;
const STRETCHED = "The mask has other proportions than the picture: it was stretched.";

export const ACTS = {
  undo: (canvas) => canvas.wind((history) => history.undo()),
  redo: (canvas) => canvas.wind((history) => history.redo()),
  wipe: (canvas) => canvas.change(({ layers, layer }) => layers.clear(layer)),
  fill: (canvas) => canvas.change(({ layers }) => layers.fillMask()),
  invert: (canvas) => canvas.change(({ layers }) => layers.invertMask()),
  zoom_in: (canvas) => canvas.looks.look((view) => view.zoomAt(view.middle, ZOOM_STEP)),
  zoom_out: (canvas) => canvas.looks.look((view) => view.zoomAt(view.middle, 1 / ZOOM_STEP)),
  fit: (canvas) => canvas.looks.fit(),
  actual: (canvas) => canvas.looks.look((view) => view.zoomTo(1)),
  expand: (canvas) => canvas.looks.expand(!canvas.looks.expanded),
  remove: (canvas) => canvas.clear(),
  blank: async (canvas) => canvas.load(await blankPicture(canvas.blankSize()), { name: "blank" }),
};

// From the file that was chosen in `input`.
export async function loadMask(canvas, input) {
  const [file] = input.files;
  input.value = ""; // so that the same file can be chosen again
  const { layers } = canvas;
  if (!file || !layers) return;
  canvas.showError("");
  try {
    const mask = await openPicture(file);
    // Of a picture that is gone meanwhile it is no mask.
    if (layers === canvas.layers) canvas.change(() => layers.setMask(mask.bitmap));
    canvas.showError(isStretched(mask, layers.size) ? STRETCHED : "");
    mask.close();
  } catch (error) {
    canvas.showError(error.message);
  }
}
