// Undo and redo, one stroke at a time: of each the tiles as they were, packed, in bounded memory.

const MOST_BYTES = 256 * 2 ** 20;
const MOST_STEPS = 200;

// One change of a layer, while it is made and afterwards.
export class Edit {
  constructor(layer) {
    this.layer = layer;
    this.kept = new Map(); // tile number -> its pixels before
  }

  keep(number) {
    if (!this.kept.has(number)) this.kept.set(number, this.layer.read(number));
  }

  // As if it had never been made.
  revert() {
    this.kept.forEach((pixels, number) => this.layer.write(number, pixels));
  }

  pack() {
    this.kept.forEach((pixels, number) => this.kept.set(number, packed(pixels)));
    return this;
  }

  // Brings back what was kept, and keeps what is there now.
  swap() {
    for (const [number, before] of this.kept) {
      const now = packed(this.layer.read(number));
      this.layer.write(number, unpacked(before));
      this.kept.set(number, now);
    }
  }

  get bytes() {
    return [...this.kept.values()].reduce((sum, pixels) => sum + (pixels?.runs.byteLength ?? 0), 0);
  }
}

export class History {
  constructor() {
    this.past = [];
    this.future = [];
  }

  add(edit) {
    if (!edit.kept.size) return;
    this.past.push(edit.pack());
    this.future = [];
    let bytes = this.past.reduce((sum, { bytes }) => sum + bytes, 0);
    // The last one can be undone, however large it is.
    while (this.past.length > MOST_STEPS || (bytes > MOST_BYTES && this.past.length > 1)) bytes -= this.past.shift().bytes;
  }

  // Returns whether there was something.
  undo() {
    return step(this.past, this.future);
  }

  redo() {
    return step(this.future, this.past);
  }

  clear() {
    this.past = [];
    this.future = [];
  }
}

function step(from, to) {
  const edit = from.pop();
  if (!edit) return false;
  edit.swap();
  to.push(edit);
  return true;
}

// What is painted is mostly of one colour: equal pixels that follow each other are kept as their number and colour.
export function packed(pixels) {
  if (!pixels) return null;
  const runs = [];
  for (let start = 0, end = 0; start < pixels.length; start = end) {
    while (end < pixels.length && pixels[end] === pixels[start]) end++;
    runs.push(end - start, pixels[start]);
    if (runs.length >= pixels.length) return { runs: pixels, length: 0 };
  }
  return { runs: Uint32Array.from(runs), length: pixels.length };
}

export function unpacked(packed) {
  if (!packed) return null;
  const { runs, length } = packed;
  if (!length) return runs;
  const pixels = new Uint32Array(length);
  for (let run = 0, place = 0; run < runs.length; run += 2) {
    pixels.fill(runs[run + 1], place, (place += runs[run]));
  }
  return pixels;
}
