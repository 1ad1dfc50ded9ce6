// What the server told the page in its <head>: theme, hints, ids of elements.

export const known = JSON.parse(document.querySelector('meta[name="darkroom"]').content);

// The tabs that draw.
export const tabs = Object.keys(known.tabs);

// The id of what holds a field of the parameters; undefined if nothing does.
export function elementId(tab, field) {
  const name = known.names[field];
  return known.tabs[tab].elsewhere[field] ?? (name && `${tab}_${name}`);
}

// The tab that an element belongs to.
export const tabOf = (element) => tabs.find((tab) => element.closest(`[id^="${tab}_"], #tab_${tab}`));
