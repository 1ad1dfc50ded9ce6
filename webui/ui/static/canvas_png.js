// A PNG file of greys, 8 bits each, written by hand: a canvas writes colours only. PNG specification, third edition (W3C).

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const GREYS = [8, 0, 0, 0, 0]; // bits, colour type, compression, filter, interlace

// `rows` holds for each row a byte 0, for "no filter", and then its pixels.
export async function greyPng(width, height, rows) {
  const header = new Uint8Array([...number(width), ...number(height), ...GREYS]);
  const chunks = [chunk("IHDR", header), chunk("IDAT", await deflated(rows)), chunk("IEND", new Uint8Array())];
  return new Blob([new Uint8Array(SIGNATURE), ...chunks], { type: "image/png" });
}

const number = (value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

function chunk(name, content) {
  const named = new Uint8Array(4 + content.length);
  named.set([...name].map((letter) => letter.charCodeAt(0)));
  named.set(content, 4);
  return new Blob([new Uint8Array(number(content.length)), named, new Uint8Array(number(checksum(named)))]);
}

// The format that it calls "deflate" is zlib's, as PNG wants it.
async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

// CRC-32.
function checksum(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = REMAINDERS[(rest ^ byte) & 255] ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}
