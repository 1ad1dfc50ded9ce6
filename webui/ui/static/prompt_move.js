// Alt+Left and Alt+Right: the element at the caret, or the selected ones, change places with a neighbour.

import { around, brackets, outside } from "./prompt_brackets.js";

const MARKS = /\\.|<\w+:[^<>\n]*>|#[^\n]*|[()[\]{},\n]|\b(?:AND|BREAK)\b/gs;
// What stands between elements stays where it is: commas, line breaks, AND, BREAK, comments.
const BETWEEN = /^(?:[,\n]|#.*|AND|BREAK)$/s;
const DEEPEST = 20; // brackets within brackets that are looked into
const WEIGHT = /:\s*[+-]?[.\d]+\s*$/;

// An edit as in prompt_weight.js; `step` is -1 (left) or 1 (right). Null where there is no neighbour.
export function moved(text, start, end, step) {
  const elements = elementsAround(text, start, end);
  if (!elements.length) return null;
  const next = elements.findIndex(({ to }) => to >= start);
  const first = next < 0 ? elements.length - 1 : next;
  const last = Math.max(first, elements.findLastIndex(({ from }) => from <= end));
  const group = { from: elements[first].from, to: elements[last].to };
  const neighbour = elements[step < 0 ? first - 1 : last + 1];
  if (!neighbour) return null;
  return step < 0 ? exchanged(text, neighbour, group, step) : exchanged(text, group, neighbour, step);
}

// {from, to} of the elements that the selection's stand among: in the innermost brackets that hold several, else in
// all the text.
function elementsAround(text, start, end) {
  for (const { open, close } of around(brackets(text).pairs, start, end).slice(0, DEEPEST)) {
    const elements = split(text.slice(open + 1, close).replace(WEIGHT, ""), open + 1);
    if (elements.length > 1) return elements;
  }
  return split(text, 0);
}

// The elements of a text that begins at `offset`, without the blanks around them.
function split(text, offset) {
  const elements = [];
  let from = 0;
  const take = (to) => {
    const said = text.slice(from, to);
    const begin = from + said.length - said.trimStart().length;
    if (said.trim()) elements.push({ from: offset + begin, to: offset + begin + said.trim().length });
  };
  for (const { 0: mark, index } of outside(text, brackets(text).pairs, MARKS)) {
    if (!BETWEEN.test(mark)) continue;
    take(index);
    from = index + mark.length;
  }
  take(text.length);
  return elements;
}

function exchanged(text, left, right, step) {
  const [one, other] = [left, right].map(({ from, to }) => text.slice(from, to));
  const gap = text.slice(left.to, right.from);
  const edit = { from: left.from, to: right.to, insert: other + gap + one };
  if (step < 0) return { ...edit, start: left.from, end: left.from + other.length };
  return { ...edit, start: right.to - one.length, end: right.to };
}
