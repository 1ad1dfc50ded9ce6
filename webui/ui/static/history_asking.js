// A question before what can't be undone.

import { button, element } from "./dom.js";

// Resolves to whether it was answered with `yes`.
export function sure(root, question, yes) {
  const dialog = element("dialog", "dr-hist-sure");
  dialog.setAttribute("aria-label", question);
  const row = element("div", "dr-hist-row");
  row.append(
    button(yes, "dr-hist-button dr-hist-danger", () => dialog.close("yes")),
    button("Cancel", "dr-hist-button", () => dialog.close()),
  );
  dialog.append(element("p", "", question), row);
  root.append(dialog);
  dialog.showModal();
  row.lastElementChild.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
