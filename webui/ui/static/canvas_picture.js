// A picture to work on, and where it comes from: a file, the page's own pictures, an upload.

import { pictureFile, uploadPicture } from "./canvas_api.js";

const FINISHED = /^([\w-]+)\/(\d+)$/;
const UPLOAD = /^[0-9a-f]{32}$/;
const OWN_ADDRESS = /^\/api\/v1\/(?:jobs\/([\w-]+)\/images|history\/([\w-]+))\/(\d+)(?:\/thumbnail)?$/;
const UPLOAD_ADDRESS = /^\/api\/v1\/uploads\/([0-9a-f]{32})$/;
const SMALL = 2048; // pixels of the longer side of what is drawn while a large picture is seen from afar
const MOST_PIXELS = 100_000_000; // as imaging/reading.py takes
const NO_PICTURE = "This is not one of your pictures. Save it and drop the file.";

// `kept` is what the server calls the picture as it is, if it has it. `reduced` is a smaller one of the same, or null.
class Picture {
  constructor(bitmap, reduced, { blob, name, parent, kept }) {
    Object.assign(this, { bitmap, reduced, blob, name, parent, kept });
    this.width = bitmap.width;
    this.height = bitmap.height;
  }

  close() {
    this.bitmap.close();
    this.reduced?.close();
  }
}

// `source` is a Blob or File, the address of one of the page's pictures, "<job>/<number>" or an upload's id.
export async function openPicture(source, { name = "", parent = "" } = {}) {
  const { blob, ...origin } = source instanceof Blob ? { blob: source, name: source.name } : await fetched(String(source));
  const told = { ...origin, ...(name && { name }), ...(parent && { parent }) };
  const [bitmap, seen] = await decoded(blob, told.parent);
  if (bitmap.width * bitmap.height > MOST_PIXELS) {
    const size = `${bitmap.width}×${bitmap.height}`;
    bitmap.close();
    throw new Error(`This picture has ${size} pixels, more than the ${MOST_PIXELS / 1e6} million that can be used. Make it smaller first.`);
  }
  return new Picture(bitmap, await reduced(bitmap), { blob, parent: "", ...told, ...seen });
}

// A picture of one colour.
export async function blankPicture({ width, height }, color = "#ffffff") {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.fillStyle = color;
  context.fillRect(0, 0, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

// The address of one of the page's own pictures, told from what was dropped or named; null for all others.
export function placeOf(source) {
  const finished = source.match(FINISHED);
  if (finished) return finishedPlace(finished[1], finished[2]);
  if (UPLOAD.test(source)) return { path: `/api/v1/uploads/${source}`, kept: source, parent: "" };
  const { origin, pathname, protocol } = new URL(source, location.href);
  if (protocol === "blob:") return { path: source, parent: "" };
  if (origin !== location.origin) return null;
  const own = pathname.match(OWN_ADDRESS);
  if (own) return finishedPlace(own[1] ?? own[2], own[3]);
  const upload = pathname.match(UPLOAD_ADDRESS);
  return upload && { path: pathname, kept: upload[1], parent: "" };
}

function finishedPlace(job, number) {
  const kept = `${job}/${number}`;
  return { path: `/api/v1/jobs/${job}/images/${number}`, kept, parent: kept };
}

async function fetched(source) {
  const place = placeOf(source);
  if (!place) throw new Error(NO_PICTURE);
  const { path, ...origin } = place;
  return { blob: await pictureFile(path), name: origin.kept ?? "", ...origin };
}

// What this browser can't read (TIFF and others) the server may: it is asked for a picture that both can.
async function decoded(blob, parent) {
  try {
    return [await createImageBitmap(blob), {}];
  } catch {
    const { id } = await uploadPicture(blob, parent);
    const readable = await pictureFile(`/api/v1/uploads/${id}`);
    return [await createImageBitmap(readable), { blob: readable, kept: id }];
  }
}

function reduced(bitmap) {
  const share = SMALL / Math.max(bitmap.width, bitmap.height);
  if (share >= 1) return null;
  const length = (pixels) => Math.max(1, Math.round(pixels * share));
  return createImageBitmap(bitmap, { resizeWidth: length(bitmap.width), resizeHeight: length(bitmap.height), resizeQuality: "high" });
}
