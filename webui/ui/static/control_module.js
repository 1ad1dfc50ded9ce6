// The numbers that a preprocessor takes: its resolution, and up to two of its own.

import { slider } from "./control_inputs.js";
import { known } from "./known.js";

const FIELDS = known.steering.unit;
const OWN = [
  ["threshold_a", "threshold_A_slider"],
  ["threshold_b", "threshold_B_slider"],
];

// What a preprocessor has no slider for tells nothing.
const nothing = { read: () => null, write: () => {} };

// `about` is what the server tells of the preprocessor, if it is known. Gives {inputs: by field, boxes: on the page}.
export function moduleSliders(about, unit, changed) {
  const make = (field, name, more) => slider({ ...FIELDS[field], ...more }, `${unit}_controlnet_${name}`, () => changed(field));
  const resolution = make("processor_res", "preprocessor_resolution_slider", { step: 1 });
  resolution.write(FIELDS.processor_res.default);
  const inputs = { processor_res: resolution, threshold_a: nothing, threshold_b: nothing };
  for (const [field, name] of OWN.filter(([field]) => about?.[field])) {
    inputs[field] = make(field, name, about[field]);
    inputs[field].write(about[field].default);
  }
  return { inputs, boxes: Object.values(inputs).flatMap(({ box }) => box ?? []) };
}
