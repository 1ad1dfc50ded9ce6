// What the controls hold once a late answer has come: what was set by hand meanwhile stays.

const EMPTY = [null, undefined, "", 0]; // gradio makes 0 of an empty box for a number, until it is set

const same = (one, other) =>
  (EMPTY.includes(one) && EMPTY.includes(other)) || JSON.stringify(one) === JSON.stringify(other);

// `told` is {opened, shown} as JSON: what the controls were opened with, and what they are to show.
export function restored(told, held) {
  const { opened, shown } = JSON.parse(told || '{"opened": []}');
  return held.map((value, place) => (place in opened && same(value, opened[place]) ? shown[place] : value));
}

const lastSet = new Map(); // tab -> what its controls were last set to for a checkpoint

// The same for another checkpoint: `shown` is null where it sets nothing. What the checkpoint before has set only now
// wasn't set by hand.
export function followed(tab, told, held) {
  const { opened, shown } = JSON.parse(told);
  const before = lastSet.get(tab) ?? [];
  lastSet.set(tab, shown);
  const isFree = (value, place) => same(value, opened[place]) || ((before[place] ?? null) !== null && same(value, before[place]));
  return held.map((value, place) => (shown[place] !== null && isFree(value, place) ? shown[place] : value));
}

// `held` are both prompts and the chosen styles; `told` is {before, after} or {said} as JSON, where there was
// anything to do. `say` is given a sentence.
export function styled(told, held, say) {
  const { said, before, after } = JSON.parse(told || "{}");
  if (said) say(said);
  if (!after) return held;
  if (same(before, held.slice(0, 2))) return [...after, []];
  say("The prompts have been changed meanwhile: apply the styles again.");
  return held;
}
