// The orders of the cards: each has its own natural direction, which can be reversed.

import { familyName, shortName } from "./model_words.js";

const byText = (read) => (one, other) => read(one).localeCompare(read(other), undefined, { numeric: true });
const byNumber = (field) => (one, other) => one[field] - other[field];

const ORDERS = {
  name: { compare: byText(shortName), rises: true },
  path: { compare: byText(({ name }) => name), rises: true },
  created: { compare: byNumber("created"), rises: false },
  modified: { compare: byNumber("modified"), rises: false },
  size: { compare: byNumber("size"), rises: false },
  family: { compare: byText(familyName), rises: true },
};

export const rises = (order) => ORDERS[order].rises;

// What is alike is ordered by name.
export function ordered(models, order, rising) {
  const { compare } = ORDERS[order];
  const sign = rising ? 1 : -1;
  return models.toSorted((one, other) => sign * compare(one, other) || ORDERS.path.compare(one, other));
}
