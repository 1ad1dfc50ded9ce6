// What the canvas asks the server.

const MOST_BYTES = 64 * 2 ** 20;

// Keeps a picture's file on the server: {id, width, height, has_alpha}. `parent` is the finished picture that it was made of.
export async function uploadPicture(blob, parent = "") {
  if (blob.size > MOST_BYTES) throw new Error("This file is larger than 64 MB, the most that can be uploaded.");
  const query = parent ? `?${new URLSearchParams({ parent })}` : "";
  return (await ask(`/api/v1/uploads${query}`, { method: "POST", body: blob, headers: { Accept: "application/json" } })).json();
}

export const batchFolders = async () => (await ask("/api/v1/batch-folders")).json();

export const pictureFile = async (path) => (await ask(path)).blob();

async function ask(path, options) {
  const response = await fetch(path, options).catch(() => {
    throw new Error("The server does not answer.");
  });
  if (response.ok) return response;
  const { detail } = await response.json().catch(() => ({}));
  const told = Array.isArray(detail) ? detail.map(({ msg }) => msg).join(" ") : detail;
  throw Object.assign(new Error(told || `The server answered ${response.status}.`), { status: response.status });
}
