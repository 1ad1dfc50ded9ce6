// What can be done with pictures of the history, and what is said of it.

import { deleteForGood, downloadZip, moveToTrash, restoreFromTrash, setFavourite } from "./history_api.js";
import { button, element, warning } from "./dom.js";
import { sure } from "./history_asking.js";
import { areOrIs, counted } from "./history_words.js";

export class Acts {
  // `changed()`: the history is another than it was.
  constructor(root, pictures, changed) {
    Object.assign(this, { root, pictures, changed });
  }

  // Sentences stand in the tab, and in the dialog that may lie above it.
  say(text, offer = null) {
    for (const place of this.root.querySelectorAll(".dr-hist-said")) {
      place.replaceChildren(...(text ? [element("span", "", text)] : []));
      if (offer) place.append(" ", button(offer.name, "dr-hist-button", offer.act));
    }
  }

  fail(text) {
    for (const place of this.root.querySelectorAll(".dr-hist-said")) place.replaceChildren(warning("dr-hist-error", text));
  }

  // Whether it could be done.
  async tried(act) {
    try {
      await act();
      return true;
    } catch (error) {
      this.fail(error.message);
      return false;
    } finally {
      this.changed();
    }
  }

  favourite(ids, is) {
    return this.tried(async () => {
      await setFavourite(ids, is);
      this.pictures.change(ids, { favourite: is });
      this.say("");
    });
  }

  trash(ids) {
    return this.tried(async () => {
      await moveToTrash(ids);
      this.pictures.remove(ids);
      this.say(`${counted(ids.length)} ${areOrIs(ids.length)} in the trash.`, { name: "Undo", act: () => this.undo(ids) });
    });
  }

  undo(ids) {
    return this.tried(async () => {
      await restoreFromTrash(ids);
      await this.pictures.refresh();
      this.say(`${counted(ids.length)} ${areOrIs(ids.length)} back.`);
    });
  }

  restore(ids) {
    return this.tried(async () => {
      await restoreFromTrash(ids);
      this.pictures.remove(ids);
      this.say(`${counted(ids.length)} ${areOrIs(ids.length)} back in the history.`);
    });
  }

  async erase(ids) {
    const what = ids.length === 1 ? "this picture" : counted(ids.length);
    if (!(await sure(this.root, `Delete ${what} for good? This can't be undone.`, "Delete for good"))) return false;
    return this.tried(async () => {
      await deleteForGood(ids);
      this.pictures.remove(ids);
      this.say(`${counted(ids.length)} deleted.`);
    });
  }

  async empty() {
    if (!(await sure(this.root, "Delete all that is in the trash for good? This can't be undone.", "Empty the trash"))) return false;
    return this.tried(async () => {
      const { count } = await deleteForGood(null);
      await this.pictures.open(this.pictures.filters);
      this.say(`${counted(count)} deleted.`);
    });
  }

  zip(ids) {
    this.say(`${counted(ids.length)} will come as one zip file.`);
    downloadZip(ids, (sentence) => this.fail(sentence));
  }
}
