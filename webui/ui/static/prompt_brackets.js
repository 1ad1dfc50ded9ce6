// The brackets of a prompt. A backslash before a sign makes it plain text; those in tags and comments mean nothing.

const OPENING = { ")": "(", "]": "[", "}": "{" };
const SIGNS = /\\.|<\w+:[^<>\n]*>|#[^\n]*|[()[\]{}]/gs;

// {pairs: [{sign, open, close}], open: [sign], closed: [sign]}: the brackets that belong together, inner ones before
// outer ones, by their positions; the opening signs that nothing closes; the closing ones that close nothing.
export function brackets(text) {
  const pairs = [];
  const waiting = { "(": [], "[": [], "{": [] };
  const closed = [];
  for (const { 0: sign, index } of text.matchAll(SIGNS)) {
    if (sign in waiting) waiting[sign].push(index);
    else if (sign in OPENING && waiting[OPENING[sign]].length) {
      pairs.push({ sign: OPENING[sign], open: waiting[OPENING[sign]].pop(), close: index });
    } else if (sign in OPENING) closed.push(sign);
  }
  const open = Object.entries(waiting).flatMap(([sign, places]) => places.map(() => sign));
  return { pairs, open, closed };
}

// {short, long}: what is wrong with the brackets, as a mark and in words; null if nothing is.
export function unbalanced(text) {
  const { open, closed } = brackets(text);
  if (!open.length && !closed.length) return null;
  const parts = [...counted(open, "never closed"), ...counted(closed, "closing nothing")];
  return { short: [...new Set([...open, ...closed])].join(" "), long: `Brackets: ${parts.join(", ")}` };
}

function counted(signs, what) {
  const kinds = [...new Set(signs)];
  return kinds.map((kind) => `${signs.filter((sign) => sign === kind).length} “${kind}” ${what}`);
}

// The pairs that the selection lies in, the innermost first.
export function around(pairs, start, end) {
  const holding = pairs.filter(({ open, close }) => open < start && end <= close);
  return holding.sort((one, other) => other.open - one.open);
}

// The pattern's matches that no pair of brackets holds. The pattern must match brackets and escaped signs, too.
export function* outside(text, pairs, pattern) {
  const closing = new Map(pairs.map(({ open, close }) => [open, close]));
  let inside = -1; // where the brackets close that are being passed over
  for (const match of text.matchAll(pattern)) {
    if (match.index <= inside) continue;
    if (closing.has(match.index)) inside = closing.get(match.index);
    else yield match;
  }
}
