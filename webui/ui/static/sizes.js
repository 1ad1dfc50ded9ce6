// The canvas's picture and the size that is asked for: proportions are kept, and room to paint is added.

import { later } from "./pause.js";

const STEP = 8;
const [LEAST, MOST] = [64, 2048]; // what the sliders offer
const STRETCHING = [0, 3]; // the resize modes in which other proportions would distort the picture
const SIDES = ["left", "up", "right", "down"];
const DEFAULT = 512;
const PAUSE = 120; // ms without a change of the frame

const shown = new Map(); // tab -> {size, outpaint} of its canvas
const held = new Set(); // tabs
const pushed = new Map(); // tab -> what the boxes for outpainting were last set to
const timers = new Map();
const wanted = new Map(); // tab -> {sides, keeps}: (width, height, area) -> the sides that the button is to set
const aimed = new Map(); // tab -> {sides, area}: what it set last, and how many pixels that was to have

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

// `size` with what is to be painted around it.
function extended({ size, outpaint }) {
  return [size.width + outpaint.left + outpaint.right, size.height + outpaint.up + outpaint.down];
}

// While it is held, the size stays as it is, whatever comes onto the canvas.
export function hold(tab, whether) {
  if (whether) held.add(tab);
  else held.delete(tab);
}

// The canvas tells what is on it, and may tell the same twice.
export function heard({ tab, size, outpaint }) {
  const before = shown.get(tab);
  const now = { size, outpaint };
  if (same(before, now)) return;
  shown.set(tab, now);
  later(`${tab}_size_pause`, `${tab}_size`);
  if (!same(before?.outpaint, outpaint)) push(tab);
  if (!size || held.has(tab)) return;
  if (!same(before?.size, size)) fit(tab, (width, height, area) => proportioned(width, height, extended(now), area), true);
  else fit(tab, (width, height) => grown([width, height], extended(before), extended(now)), false);
}

// `keeps`: whether as many pixels as before are aimed at.
function fit(tab, sides, keeps) {
  wanted.set(tab, { sides, keeps });
  document.getElementById(`${tab}_fit_size`)?.click();
}

// For the button that fit() presses: what it is to set width and height to.
export function fitted(tab, [width, height, mode = STRETCHING[0]]) {
  const { sides, keeps } = wanted.get(tab) ?? {};
  wanted.delete(tab);
  if (!sides || !STRETCHING.includes(mode)) return [width, height];
  const last = aimed.get(tab);
  const area = last && same(last.sides, [width, height]) ? last.area : width * height;
  const made = sides(width, height, area);
  aimed.set(tab, { sides: made, area: keeps ? area : made[0] * made[1] });
  return made;
}

// As many pixels as before, or `area`, in the picture's proportions.
export function proportioned(width, height, [across, down], area = width * height) {
  const share = across / down;
  if (area === width * height && Math.abs(Math.log((width / height) / share)) < 0.01) return [width, height];
  const side = Math.sqrt(area * share);
  return [rounded(side), rounded(side / share)];
}

// What is added to the picture is added to the size.
export function grown(sides, before, now) {
  return sides.map((side, place) => rounded((side * now[place]) / before[place]));
}

// What the form asks for, as it stands there.
export function asked(tab) {
  const [width, height] = ["width", "height"].map((side) => Number(document.querySelector(`#${tab}_${side} input[type=number]`)?.value));
  return { width: width || DEFAULT, height: height || DEFAULT };
}

// The form asks for this size from now on, as far as it can.
export function take(tab, { width, height }) {
  fit(tab, () => [width, height].map(rounded), false);
}

// The proportions of what will be drawn: of a multiple of the picture's size it has those.
export function shape(tab) {
  const by = document.querySelector(`#${tab}_resize input:checked`)?.value === "Resize by";
  return (by && shown.get(tab)?.size) || asked(tab);
}

export function ownSize(tab, sides) {
  const now = shown.get(tab);
  return now?.size ? extended(now).map(rounded) : sides;
}

const rounded = (side) => Math.min(MOST, Math.max(LEAST, Math.round(side / STEP) * STEP));

// For the server, which tells what size comes out.
export const pictureSize = (tab) => JSON.stringify(shown.get(tab)?.size ?? null);

// Once the frame is left alone, the boxes tell the same.
function push(tab) {
  clearTimeout(timers.get(tab));
  timers.set(tab, setTimeout(() => document.getElementById(`${tab}_framed`)?.click(), PAUSE));
}

export function framed(tab, sides) {
  const outpaint = shown.get(tab)?.outpaint;
  const told = outpaint ? SIDES.map((side) => outpaint[side]) : sides;
  pushed.set(tab, told);
  return told;
}

// What was typed into the boxes; null if it is only what they were set to.
export function typed(tab, sides) {
  const numbers = sides.map((side) => side ?? 0);
  if (same(numbers, pushed.get(tab) ?? [0, 0, 0, 0])) return null;
  pushed.set(tab, numbers);
  return Object.fromEntries(SIDES.map((side, place) => [side, numbers[place]]));
}
