// What is being written at the caret, as questions for completions, and how a completion is put in.

const BETWEEN = /\\.|<\w+:[^<>\n]*>|::|[,\n()[\]{}|<>:]|\$\$|\b(?:AND|BREAK)\b/gs;
const TAG = /<\w*(?::[^<>:\n]*)?$/; // <lor  <lora:na
const WEIGHT = /<\w+:[^<>\n]*$|:[\d.]*$/; // <lora:name:0.  (cat:1.
const LONGEST = 150; // signs that are worth looking for

// [{query, from}], the most telling one first: completing `query` replaces the text from `from` to the caret.
export function wanted(text, caret) {
  const before = text.slice(0, caret);
  if (/^[\p{L}\p{N}]/u.test(text.slice(caret)) || inComment(before)) return [];
  const tag = before.match(TAG);
  if (tag) return tag[0].length > LONGEST ? [] : [{ query: tag[0], from: tag.index }];
  if (WEIGHT.test(before)) return [];
  const start = elementStart(before);
  const wildcard = wildcardIn(before.slice(start));
  if (wildcard >= 0) return [{ query: before.slice(start + wildcard), from: start + wildcard }];
  return words(before, start);
}

const inComment = (before) => before.slice(before.lastIndexOf("\n") + 1).includes("#");

// Behind the last sign that ends an element. Colons only do so in [from:to:when].
function elementStart(before) {
  let start = 0;
  let edits = false;
  for (const { 0: sign, index } of before.matchAll(BETWEEN)) {
    if (sign.startsWith("\\") || (sign === ":" && !edits)) continue;
    edits = sign === "[" || sign === ":";
    start = index + sign.length;
  }
  return start;
}

// Where an open __wildcard begins, or -1.
function wildcardIn(said) {
  const marks = [...said.matchAll(/__/g)];
  return marks.length % 2 && !/\s/.test(said.slice(marks.at(-1).index)) ? marks.at(-1).index : -1;
}

// The whole element, and its last word alone.
function words(before, start) {
  const said = before.slice(start);
  if (said !== said.trimEnd()) return [];
  const first = start + said.length - said.trimStart().length;
  const last = before.length - said.split(/\s/).at(-1).length;
  const asked = first === last ? [first] : [first, last];
  return asked.map((from) => ({ query: before.slice(from), from })).filter(({ query }) => asks(query));
}

// Two letters, or a letter and a digit: 1girl.
const asks = (query) =>
  query.length <= LONGEST && !query.includes("__") && /\p{L}/u.test(query) && query.match(/[\p{L}\p{N}]/gu).length > 1;

const CLOSING = { "<": ">", "_": "__" };

// The edit that puts a completion in place of from..caret, with what is to stand between it and what follows.
export function completed(text, from, caret, { kind, insert }) {
  const closing = CLOSING[insert[0]];
  const to = caret + (closing && text.startsWith(closing, caret) ? closing.length : 0);
  const gap = separator(text.slice(to), kind, insert);
  // The caret goes behind a blank that is there already.
  const end = from + insert.length + gap.length + (gap === "," ? 1 : 0);
  return { from, to, insert: insert + gap, start: end, end };
}

// Wildcards are often a part of an element; a tag in < > needs no comma.
function separator(rest, kind, insert) {
  if (kind === "wildcard") return "";
  if (insert.endsWith(">")) return /^[\s,]/.test(rest) ? "" : " ";
  if (/^[^\S\n]*[,:.)\]}|]/.test(rest)) return "";
  return rest.startsWith(" ") ? "," : ", ";
}
