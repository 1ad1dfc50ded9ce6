// The pictures of a dataset, each above its caption.

import { arrange, button, element } from "./dom.js";

const AT_FIRST = 12; // more would push the form out of sight

export class PictureList {
  // `write(file, caption)` keeps a caption, `edited()` is called when one is typed, `remove(file)` deletes.
  constructor(root, more, { write, edited, remove }) {
    Object.assign(this, { root, more, write, edited, remove });
    this.all = false;
    more.addEventListener("click", () => this.showAll(!this.all));
  }

  // Of the dataset `name`. What stays is not moved: a caption may be being written there.
  show(name, pictures) {
    if (name !== this.name) this.all = false;
    this.name = name;
    const known = new Map([...this.root.children].map((item) => [item.dataset.key, item]));
    const items = pictures.map((picture) => known.get(keyOf(name, picture)) ?? this.item(picture));
    arrange(this.root, items);
    items.forEach((item, index) => {
      const box = item.querySelector("textarea");
      if (box !== document.activeElement) box.value = pictures[index].caption;
    });
    this.showAll(this.all);
  }

  showAll(all) {
    this.all = all;
    const items = [...this.root.children];
    items.forEach((item, index) => (item.hidden = !all && index >= AT_FIRST));
    this.more.hidden = items.length <= AT_FIRST;
    this.more.textContent = all ? `Show only the first ${AT_FIRST}` : `Show all ${items.length} pictures`;
  }

  item(picture) {
    const { file, url } = picture;
    const item = element("li", "dr-dataset-picture");
    item.dataset.key = keyOf(this.name, picture);
    const shown = element("img", "");
    Object.assign(shown, { src: `${url}?thumbnail=true`, alt: file, loading: "lazy", decoding: "async" });
    const caption = element("textarea", "dr-input");
    Object.assign(caption, { rows: 3, placeholder: "What is in it", title: "The caption: kept when you leave it" });
    caption.setAttribute("aria-label", `Caption of ${file}`);
    caption.addEventListener("change", () => this.write(file, caption.value.trim()));
    caption.addEventListener("input", this.edited);
    const remove = button("×", "dr-dataset-remove", () => this.remove(file));
    remove.title = remove.ariaLabel = `Delete ${file} from the dataset`;
    item.append(shown, caption, remove);
    return item;
  }
}

const keyOf = (name, { file, url }) => [name, file, url].join("\n");
