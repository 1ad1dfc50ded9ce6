// What is brought to the prompts: a pasted infotext is offered to be read, a dropped picture tells its settings.

import { readPicture } from "./api.js";
import { fill } from "./filling.js";
import { looksLikeInfotext } from "./pasted.js";
import { asPromptBox, controlId } from "./prompt_boxes.js";

const OWN_PICTURES = /^\/api\/v1\/jobs\/[^/]+\/images\/\d+$/;

// `remarks(box)` are those of the tab that a prompt's box is in.
export function watchPrompts(remarks) {
  document.addEventListener("paste", (event) => {
    const box = formPrompt(event);
    if (!box) return;
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (looksLikeInfotext(text)) remarks(box)?.offer(text);
  });
  document.addEventListener("dragover", (event) => {
    if (formPrompt(event) && holdsPicture(event.dataTransfer)) event.preventDefault();
  });
  document.addEventListener("drop", async (event) => {
    const box = formPrompt(event);
    if (!box || !holdsPicture(event.dataTransfer)) return;
    event.preventDefault();
    await readDropped(event.dataTransfer, remarks(box));
  }, true);
}

// The styles' editor has prompts, too, which belong to no form.
function formPrompt({ target }) {
  const box = asPromptBox(target);
  return box && controlId(box) ? box : null;
}

const holdsPicture = ({ types }) => types.includes("Files") || types.includes("text/uri-list");

async function readDropped(dropped, remarks) {
  // Before anything is awaited: what was dropped is gone after the event.
  const [file] = dropped.files;
  const address = dropped.getData("text/uri-list");
  try {
    const picture = file ?? (await ownPicture(address));
    if (!picture) return remarks?.say(["Only pictures can be read: drop a file, or one of your pictures here."]);
    const { infotext } = await readPicture(picture);
    if (infotext) fill(remarks.tab, { infotext });
    else remarks?.say(["This picture tells nothing of how it was made."]);
  } catch (error) {
    remarks?.say([error.message]);
  }
}

// A picture that is dragged from the page itself comes as an address.
async function ownPicture(address) {
  const { origin, pathname } = new URL(address || "about:blank", location.href);
  if (origin !== location.origin || !OWN_PICTURES.test(pathname)) return null;
  return (await fetch(pathname)).blob();
}
