// One's earlier prompts, gone through from the text that stands there to ever older ones.

import { promptHistory } from "./prompt_api.js";
import { sameTexts } from "./prompt_boxes.js";

const MOST = 100;

export class Past {
  constructor(pair) {
    this.pair = pair;
    this.own = null; // what was written before the first earlier prompt took its place
    this.list = []; // `own` and the earlier ones, newest first
    this.at = 0; // the number of what stands there
    this.turn = Promise.resolve();
  }

  // What stands there is one's own text, unless it was taken from the list. Whether it is new.
  keep() {
    const now = this.pair.read();
    if (this.list.length && sameTexts(now, this.list[this.at])) return false;
    this.own = now;
    this.list = [now];
    this.at = 0;
    return true;
  }

  // 1 is older, -1 newer. One step after the other, however quickly they are asked for.
  step(by) {
    this.turn = this.turn.then(() => this.go(by)).catch(() => {});
    return this.turn;
  }

  async go(by) {
    if (this.keep()) this.list = [this.own, ...(await this.others())];
    const next = this.at + by;
    if (!(next in this.list) || !sameTexts(this.pair.read(), this.list[this.at])) return;
    this.at = next;
    this.pair.write(this.list[next]);
  }

  async others() {
    const found = await promptHistory("", MOST);
    return found.filter((texts) => !sameTexts(texts, this.own));
  }

  // What the list in the dialog shows: first one's own text, if something else stands there now.
  async search(words) {
    this.keep();
    const found = await promptHistory(words, MOST);
    const lost = !words && !sameTexts(this.own, this.pair.read()) ? [{ ...this.own, own: true }] : [];
    return [...lost, ...found];
  }

  take(texts) {
    this.keep();
    this.list = texts.own ? [this.own] : [this.own, texts];
    this.at = this.list.length - 1;
    this.pair.write(texts);
  }
}
