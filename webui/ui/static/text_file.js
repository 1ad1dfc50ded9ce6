// A text file of the person's own, read in the browser.

const LARGEST = 2 ** 20;

// The file's text, or `otherwise` if none is chosen.
export function pickText(otherwise) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = ".txt,text/plain";
  return new Promise((resolve) => {
    input.addEventListener("cancel", () => resolve(otherwise));
    input.addEventListener("change", async () => {
      const [file] = input.files;
      resolve(file && file.size <= LARGEST ? await file.text() : otherwise);
    });
    input.click();
  });
}
