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

// Calls `act` when `root` comes into view, and each `every` ms while it is there; returns whether it is.
export function whileVisible(root, every, act) {
  const visible = () => !document.hidden && root.offsetParent !== null;
  const look = () => visible() && act();
  setInterval(look, every);
  new IntersectionObserver(look).observe(root);
  return visible;
}
