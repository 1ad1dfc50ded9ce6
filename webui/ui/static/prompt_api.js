// What the prompt editor asks the server.

// `signal` ends the wait for an answer that nobody needs any more.
async function ask(path, fields, signal) {
  const response = await fetch(`/api/v1/${path}?${new URLSearchParams(fields)}`, { signal });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return response.json();
}

// [{kind, name, insert, detail, count}], the best first.
export const completions = (q, limit, signal) => ask("completions", { q, limit }, signal);

// [{prompt, negative_prompt, created}], the newest first.
export const promptHistory = (q, limit, signal) => ask("prompt-history", { q, limit }, signal);
