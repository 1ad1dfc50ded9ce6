// Which text boxes are prompts, and how their text is changed.

const BOXES = '[id$="_prompt"] textarea, textarea[data-prompt]';

export const promptBoxes = () => document.querySelectorAll(BOXES);
export const asPromptBox = (target) => (target instanceof Element && target.matches(BOXES) ? target : null);

// The id of the control that a box belongs to: txt2img_prompt.
export const controlId = (box) => box.closest('[id$="_prompt"]')?.id ?? "";

// Makes an edit {from, to, insert, start, end}; without `start` the caret goes behind what was inserted.
// It is the browser's own: Ctrl+Z takes it back in one step, and whoever listens for `input` hears of it.
export function write(box, { from, to, insert, start = from + insert.length, end = start }) {
  if (box.value.slice(from, to) === insert) return box.setSelectionRange(start, end);
  box.focus({ preventScroll: true });
  box.setSelectionRange(from, to);
  // A box that isn't in view takes no focus; the command would change what has it.
  const own = document.activeElement === box && document.execCommand(insert ? "insertText" : "delete", false, insert);
  if (!own) {
    box.setRangeText(insert, from, to);
    box.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
  box.setSelectionRange(start, end);
}

// Gives a box another text and leaves the focus where it is.
export function put(box, text) {
  box.value = text;
  box.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

// A prompt and its negative one: {prompt, negative_prompt}, found by their controls' ids each time they are needed,
// since gradio may have drawn them anew.
export class Pair {
  constructor(box) {
    this.stem = controlId(box).replace(/(_neg)?_prompt$/, "");
  }

  boxes() {
    const box = (name) => document.querySelector(`#${CSS.escape(`${this.stem}_${name}`)} textarea`);
    return { prompt: box("prompt"), negative_prompt: box("neg_prompt") };
  }

  read() {
    const { prompt, negative_prompt } = this.boxes();
    return { prompt: prompt?.value ?? "", negative_prompt: negative_prompt?.value ?? "" };
  }

  // What had the focus keeps it, and is written last: so it is the first that Ctrl+Z takes back.
  write(texts) {
    const focused = document.activeElement;
    const boxes = Object.entries(this.boxes()).sort(([, one], [, other]) => (one === focused) - (other === focused));
    for (const [name, box] of boxes) {
      if (box && box.value !== texts[name]) write(box, { from: 0, to: box.value.length, insert: texts[name] });
    }
    focused?.focus({ preventScroll: true });
  }
}

export const sameTexts = (one, other) =>
  one.prompt === other.prompt && one.negative_prompt === other.negative_prompt;
