// What the history says of a picture, in words.

const DAY = { day: "numeric", month: "long", year: "numeric" };
const SHORT = { day: "numeric", month: "short" };

export const dayOf = ({ created }) => new Date(created * 1000).toLocaleDateString(undefined, DAY);

// For where there is little room; the year only where it is another.
export function shortDayOf({ created }) {
  const day = new Date(created * 1000);
  const isThisYear = day.getFullYear() === new Date().getFullYear();
  return day.toLocaleDateString(undefined, isThisYear ? SHORT : { ...SHORT, year: "numeric" });
}

export const timeOf = ({ created }) => new Date(created * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

// "2030-01-31", in words. Read as a day of no place in particular.
export const dayNamed = (name) => new Date(`${name}T12:00:00`).toLocaleDateString(undefined, DAY);

// The day after, as "2030-02-01".
export function dayAfter(name) {
  const day = new Date(`${name}T12:00:00Z`);
  day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}

export const counted = (count) => (count === 1 ? "1 picture" : `${count.toLocaleString()} pictures`);

export const areOrIs = (count) => (count === 1 ? "is" : "are");

const WAYS = { img2img: "img2img", inpaint: "inpainted", hires: "hires fix", upscale: "upscaled", variation: "variation" };

export const wayNamed = (way) => WAYS[way] ?? way;

export function facts({ width, height, seed, checkpoint, kind }) {
  const size = width && height ? `${width}×${height}` : "";
  return [kind === "grid" && "Grid", size, checkpoint, `seed ${seed}`].filter(Boolean).join(" · ");
}
