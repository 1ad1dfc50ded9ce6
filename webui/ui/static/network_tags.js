// Networks in a prompt's text: where they stand, and the text with one more, one less, or another weight.

const TAG = /<(\w+):([^>]+)>/g;
const KINDS = { lora: "lora", lyco: "lora", hypernet: "hypernetwork" };
const OPENING = "([{|";
const CLOSING = ",:)]}|";
const WEIGHED = /^:\s*[+-]?[.\d]{1,20}\s*\)/;

// [{kind, keyword, name, args, from, to, weight, fixed}]. `weight` is the first number, as A1111 reads it; it has no say
// where both parts have a weight of their own by name: `fixed`.
export function tagsIn(text) {
  // Behind the last ">" there can't be one; thousands of "<" there would be tried in vain.
  const searched = text.slice(0, text.lastIndexOf(">") + 1);
  return [...searched.matchAll(TAG)].map(read).filter(Boolean);
}

function read({ 0: whole, 1: keyword, 2: content, index: from }) {
  const kind = KINDS[keyword.toLowerCase()];
  if (!kind) return null;
  const [name, ...args] = content.split(":");
  const number = Number(args.find(isPlain) ?? 1);
  const named = (key) => args.some((arg) => arg.trim().startsWith(`${key}=`));
  const weight = Number.isFinite(number) ? number : 1;
  return { kind, keyword, name, args, from, to: from + whole.length, weight, fixed: named("te") && named("unet") };
}

const isPlain = (arg) => !arg.includes("=");

// The text with another first number in one of its tags.
export function withWeight(text, { keyword, name, args, from, to }, weight) {
  const place = args.findIndex(isPlain);
  const changed = place < 0 ? [weight, ...args] : args.with(place, weight);
  return `${text.slice(0, from)}<${[keyword, name, ...changed].join(":")}>${text.slice(to)}`;
}

// The text with `said` at its end. A tag alone needs no comma.
export function added(text, said) {
  const before = text.trimEnd();
  if (!before) return said;
  const comma = before.endsWith(",") || /^<[^>]*>$/.test(said) ? "" : ",";
  return `${before}${comma}${text.endsWith("\n") ? "\n" : " "}${said}`;
}

// The text without what stands from..to, nor `words` if they come right behind it.
export function without(text, { from, to }, words = "") {
  const rest = text.slice(to).trimStart();
  const follows = words && rest.startsWith(words) && !/^[\p{L}\p{N}_]/u.test(rest.slice(words.length));
  return joined(text.slice(0, from), follows ? rest.slice(words.length) : text.slice(to));
}

function joined(before, after) {
  const left = before.trimEnd();
  let right = after.trimStart();
  const gap = before.slice(left.length) + after.slice(0, after.length - right.length);
  if (right.startsWith(",") && (!left || left.endsWith(","))) right = right.slice(1).trimStart();
  if (!left) return right;
  if (!right) return left.endsWith(",") ? left.slice(0, -1) : left;
  if (gap.includes("\n")) return `${left}\n${right}`;
  return CLOSING.includes(right[0]) || OPENING.includes(left.at(-1)) ? left + right : `${left} ${right}`;
}

// {from, to} of the first place where `name` stands as words of its own, with a weight's brackets around it; or null.
export function placeOfWords(text, name) {
  const [folded, wanted] = [text.toLowerCase(), name.toLowerCase()];
  if (!wanted) return null;
  for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, at + 1)) {
    const to = at + wanted.length;
    if (isLetter(folded[at - 1]) || isLetter(folded[to])) continue;
    const weight = folded[at - 1] === "(" && text.slice(to).match(WEIGHED);
    return weight ? { from: at - 1, to: to + weight[0].length } : { from: at, to };
  }
  return null;
}

const isLetter = (sign) => sign !== undefined && /[\p{L}\p{N}_-]/u.test(sign);

// As many digits as a weight needs: 0.65, 1.
export const spoken = (weight) => String(Number(weight.toFixed(3)));
