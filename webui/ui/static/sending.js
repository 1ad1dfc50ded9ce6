// Sending a picture to a tab: onto its canvas, and what it tells of its making into the form.

import { fill } from "./filling.js";
import { known } from "./known.js";
import { showTab } from "./parts.js";
import * as sizes from "./sizes.js";

const OWN = /\/jobs\/([^/]+)\/images\/(\d+)$/;

// "<job>/<number>" of a finished picture.
export function nameOf({ url }) {
  const [, job, number] = url.match(OWN);
  return `${job}/${number}`;
}

const claimed = new WeakSet(); // canvases that a picture has been sent to

// Whether there is, or is about to be, a picture on the canvas.
export const isTaken = (canvas) => Boolean(canvas.size) || claimed.has(canvas);

// `source` is a file or the name of a finished picture; `wish` what the form is to be filled with, if anything.
export async function send(canvases, tab, source, name, wish = null) {
  showTab(tab);
  const canvas = await canvases.when(tab);
  claimed.add(canvas);
  const loaded = await canvas.load(source, { name });
  const { width, height } = canvas.size ?? {};
  if (loaded && wish && known.tabs[tab].paste) fill(tab, { ...wish, picture: [width, height] });
}

// Onto an empty canvas what a job was drawn from: its picture, mask and frame. Its size is that of the form already.
export async function bringBack(canvas, params) {
  const [picture, ...more] = params?.init_images ?? [];
  if (!picture || more.length || isTaken(canvas)) return;
  sizes.hold(canvas.tab, true);
  if (await canvas.load(picture)) {
    const { outpaint_left: left, outpaint_up: up, outpaint_right: right, outpaint_down: down } = params;
    if (canvas.masks) canvas.setOutpaint({ left, up, right, down });
    if (params.mask) await canvas.loadMask(params.mask);
  } else {
    canvas.showError(""); // nobody has asked for it
  }
  sizes.hold(canvas.tab, false);
}

// What hires fix is to enlarge: the picture shown, its seeds and, if it can be drawn so, its size.
export function toUpscale(pictures) {
  const picture = pictures.shown;
  if (!picture) return "{}";
  const { naturalWidth, naturalHeight } = pictures.part(".dr-view img") ?? {};
  const whole = naturalWidth && naturalWidth % 8 === 0 && naturalHeight % 8 === 0;
  const size = whole ? { width: naturalWidth, height: naturalHeight } : {};
  const seeds = { seed: pictures.seedOf("seed"), subseed: pictures.seedOf("subseed") };
  return JSON.stringify({ firstpass_image: nameOf(picture), ...seeds, ...size });
}
