// Sending a picture to a tab: onto its canvas, and what it tells of its making into the form.

import { fill } from "./filling.js";
import { known } from "./known.js";
import { showTab } from "./parts.js";

const OWN = /\/jobs\/([^/]+)\/images\/(\d+)$/;

// "<job>/<number>" of a finished picture.
export function nameOf({ url }) {
  const [, job, number] = url.match(OWN);
  return `${job}/${number}`;
}

// `source` is a file or the name of a finished picture; `wish` what the form is to be filled with, if anything.
export async function send(canvases, tab, source, name, wish = null) {
  showTab(tab);
  const canvas = await canvases.when(tab);
  const loaded = await canvas.load(source, { name });
  const { width, height } = canvas.size ?? {};
  if (loaded && wish && known.tabs[tab].paste) fill(tab, { ...wish, picture: [width, height] });
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
