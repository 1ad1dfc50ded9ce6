// gradio's dropdown takes the Tab that leaves it for typing, and opens its list for good once it is left.

document.addEventListener("keydown", (event) => {
  if (event.key === "Tab" && event.target.matches?.("input[role=combobox]")) event.stopPropagation();
}, true);
