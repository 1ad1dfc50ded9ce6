// What keeps a control type from being used, and the way to get it.

import { button, element } from "./dom.js";

export class Lack {
  constructor(getModels) {
    this.getModels = getModels;
    this.told = "";
    this.root = element("p", "dr-unit-lacking");
    this.root.setAttribute("aria-live", "polite");
  }

  tell(sentence) {
    if (sentence === this.told) return;
    this.told = sentence;
    const get = button("Get models", "dr-button dr-small", this.getModels);
    this.root.replaceChildren(...(sentence ? [sentence, get] : []));
  }
}
