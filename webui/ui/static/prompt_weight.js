// Ctrl+Up and Ctrl+Down: how much the words at the caret, or the selected ones, count.

import { around, brackets, outside } from "./prompt_brackets.js";

const STEP = 0.1;
const TAG_STEP = 0.05;
const TAG = /<\w+:[^<>\n]*>/g; // <lora:name:0.8>
const NUMBER = /^\s*[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})\s*$/;
const WEIGHT = /:\s*([+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}))\s*$/;
const WORD = /[^.,\\/!?%^*;:{}=`~()[\]<>|\s]+/g;
const EDITING = /\\.|<\w+:[^<>\n]*>|[()[\]{}:|]/gs;

// An edit {from, to, insert, start, end}: `insert` replaces from..to, then start..end is to be selected.
// `up` is true or false. Null where there is nothing to weigh.
export function weighed(text, start, end, up) {
  const sign = up ? 1 : -1;
  const tag = found(text, TAG, start, end);
  if (tag && tag.from < start && end < tag.to) return weighedTag(text, tag, sign * TAG_STEP);
  const { pairs } = brackets(text);
  const block = start === end ? blockAt(text, pairs, start) : blockOf(text, pairs, start, end);
  if (block) return replaced(text, block.words, block.from, block.to, block.weight + sign * STEP);
  if (tag) return weighedTag(text, tag, sign * TAG_STEP);
  const words = start === end ? found(text, WORD, start, end) : trimmed(text, start, end);
  if (!words || crosses(pairs, words)) return null;
  return replaced(text, words, words.from, words.to, 1 + sign * STEP);
}

// Where the pattern matches around the selection, or touches it.
function found(text, pattern, start, end) {
  for (const { 0: match, index } of text.matchAll(pattern)) {
    if (index > start) break;
    if (end <= index + match.length) return { from: index, to: index + match.length };
  }
  return null;
}

// The selection without the blanks at its ends, or null.
function trimmed(text, start, end) {
  const inside = text.slice(start, end);
  const from = start + inside.length - inside.trimStart().length;
  return inside.trim() ? { from, to: from + inside.trim().length } : null;
}

const crosses = (pairs, { from, to }) =>
  pairs.some(({ open, close }) => (open >= from && open < to) !== (close >= from && close < to));

// The emphasis around the caret. Right behind a closing bracket, that one's.
function blockAt(text, pairs, caret) {
  const before = found(text, WORD, caret, caret) ? null : pairs.find(({ close }) => close === caret - 1);
  return emphasis(text, pairs, before ?? around(pairs, caret, caret)[0]);
}

// The emphasis whose whole text, or whose weight, is selected.
function blockOf(text, pairs, start, end) {
  const { from, to } = trimmed(text, start, end) ?? { from: start, to: end };
  const exactly = pairs.find(({ open, close }) => open === from && close + 1 === to);
  const block = emphasis(text, pairs, exactly ?? around(pairs, from, to)[0]);
  if (!block || exactly) return block;
  const whole = !text.slice(block.words.from, from).trim() && to >= block.words.to;
  return whole || from >= block.words.to ? block : null;
}

// {words, from, to, weight} of brackets that weigh their words, with those that only repeat them: ((words)).
function emphasis(text, pairs, pair) {
  if (!pair || pair.sign === "{") return null;
  const { sign } = pair;
  const closing = new Map(pairs.map((each) => [each.open, each.sign === sign ? each.close : -1]));
  let { open, close } = pair;
  while (closing.get(open + 1) === close - 1) [open, close] = [open + 1, close - 1];
  const content = text.slice(open + 1, close);
  const said = sign === "(" && content.match(WEIGHT);
  if (said) {
    const words = { from: open + 1, to: open + 1 + said.index };
    return { words, from: open, to: close + 1, weight: Number(said[1]) };
  }
  if (sign === "[" && edits(content)) return null;
  let depth = 1;
  while (closing.get(open - depth) === close + depth) depth++;
  const weight = Number(((sign === "(" ? 1.1 : 0.9) ** depth).toFixed(2));
  return { words: { from: open + 1, to: close }, from: open + 1 - depth, to: close + depth, weight };
}

// [from:to:when] and [a|b] don't weigh.
function edits(content) {
  const { pairs } = brackets(content);
  return [...outside(content, pairs, EDITING)].some(({ 0: sign }) => sign === ":" || sign === "|");
}

// The words take the place of from..to, in brackets unless their weight is 1.
function replaced(text, words, from, to, weight) {
  const said = text.slice(words.from, words.to);
  const plain = shown(weight) === "1.0";
  const start = from + (plain ? 0 : 1);
  return { from, to, insert: plain ? said : `(${said}:${shown(weight)})`, start, end: start + said.length };
}

// <lora:name:weight>, or the UNet's weight in <lora:name:text encoder's:UNet's>.
function weighedTag(text, { from, to }, change) {
  const parts = text.slice(from + 1, to - 1).split(":");
  const place = NUMBER.test(parts[3] ?? "") ? 3 : 2;
  const given = NUMBER.test(parts[place] ?? "");
  const weight = shown((given ? Number(parts[place]) : 1) + change);
  parts.splice(place, given ? 1 : 0, weight);
  const start = from + 2 + parts.slice(0, place).join(":").length;
  return { from, to, insert: `<${parts.join(":")}>`, start, end: start + weight.length };
}

// At most three digits behind the point, at least one.
function shown(weight) {
  const rounded = String(Number(weight.toFixed(3)));
  return rounded.includes(".") ? rounded : `${rounded}.0`;
}
