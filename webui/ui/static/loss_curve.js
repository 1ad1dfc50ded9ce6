// A loss curve as SVG: each step's loss faint, a smoothed line over it, axes with a few numbers.

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [640, 240];
const FRAME = { left: 56, right: 12, top: 12, bottom: 28 };
const MOST_POINTS = 600; // more are brought together: a screen has no more columns
const TICKS = 4;

// `points` are [step, loss] in the order of the steps; there must be at least two.
export function lossCurve(points) {
  const shown = gathered(points);
  const smooth = smoothed(shown);
  const scale = scaleOf(shown);
  const root = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "dr-curve", role: "img" });
  const title = make("title");
  title.textContent = described(points, smooth);
  root.append(title, ...axes(scale), line(shown, scale, "dr-curve-raw"), line(smooth, scale, "dr-curve-smooth"));
  return root;
}

const described = (points, smooth) =>
  `Loss over ${points.at(-1)[0]} steps: it began at ${short(smooth[0][1])} and is at ${short(smooth.at(-1)[1])}.`;

// So many steps' mean for each point that is shown.
function gathered(points) {
  const size = Math.ceil(points.length / MOST_POINTS);
  if (size === 1) return points;
  const groups = Array.from({ length: Math.ceil(points.length / size) }, (_, place) => points.slice(place * size, (place + 1) * size));
  return groups.map((group) => [group.at(-1)[0], mean(group.map(([, loss]) => loss))]);
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// An average that forgets: over about a twentieth of what there is.
export function smoothed(points) {
  const kept = 1 - 1 / Math.max(1, Math.min(points.length / 20, 25));
  let [sum, weight] = [0, 0];
  return points.map(([step, loss]) => {
    [sum, weight] = [sum * kept + loss, weight * kept + 1];
    return [step, sum / weight];
  });
}

// Single steps that stand out far don't press the others flat.
function scaleOf(points) {
  const values = points.map(([, loss]) => loss).toSorted((one, other) => one - other);
  const high = values[Math.floor((values.length - 1) * 0.98)];
  const top = roundUp(Math.max(high * 1.1, 1e-6));
  const [first, last] = [points[0][0], Math.max(points.at(-1)[0], points[0][0] + 1)];
  const [width, height] = [WIDTH - FRAME.left - FRAME.right, HEIGHT - FRAME.top - FRAME.bottom];
  return {
    ...{ first, last, top },
    x: (step) => FRAME.left + ((step - first) / (last - first)) * width,
    y: (loss) => FRAME.top + (1 - Math.min(loss / top, 1)) * height,
  };
}

// To one or two digits, so that the axis has round numbers.
function roundUp(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].map((step) => step * unit).find((round) => round >= value * 0.9999);
}

function axes({ first, last, top, x, y }) {
  const shares = Array.from({ length: TICKS + 1 }, (_, place) => place / TICKS);
  const rows = shares.flatMap((share) => {
    const at = y(top * share);
    const grid = make("line", { x1: FRAME.left, x2: WIDTH - FRAME.right, y1: at, y2: at, class: "dr-curve-grid" });
    return [grid, label(short(top * share), FRAME.left - 6, at + 4, "end")];
  });
  const steps = [...new Set(shares.map((share) => Math.round(first + (last - first) * share)))];
  return [...rows, ...steps.map((step) => label(String(step), x(step), HEIGHT - 8, step === last ? "end" : "middle"))];
}

function label(text, x, y, anchor) {
  const made = make("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}

function line(points, { x, y }, name) {
  const places = points.map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`);
  return make("polyline", { points: places.join(" "), class: name });
}

const short = (value) => String(Number(value.toPrecision(2)));

function make(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
