// Tells the style sheet how tall a part is that stays in view, so that one that is taller than the window can be
// scrolled to its end.

const watched = new ResizeObserver((entries) => {
  for (const { target } of entries) target.style.setProperty("--dr-tall", `${target.offsetHeight}px`);
});

export const tellHeight = (part) => watched.observe(part);
