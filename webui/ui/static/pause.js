// Presses a hidden button once what it waits for has been left alone for a moment.

const PAUSE = 300; // ms

const timers = new Map();

// Nothing is pressed while the element `shown`, which the button's answer is for, is not on the page.
export function later(button, shown) {
  clearTimeout(timers.get(button));
  timers.set(button, setTimeout(() => document.getElementById(shown) && document.getElementById(button)?.click(), PAUSE));
}
