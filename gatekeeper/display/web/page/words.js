// Texts of the pages in the language of the reader: one file for each language, words/<language>.json.
//
// The page says in its first tag which languages it has, <html data-languages="en de">; a page with texts of its own names
// them with data-words="patient", for the files words/patient.<language>.json; "main library" are those of the console and
// of the library. Elements with data-t get their text from there, and data-t-title, data-t-aria-label,
// data-t-placeholder their attributes.

const ATTRIBUTES = ["title", "aria-label", "placeholder"];
const root = document.documentElement;
const KEPT = [root.dataset.words, "language"].filter(Boolean).join(".");

export const languages = (root.dataset.languages ?? "en").split(" ");

// The language asked for in the address, then the one that was chosen before, then the first of the browser's that there is.
function chosen() {
  const asked = [new URLSearchParams(location.search).get("lang"), localStorage.getItem(KEPT), ...navigator.languages];
  return asked.map((one) => one?.split("-")[0].toLowerCase()).find((one) => languages.includes(one)) ?? languages[0];
}

export const language = chosen();
const names = (root.dataset.words ?? "main").split(" ").map((name) => name === "main" ? language : `${name}.${language}`);
const texts = Object.assign({}, ...await Promise.all(names.map(async (name) => (await fetch(`/page/words/${name}.json`)).json())));

// Return the text of a key; {name} in it stands for values.name.
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// Return the text of a key, or another text where the language has none, as for the words of a newer session.
export function textOr(key, other) {
  return texts[key] ?? other;
}

// Fill in the texts of all elements of a part of the page.
export function translate(part = document) {
  for (const element of part.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const name of ATTRIBUTES) for (const element of part.querySelectorAll(`[data-t-${name}]`)) element.setAttribute(name, t(element.getAttribute(`data-t-${name}`)));
}

// Remember a language, and show the page in it.
export function speak(other) {
  localStorage.setItem(KEPT, other);
  const asked = new URL(location.href);
  asked.searchParams.delete("lang");
  if (asked.href === location.href) location.reload(); else location.replace(asked);
}

root.lang = language;
translate();
