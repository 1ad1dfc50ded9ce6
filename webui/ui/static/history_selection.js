// Which pictures of the history are chosen, to do something with all of them.

export class Selection {
  constructor(changed) {
    this.changed = changed;
    this.picked = new Map(); // id -> picture
    this.isOn = false; // a click chooses instead of opening
    this.anchor = null; // the id that a range begins at
  }

  get size() {
    return this.picked.size;
  }

  get ids() {
    return [...this.picked.keys()];
  }

  get pictures() {
    return [...this.picked.values()];
  }

  has({ id }) {
    return this.picked.has(id);
  }

  toggle(picture) {
    this.anchor = picture.id;
    this.isOn = true;
    if (!this.picked.delete(picture.id)) this.picked.set(picture.id, picture);
    this.changed();
  }

  add(pictures) {
    this.isOn = true;
    for (const picture of pictures) this.picked.set(picture.id, picture);
    this.changed();
  }

  begin() {
    this.isOn = true;
    this.changed();
  }

  clear() {
    this.isOn = false;
    this.anchor = null;
    this.picked.clear();
    this.changed();
  }
}
