// A dataset: which one, its pictures with their captions, and how more of them come.

import { Bringing } from "./canvas_bringing.js";
import { button, element, warning } from "./dom.js";
import { addPictures, createDataset, deleteDataset, deletePicture, listDatasets, readDataset, setCaption } from "./train_api.js";

const AT_ONCE = 8; // files in one request
const FEW = 5; // pictures: fewer teach little
const ADVICE = "Ten to thirty pictures of one thing or in one style, each with a caption that says what else is in it, teach a LoRA well.";

export class Dataset {
  // `changed()` is called when another dataset is chosen, or its pictures are others.
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.pictures = [];
    this.told = "";
    this.picker.addEventListener("change", () => this.open());
    this.part("form").addEventListener("submit", (event) => this.create(event));
    this.part(".dr-dataset-delete").addEventListener("click", () => this.deleteAll());
    const failed = (sentence) => this.complain(sentence);
    this.bringing = new Bringing(root, { bring: (files) => this.bring(files), failed, signal: new AbortController().signal });
    this.draw();
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  get picker() {
    return this.part(".dr-dataset-picker");
  }

  get name() {
    return this.picker.value;
  }

  // The datasets as they are now; the one chosen stays, or `wanted` is.
  async refresh(wanted = this.name) {
    const datasets = await listDatasets().catch((error) => this.complain(error.message));
    const told = JSON.stringify(datasets);
    if (!datasets || (told === this.told && wanted === this.name)) return;
    this.told = told;
    const before = this.name;
    this.picker.replaceChildren(...datasets.map(({ name, pictures }) => new Option(`${name} (${pictures})`, name)));
    this.part(".dr-dataset-delete").hidden = !datasets.length;
    if (datasets.some(({ name }) => name === wanted)) this.picker.value = wanted;
    this.picker.parentElement.hidden = !datasets.length;
    const there = datasets.find(({ name }) => name === this.name)?.pictures ?? 0;
    if (this.name !== before || there !== this.pictures.length) await this.open();
  }

  async open() {
    const { name } = this;
    const told = name ? await this.tried(() => readDataset(name)) : { pictures: [], folder: "" };
    if (!told || name !== this.name) return;
    this.part(".dr-dataset-folder").textContent = told.folder && `They lie in ${told.folder}, where you can also put them yourself.`;
    this.show(told.pictures);
  }

  show(pictures) {
    this.pictures = pictures;
    const known = new Map([...this.part("ul").children].map((item) => [item.dataset.key, item]));
    const items = pictures.map((picture) => known.get(keyOf(this.name, picture)) ?? this.item(picture));
    this.part("ul").replaceChildren(...items);
    this.draw();
    this.changed();
  }

  draw() {
    const { name, pictures } = this;
    const bare = pictures.filter(({ caption }) => !caption).length;
    this.part(".dr-dataset-drop").hidden = !name;
    this.part(".dr-dataset-advice").textContent = pictures.length < FEW ? ADVICE : bare ? `${bare} without a caption.` : "";
    this.part(".dr-dataset-count").textContent = pictures.length ? count(pictures.length) : "";
  }

  async create(event) {
    event.preventDefault();
    const field = this.part("[name=dataset]");
    const name = field.value.trim();
    if (!name) return this.complain("Give the dataset a name.");
    if (!(await this.tried(() => createDataset(name)))) return;
    field.value = "";
    await this.refresh(name);
  }

  // Files are sent a few at a time, captions with their pictures.
  async bring(files) {
    const { name } = this;
    if (!name) return this.complain("Make a dataset first: pictures go into one.");
    const known = files.filter((file) => file instanceof File);
    const pictures = known.filter((file) => !isCaption(file));
    const captions = new Map(known.filter(isCaption).map((file) => [stemOf(file), file]));
    if (!pictures.length) return this.complain("Only files of pictures, with or without their captions, can be added.");
    for (let begin = 0; begin < pictures.length; begin += AT_ONCE) {
      const some = pictures.slice(begin, begin + AT_ONCE);
      const told = some.map((file) => captions.get(stemOf(file))).filter(Boolean);
      this.part(".dr-dataset-sending").textContent = `Adding ${begin + some.length} of ${pictures.length}…`;
      if (!(await this.tried(() => addPictures(name, [...some, ...told])))) break;
    }
    this.part(".dr-dataset-sending").textContent = "";
    const problem = this.part(".dr-field-error");
    await this.refresh(name);
    if (problem) this.complain(problem.textContent);
  }

  item(picture) {
    const { file, url } = picture;
    const item = element("li", "dr-dataset-picture");
    item.dataset.key = keyOf(this.name, picture);
    const shown = element("img", "");
    Object.assign(shown, { src: `${url}?thumbnail=true`, alt: file, loading: "lazy", decoding: "async" });
    const caption = element("textarea", "dr-input");
    Object.assign(caption, { value: picture.caption, rows: 3, placeholder: "What is in it", title: "The caption: kept when you leave it" });
    caption.setAttribute("aria-label", `Caption of ${file}`);
    caption.addEventListener("change", () => this.write(picture, caption));
    const remove = button("×", "dr-dataset-remove", () => this.remove(picture));
    remove.title = remove.ariaLabel = `Delete ${file} from the dataset`;
    item.append(shown, caption, remove);
    return item;
  }

  async write(picture, box) {
    const caption = box.value.trim();
    if (await this.tried(() => setCaption(this.name, picture.file, caption))) picture.caption = caption;
    this.draw();
  }

  async deleteAll() {
    const { name } = this;
    if (!confirm(`Delete the dataset "${name}" with its ${count(this.pictures.length)} from the server?`)) return;
    await this.tried(() => deleteDataset(name));
    await this.refresh();
  }

  async remove({ file }) {
    await this.tried(() => deletePicture(this.name, file));
    await this.refresh();
  }

  complain(text) {
    this.root.querySelectorAll(".dr-field-error").forEach((old) => old.remove());
    if (text) this.part(".dr-dataset-sending").after(warning("dr-field-error", text));
  }

  // What came of it; what goes wrong is told, and gives nothing.
  async tried(act) {
    this.complain("");
    try {
      return (await act()) ?? true;
    } catch (error) {
      this.complain(error.message);
      return null;
    }
  }
}

const keyOf = (name, { file, url }) => [name, file, url].join("\n");
const stemOf = ({ name }) => name.replace(/\.[^.]*$/, "");
const isCaption = ({ name }) => /\.txt$/i.test(name);
const count = (number) => (number === 1 ? "1 picture" : `${number} pictures`);
