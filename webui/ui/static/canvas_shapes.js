// What is painted at once: `box` is where it lies, `path` draws it with soft edges, and `rows` tells which pixels have
// their centre inside it, for edges that are hard: put(y, first, end) for each row of them.

import { around, box } from "./canvas_boxes.js";

// The way of a round brush from disc to disc, {x, y, radius}: both and all between.
export function capsule(one, other) {
  const corners = tangents(one, other);
  const { left, top, right, bottom } = around([one, other], Math.max(one.radius, other.radius) + 1);
  return {
    box: box(left, top, right, bottom),
    path(context) {
      // Each in a path of its own: where they overlap, a common one would depend on their direction.
      for (const disc of [one, other]) fillPath(context, () => context.arc(disc.x, disc.y, disc.radius, 0, 2 * Math.PI));
      if (corners) fillPath(context, () => corners.forEach(({ x, y }) => context.lineTo(x, y)));
    },
    rows(put) {
      for (let y = top; y < bottom; y++) {
        const spans = [discSpan(one, y), discSpan(other, y), ...(corners ? crossings(corners, y) : [])].filter(Boolean);
        // It bulges nowhere inwards: a row of it is one piece.
        if (spans.length) span(y, Math.min(...spans.map(([start]) => start)), Math.max(...spans.map(([, end]) => end)), put);
      }
    },
  };
}

export function polygon(points) {
  return {
    box: around(points, 1),
    path: (context) => fillPath(context, () => points.forEach(({ x, y }) => context.lineTo(x, y)), "evenodd"),
    rows(put) {
      const { top, bottom } = this.box;
      for (let y = top; y < bottom; y++) crossings(points, y).forEach(([start, end]) => span(y, start, end, put));
    },
  };
}

// From corner to corner, on whole pixels.
export function rectangle(one, other) {
  const [left, right] = [one.x, other.x].map(Math.round).sort((a, b) => a - b);
  const [top, bottom] = [one.y, other.y].map(Math.round).sort((a, b) => a - b);
  return {
    box: box(left, top, right, bottom),
    path: (context) => context.fillRect(left, top, right - left, bottom - top),
    rows(put) {
      for (let y = top; y < bottom; y++) put(y, left, right);
    },
  };
}

function fillPath(context, draw, rule = "nonzero") {
  context.beginPath();
  draw();
  context.fill(rule);
}

// Where the discs' common tangents touch them; null if one disc lies within the other.
function tangents(one, other) {
  const [across, down] = [other.x - one.x, other.y - one.y];
  const distance = Math.hypot(across, down);
  if (distance <= Math.abs(one.radius - other.radius)) return null;
  const direction = Math.atan2(down, across);
  const turned = Math.acos((one.radius - other.radius) / distance);
  const at = ({ x, y, radius }, angle) => ({ x: x + radius * Math.cos(angle), y: y + radius * Math.sin(angle) });
  const [first, second] = [direction + turned, direction - turned];
  return [at(one, first), at(other, first), at(other, second), at(one, second)];
}

function discSpan({ x, y, radius }, row) {
  const half = radius ** 2 - (row + 0.5 - y) ** 2;
  return half >= 0 ? [x - Math.sqrt(half), x + Math.sqrt(half)] : null;
}

// Where the middle of a row of pixels is inside a polygon, by the even-odd rule.
function crossings(points, row) {
  const middle = row + 0.5;
  const found = [];
  points.forEach((point, index) => {
    const next = points[(index + 1) % points.length];
    if (point.y <= middle === next.y <= middle) return;
    found.push(point.x + ((middle - point.y) / (next.y - point.y)) * (next.x - point.x));
  });
  found.sort((a, b) => a - b);
  return Array.from({ length: found.length / 2 }, (_, pair) => found.slice(2 * pair, 2 * pair + 2));
}

// The pixels whose centres lie between.
function span(y, start, end, put) {
  const [first, last] = [Math.ceil(start - 0.5), Math.floor(end - 0.5)];
  if (last >= first) put(y, first, last + 1);
}
