// A dataset: which one, its pictures with their captions, and how more of them come.

import { Bringing } from "./canvas_bringing.js";
import { warning } from "./dom.js";
import { addPictures, createDataset, deleteDataset, deletePicture, listDatasets, readDataset, setCaption } from "./train_api.js";
import { PictureList } from "./train_pictures.js";

const AT_ONCE = 8; // files in one request
const FEW = 5; // pictures: fewer teach little
const MOST_TOLD = 10; // of files that were refused
const ADVICE = "Ten to thirty pictures of one thing or in one style, each with a caption that says what else is in it, teach a LoRA well.";

export class Dataset {
  // `changed()` is called when another dataset is chosen, or its pictures are others.
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.pictures = [];
    this.names = [];
    this.leaving = ""; // the one that is being deleted: it is asked for no more
    this.told = "";
    this.there = ""; // what was last told of the one chosen
    this.lost = false; // the server did not answer
    this.edits = 0; // of captions
    this.writing = Promise.resolve(); // until all captions are kept
    this.making = Promise.resolve(); // until there is the dataset that was asked for
    const edited = () => this.complain();
    this.list = new PictureList(this.part("ul"), this.part(".dr-dataset-all"), {
      write: (file, caption) => this.write(file, caption),
      remove: (file) => this.remove(file),
      edited,
    });
    this.picker.addEventListener("change", () => this.choose());
    this.part("form").addEventListener("submit", (event) => this.create(event));
    this.part("form").addEventListener("input", edited);
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
    const datasets = await this.asked(listDatasets);
    const told = JSON.stringify(datasets);
    if (!datasets || (told === this.told && wanted === this.name)) return;
    this.told = told;
    this.names = datasets.map(({ name }) => name);
    const before = this.name;
    this.picker.replaceChildren(...datasets.map(({ name, pictures }) => new Option(`${name} (${pictures})`, name)));
    this.part(".dr-dataset-delete").hidden = !datasets.length;
    if (this.names.includes(wanted)) this.picker.value = wanted;
    this.picker.parentElement.hidden = !datasets.length;
    const there = JSON.stringify(datasets.find(({ name }) => name === this.name));
    if (this.name === before && there === this.there) return;
    this.there = there;
    await this.open();
  }

  async choose() {
    this.complain();
    await this.open();
  }

  async open() {
    const { name, edits } = this;
    await this.writing;
    if (name && name === this.leaving) return;
    const told = name ? await this.asked(() => readDataset(name)) : { pictures: [], folder: "" };
    if (!told || name !== this.name) return;
    if (edits !== this.edits) return this.open(); // the answer may be older than the newest caption
    this.part(".dr-dataset-folder").textContent = told.folder && `They lie in ${told.folder}, where you can also put them yourself.`;
    this.pictures = told.pictures;
    this.list.show(name, told.pictures);
    this.draw();
    this.changed();
  }

  draw() {
    const { pictures } = this;
    const bare = pictures.filter(({ caption }) => !caption).length;
    this.part(".dr-dataset-advice").textContent = pictures.length < FEW ? ADVICE : bare ? `${bare} without a caption.` : "";
    this.part(".dr-dataset-count").textContent = pictures.length ? count(pictures.length) : "";
  }

  // What was typed as a new dataset's name.
  get wanted() {
    return this.part("[name=dataset]").value.trim();
  }

  async create(event) {
    event.preventDefault();
    if (this.wanted) await (this.making = this.make(this.wanted));
    else this.complain("Give the dataset a name.");
  }

  async make(name) {
    if (!(await this.tried(() => createDataset(name)))) return;
    this.part("[name=dataset]").value = "";
    await this.refresh(name);
  }

  // Pictures that come before there is a dataset make one.
  async bring(files) {
    const known = files.filter((file) => file instanceof File);
    const pictures = known.filter((file) => !isCaption(file));
    const captions = known.filter(isCaption);
    // Captions alone are those of pictures that are there.
    if (!pictures.length && !(captions.length && this.name)) return this.complain("Only files of pictures, with or without their captions, can be added.");
    this.complain();
    this.making = this.making.then(() => this.name || this.make(this.wanted || free(this.names)));
    await this.making;
    const { name } = this;
    if (!name) return;
    const problems = await this.send(name, batches(pictures, captions));
    await this.refresh(name);
    this.complain(...problems);
  }

  // A batch at a time. Gives sentences: what could not be added, and why.
  async send(name, files) {
    const [problems, all] = [[], files.flat().length];
    let sent = 0;
    try {
      for (const batch of files) {
        sent += batch.length;
        this.part(".dr-dataset-sending").textContent = `Adding ${sent} of ${all}…`;
        problems.push(...(await addPictures(name, batch)).refused);
      }
    } catch (error) {
      problems.push(error.message);
    }
    this.part(".dr-dataset-sending").textContent = "";
    return problems;
  }

  // Known at once: a training may be begun before the server has answered.
  write(file, caption) {
    const { name } = this;
    const picture = this.pictures.find((one) => one.file === file);
    if (!picture) return;
    const before = picture.caption;
    picture.caption = caption;
    this.edits += 1;
    this.draw();
    const kept = this.tried(() => setCaption(name, file, caption)).then((done) => {
      if (!done) picture.caption = before;
      this.draw();
    });
    this.writing = Promise.all([this.writing, kept]);
  }

  async deleteAll() {
    const { name } = this;
    if (!confirm(`Delete the dataset "${name}" with its ${count(this.pictures.length)} from the server?`)) return;
    await this.writing;
    this.leaving = name;
    this.list.show(name, []);
    await this.tried(() => deleteDataset(name));
    this.leaving = "";
    this.there = "";
    await this.refresh();
  }

  // Leaving a caption for its picture's × writes it first.
  async remove(file) {
    await this.writing;
    await this.tried(() => deletePicture(this.name, file));
    await this.refresh();
  }

  complain(...sentences) {
    this.root.querySelectorAll(".dr-field-error").forEach((old) => old.remove());
    const told = sentences.slice(0, MOST_TOLD);
    if (sentences.length > MOST_TOLD) told.push(`${sentences.length - MOST_TOLD} more could not be added.`);
    this.part(".dr-dataset-sending").after(...told.map((text) => warning("dr-field-error", text)));
  }

  // The answer to what is asked again and again: it takes no other problem's words away.
  async asked(question) {
    try {
      const answer = await question();
      if (this.lost) this.complain();
      this.lost = false;
      return answer;
    } catch (error) {
      this.lost = true;
      this.complain(error.message);
      return null;
    }
  }

  // What came of it; what goes wrong is told, and gives nothing.
  async tried(act) {
    this.complain();
    try {
      return (await act()) ?? true;
    } catch (error) {
      this.complain(error.message);
      return null;
    }
  }
}

// A few pictures in each, with their captions; captions without a picture come last.
function batches(pictures, captions) {
  const told = new Map(captions.map((file) => [stemOf(file), file]));
  const whole = pictures.map((file) => [file, told.get(stemOf(file))].filter(Boolean));
  const alone = captions.filter((file) => !pictures.some((picture) => stemOf(picture) === stemOf(file)));
  return [...chunks(whole).map((some) => some.flat()), ...chunks(alone)];
}

function chunks(list) {
  return Array.from({ length: Math.ceil(list.length / AT_ONCE) }, (_, place) => list.slice(place * AT_ONCE, (place + 1) * AT_ONCE));
}

const stemOf = ({ name }) => name.replace(/\.[^.]*$/, "");
const isCaption = ({ name }) => /\.txt$/i.test(name);
const count = (number) => (number === 1 ? "1 picture" : `${number} pictures`);

// The first name of its kind that no dataset has, in any case: folders may not differ in that alone.
function free(names, number = 1) {
  const name = number === 1 ? "dataset" : `dataset ${number}`;
  return names.some((known) => known.toLowerCase() === name) ? free(names, number + 1) : name;
}
