// What the server is to start from. Files are uploaded first, each once: what hasn't changed since isn't sent again.

import { maskFile, paintedFile } from "./canvas_export.js";

const AT_ONCE = 3; // uploads of a batch
const UNREADABLE = 422; // what the server answers to a file that is no picture
const NOTHING_MASKED = "Nothing is masked: paint over what is to change, or pull the frame outwards.";

export class Wish {
  constructor(upload) {
    this.upload = upload;
    this.sent = new Map(); // "picture" or "mask" -> {of, id}: what was sent last
    this.files = new WeakMap(); // of a batch: the ids of those that were sent
  }

  // The fields of a picture with what was painted on it; {} if there is none.
  async ofPicture({ picture, layers, outpaint, masks }) {
    if (!picture) return {};
    const isPainted = !layers.sketch.isBlank;
    // Both before anything is awaited: one may go on painting meanwhile.
    const mask = masks ? this.maskId(picture, layers) : "";
    const image = isPainted ? this.paintedId(picture, layers) : this.pictureId(picture);
    const [first, second] = await Promise.allSettled([image, mask]);
    const errors = [failure("init_images", first), failure("mask", second)].filter(Boolean);
    if (errors.length) return { errors };
    const pulled = Object.values(outpaint).some((pixels) => pixels > 0);
    if (masks && !second.value && !pulled) return { errors: [{ field: "mask", message: NOTHING_MASKED }] };
    return { ...told([first.value], second.value), ...(masks && named(outpaint)) };
  }

  // `progress(done, all)` hears of each file that has been sent. Files that are no pictures are `left_out`, a sentence
  // for each, as long as there are others.
  async ofBatch({ files, folder }, progress) {
    if (folder) return told([], "", folder);
    if (!files.length) return {};
    const ids = new Array(files.length);
    const left_out = [];
    const errors = [];
    let next = 0;
    let done = 0;
    const work = async () => {
      while (next < files.length && !errors.length) {
        const place = next++;
        const { file } = files[place];
        try {
          ids[place] = await this.fileId(file);
        } catch (error) {
          const said = `${file.name}: ${error.message}`;
          if (error.status === UNREADABLE) left_out.push(said);
          else errors.push(said);
        }
        progress((done += 1), files.length);
      }
    };
    progress(0, files.length);
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    progress(files.length, files.length);
    const sent = ids.filter(Boolean);
    if (sent.length && !errors.length) return { ...told(sent, ""), left_out };
    return { errors: [...errors, ...left_out].map((message) => ({ field: "init_images", message })) };
  }

  pictureId(picture) {
    return picture.kept ?? this.once("picture", [picture, 0], () => picture.blob, picture.parent);
  }

  paintedId(picture, { sketch }) {
    return this.once("picture", [picture, sketch.version], () => paintedFile(picture, sketch), picture.parent);
  }

  // "" if nothing is masked.
  maskId(picture, layers) {
    const { mask, sketch } = layers;
    return this.once("mask", [picture, mask.version, sketch.version], () => maskFile(layers), "");
  }

  async once(kind, of, make, parent) {
    const before = this.sent.get(kind);
    if (before?.of.every((part, place) => part === of[place])) return before.id;
    const id = this.send(make(), parent);
    this.sent.set(kind, { of, id });
    // What failed is tried again.
    id.catch(() => this.sent.get(kind)?.id === id && this.sent.delete(kind));
    return id;
  }

  async send(made, parent) {
    const blob = await made;
    return blob ? (await this.upload(blob, parent)).id : "";
  }

  async fileId(file) {
    if (!this.files.has(file)) this.files.set(file, (await this.upload(file, "")).id);
    return this.files.get(file);
  }
}

const told = (init_images, mask, init_folder = "") => ({ init_images, mask, init_folder });

const named = ({ left, up, right, down }) => ({ outpaint_left: left, outpaint_up: up, outpaint_right: right, outpaint_down: down });

const failure = (field, { status, reason }) => (status === "rejected" ? { field, message: reason.message } : null);
