// How pictures come: dropped, pasted, or chosen as files.

export class Bringing {
  // `bring(files)` is given files, or one address of a picture on the page; `failed(sentence)` why nothing could be.
  constructor(root, { bring, failed, signal }) {
    Object.assign(this, { root, bring, failed });
    const hear = (target, name, act) => target.addEventListener(name, act, { signal });
    hear(root, "dragover", (event) => this.over(event));
    hear(root, "dragleave", (event) => this.leave(event));
    hear(root, "drop", (event) => this.drop(event));
    hear(document, "paste", (event) => this.paste(event));
    root.querySelectorAll(".dr-canvas-open").forEach((input) => hear(input, "change", () => this.chosen(input)));
  }

  over(event) {
    const { types } = event.dataTransfer;
    if (!types.includes("Files") && !types.includes("text/uri-list")) return;
    event.preventDefault();
    this.root.classList.add("dr-canvas-over");
  }

  leave(event) {
    if (!this.root.contains(event.relatedTarget)) this.root.classList.remove("dr-canvas-over");
  }

  drop(event) {
    event.preventDefault();
    this.root.classList.remove("dr-canvas-over");
    const { files } = event.dataTransfer;
    // A picture that is dragged from the page itself comes as an address, too: the server knows it by that.
    const address = event.dataTransfer.getData("text/uri-list").split("\n")[0].trim();
    if (address && isHere(address)) this.bring([address]);
    else if (files.length) this.bring([...files]);
    else this.failed("Only pictures can be dropped here: files, or pictures of this page.");
  }

  // Where text is typed, text is pasted.
  paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    const visible = this.root.getClientRects().length > 0;
    const focused = this.root.contains(event.target);
    if (!files.length || !visible || event.defaultPrevented || (!focused && event.target.closest?.("input, textarea, [contenteditable]"))) return;
    event.preventDefault();
    this.bring(files);
  }

  chosen(input) {
    const files = [...input.files];
    input.value = ""; // so that the same file can be chosen again
    if (files.length) this.bring(files);
  }
}

function isHere(address) {
  return URL.canParse(address, location.href) && new URL(address, location.href).origin === location.origin;
}
