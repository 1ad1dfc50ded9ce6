// A picture of the person's own for a field: uploaded, and named by what the server calls it.

import { uploadPicture } from "./canvas_api.js";

// The name, or `otherwise` if none is chosen, or none that can be kept: then `say` is given a sentence.
export function pickPicture(otherwise, say) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = "image/*";
  return new Promise((resolve) => {
    input.addEventListener("cancel", () => resolve(otherwise));
    input.addEventListener("change", () => {
      uploadPicture(input.files[0]).then(({ id }) => resolve(id), (error) => {
        say(error.message);
        resolve(otherwise);
      });
    });
    input.click();
  });
}
