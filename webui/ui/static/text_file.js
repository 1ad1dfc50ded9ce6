// A text file of the person's own, read in the browser.

const LARGEST = 2 ** 20;

// The file's text, or `otherwise` if none is chosen, or none that can be read: then `say` is given a sentence.
export function pickText(otherwise, say) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = ".txt,text/plain";
  return new Promise((resolve) => {
    input.addEventListener("cancel", () => resolve(otherwise));
    input.addEventListener("change", async () => {
      const [file] = input.files;
      if (file?.size > LARGEST) say(`"${file.name}" is larger than 1 MiB. Choose a smaller text file.`);
      resolve(file && file.size <= LARGEST ? await file.text() : otherwise);
    });
    input.click();
  });
}
