// Making elements. Text goes in as text, never as markup.

export function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

export function button(name, className, act) {
  const made = element("button", className, name);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

// Read out at once by screen readers.
export function warning(className, text) {
  const made = element("p", className, text);
  made.setAttribute("role", "alert");
  return made;
}

// Has `list` hold these alone, in that order. Those that stay aren't taken out and put back, which would let go what is
// held or focused in them.
export function arrange(list, items) {
  const wanted = new Set(items);
  for (const item of [...list.children]) if (!wanted.has(item)) item.remove();
  let next = list.firstElementChild;
  for (const item of items) {
    if (item === next) next = next.nextElementSibling;
    else list.insertBefore(item, next);
  }
}

// Calls `draw`, which makes elements of `root` anew; what had the focus has it again, by its `data-key`.
export function keepFocus(root, draw) {
  const focused = document.activeElement?.closest?.("[data-key]")?.dataset.key;
  draw();
  if (focused) root.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

// Calls `act` when `root` comes into view, and each `every` ms while it is there; returns whether it is.
export function whileVisible(root, every, act) {
  const visible = () => !document.hidden && root.offsetParent !== null;
  const look = () => visible() && act();
  setInterval(look, every);
  new IntersectionObserver(look).observe(root);
  return visible;
}
