// Boxes of pixels: {left, top, right, bottom}, the right and bottom edges not included.

export const box = (left, top, right, bottom) => ({ left, top, right, bottom });

export const whole = ({ width, height }) => box(0, 0, width, height);

// As a canvas wants it.
export const sides = ({ left, top, right, bottom }) => [left, top, right - left, bottom - top];

export const isEmpty = ({ left, top, right, bottom }) => right <= left || bottom <= top;

export function union(one, other) {
  if (!one || !other) return one ?? other;
  return box(Math.min(one.left, other.left), Math.min(one.top, other.top), Math.max(one.right, other.right), Math.max(one.bottom, other.bottom));
}

export function overlap(one, other) {
  return box(Math.max(one.left, other.left), Math.max(one.top, other.top), Math.min(one.right, other.right), Math.min(one.bottom, other.bottom));
}

// The whole pixels that lie around points, and `margin` more.
export function around(points, margin = 0) {
  const across = points.map(({ x }) => x);
  const down = points.map(({ y }) => y);
  const least = (values) => Math.floor(values.reduce((a, b) => Math.min(a, b)) - margin);
  const most = (values) => Math.ceil(values.reduce((a, b) => Math.max(a, b)) + margin);
  return box(least(across), least(down), most(across), most(down));
}
