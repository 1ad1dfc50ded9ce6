// What the server told the page in its <head>: theme, hints, ids of elements.

export const known = JSON.parse(document.querySelector('meta[name="darkroom"]').content);
