// A region in the list: its prompt, weight and mask.

import { slider } from "./control_inputs.js";
import { button, element } from "./dom.js";
import { known } from "./known.js";

const { region: FIELDS } = known.steering;

export class RegionRow {
  // `acts`: changed(), chosen(), paint() lets its mask be painted, unmask(), remove().
  constructor(id, region, acts) {
    this.region = region;
    this.root = element("li", "dr-region-row");
    this.root.style.setProperty("--color", region.color);
    this.number = element("span", "dr-region-number");
    this.text = element("textarea", "dr-input");
    this.text.dataset.prompt = "";
    Object.assign(this.text, { rows: 2, id: `${id}_text`, placeholder: "What is here", title: FIELDS.prompt.description, value: region.prompt });
    this.text.addEventListener("input", () => {
      region.prompt = this.text.value;
      acts.changed();
    });
    this.weight = slider({ ...FIELDS.weight, title: "Weight", most: 2, step: 0.05 }, `${id}_weight`, () => {
      region.weight = this.weight.read();
      acts.changed();
    });
    this.weight.write(region.weight);
    this.painted = button("", "dr-button dr-small", acts.paint);
    this.unmask = button("Rectangle", "dr-button dr-small", acts.unmask);
    this.unmask.title = "Take the mask away: the rectangle counts";
    this.remove = button("×", "dr-slot-tool", acts.remove);
    const below = element("div", "dr-region-below");
    below.append(this.weight.box, this.painted, this.unmask);
    this.root.append(this.number, this.text, this.remove, below);
    this.root.addEventListener("focusin", acts.chosen);
  }

  draw(place, isChosen) {
    const name = `Region ${place + 1}`;
    this.number.textContent = place + 1;
    this.text.setAttribute("aria-label", `${name}: prompt`);
    this.remove.title = this.remove.ariaLabel = `Delete ${name}`;
    this.painted.textContent = this.region.mask ? "Edit mask" : "Paint a mask";
    this.painted.title = FIELDS.mask.description;
    this.unmask.hidden = !this.region.mask;
    this.root.classList.toggle("dr-region-chosen", isChosen);
  }
}
