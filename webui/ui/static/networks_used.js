// "LoRAs in the prompt": a row for each tag, with its weight, a switch, and a button that removes it.

import { button, element } from "./dom.js";
import { added } from "./network_tags.js";
import { whyFixed } from "./network_card.js";
import { Weight, toggleSwitch } from "./network_weight.js";

export class NetworksUsed {
  // Of one tab, if its name stands at `root`, else of the tab that networks go into.
  constructor(root, networks) {
    this.root = root;
    this.networks = networks;
    this.rows = new Map(); // what a row is of -> the row
    this.list = element("ul", "");
    root.append(element("h3", "", "LoRAs in the prompt"), this.list);
    this.draw = this.draw.bind(this);
    networks.addEventListener("changed", this.draw);
    this.draw();
  }

  stop() {
    this.networks.removeEventListener("changed", this.draw);
  }

  get tab() {
    return this.root.dataset.tab ?? this.networks.tab();
  }

  // What was switched off and can be switched on again: {key, said, tag}.
  get parked() {
    const { parked } = this.networks;
    if (!parked.has(this.tab)) parked.set(this.tab, []);
    return parked.get(this.tab);
  }

  tags() {
    return this.networks.tags(this.tab).map((tag, place, all) => ({ ...tag, key: keyOf(tag, place, all) }));
  }

  // Rows stay where only a weight has changed: a slider that is being moved keeps the mouse.
  draw() {
    const tags = this.tags();
    const off = this.parked.filter(({ key }) => !tags.some((tag) => tag.key === key));
    this.networks.parked.set(this.tab, off);
    this.root.hidden = !tags.length && !off.length;
    if (tags.some((tag) => !this.networks.named(tag))) this.networks.learn();
    const shown = [...tags.map((tag) => ({ tag, key: tag.key, on: true })), ...off.map((one) => ({ ...one, on: false }))];
    const rows = shown.map(({ key, tag }) => this.rows.get(`${this.tab} ${key}`) ?? this.row(key, tag));
    this.rows = new Map(rows.map((row) => [row.key, row]));
    if (rows.some((row, place) => this.list.children[place] !== row.item) || this.list.children.length !== rows.length) {
      this.list.replaceChildren(...rows.map(({ item }) => item));
    }
    rows.forEach((row, place) => row.update(shown[place]));
  }

  row(key, { name }) {
    const item = element("li", "dr-used-row");
    const said = element("span", "dr-used-why");
    const { box, control } = toggleSwitch(name, `${name} has a say`, (on) => (on ? this.turnOn(key) : this.turnOff(key)));
    const weight = new Weight(name, (value) => this.networks.weigh(this.find(key), value, this.tab));
    const remove = button("×", "dr-used-remove", () => this.remove(key));
    remove.title = remove.ariaLabel = `Remove ${name} from the prompt`;
    item.append(box, weight.root, remove, said);
    const update = ({ tag, on }) => {
      control.checked = on;
      weight.show(tag.weight, on && !tag.fixed, whyFixed(tag));
      said.textContent = this.problem(tag);
    };
    return { key: `${this.tab} ${key}`, item, update };
  }

  problem(tag) {
    if (tag.kind === "hypernetwork") return "Hypernetworks are not applied.";
    const model = this.networks.named(tag);
    if (model) return this.networks.mismatch(model);
    return this.networks.models.length ? `No LoRA is called "${tag.name}".` : "";
  }

  find(key) {
    return this.tags().find((tag) => tag.key === key);
  }

  turnOff(key) {
    const tag = this.find(key);
    const words = this.networks.named(tag)?.activation_text ?? "";
    const before = this.networks.text(this.tab);
    this.networks.removeTag(tag, this.tab);
    const alone = before.slice(tag.from, tag.to);
    const followed = words && before.slice(tag.to).trimStart().startsWith(words);
    this.parked.push({ key, tag, said: followed ? `${alone} ${words}` : alone });
    this.networks.look();
    this.draw();
  }

  turnOn(key) {
    const { said } = this.parked.find((one) => one.key === key);
    this.networks.write(added(this.networks.text(this.tab), said), this.tab);
  }

  remove(key) {
    const tag = this.find(key);
    this.networks.parked.set(this.tab, this.parked.filter((one) => one.key !== key));
    if (tag) this.networks.removeTag(tag, this.tab);
    else this.draw();
  }
}

// The same network may stand there several times.
function keyOf({ kind, name }, place, all) {
  const earlier = all.slice(0, place).filter((tag) => tag.kind === kind && tag.name === name).length;
  return [kind, name, earlier].join(":");
}
