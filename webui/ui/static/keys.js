// The page's keys: Ctrl+Enter generates, Alt+Enter skips, Esc interrupts, as in A1111.

const LIST = ':is(input, textarea)[aria-expanded="true"]'; // a list of choices that is open

// `shown()` is the tab that is shown; `stage(tab)` is what is interrupted.
export function watchKeys(shown, stage) {
  document.addEventListener("keydown", (event) => {
    const tab = shown();
    // What is open in front of the page has keys of its own.
    if (!tab || event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) press(event, `${tab}_generate`);
    else if (event.key === "Enter" && event.altKey) press(event, `${tab}_skip`);
    else if (event.key === "Escape" && !document.querySelector(LIST)) stage(tab).interrupt();
  }, true);
}

function press(event, id) {
  event.preventDefault();
  event.stopPropagation();
  // A number that is still being typed counts as entered, and is brought into its limits, when it is left.
  const typing = document.activeElement;
  typing?.blur();
  setTimeout(() => {
    document.getElementById(id)?.click();
    typing?.focus();
  }, 50);
}
