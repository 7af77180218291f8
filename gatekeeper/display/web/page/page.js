// What belongs to the page and not to the session: its language, its theme, and the list of keys.

import {language, languages, speak, t} from "./words.js";

const at = (id) => document.getElementById(id);
const THEMES = ["auto", "light", "dark"], KEPT = "theme";
const NAMES = {en: "English", de: "Deutsch"};

function theme() {
  const kept = localStorage.getItem(KEPT);
  return THEMES.includes(kept) ? kept : "auto";
}

// Show the page in a theme; canvases hear "themechange" and draw anew.
function dress(name) {
  if (name === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = name;
  at("theme").textContent = t(`theme.${name}`);
  at("theme").title = t("theme.title");
  document.dispatchEvent(new Event("themechange"));
}

export function isDark() {
  const {theme: chosen} = document.documentElement.dataset;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

// The keys of the page, as [keys, key of the text]; a page without control has no commands.
const KEYS = [
  ["Space, Esc", "keys.hold"], ["?", "keys.help"], ["Tab", "keys.tab"], ["c", "keys.cine"],
  ["+ −", "keys.zoom"], ["← → ↑ ↓", "keys.pan"], ["0", "keys.fit"], ["w", "keys.level"], ["v", "keys.arrows"],
];
const TRACE_KEYS = [["1, 2, 3", "keys.lane"]];
const LIVE_KEYS = [["← →, Home, End", "keys.scroll"]];
const REVIEW_KEYS = [["Space", "keys.play"], ["← →", "keys.step"], ["n", "keys.next-hold"]];

function listed(keys) {
  return keys.flatMap(([names, key]) => {
    const term = document.createElement("dt"), text = document.createElement("dd");
    for (const name of names.split(", ")) term.append(Object.assign(document.createElement("kbd"), {textContent: name}), " ");
    text.textContent = t(key);
    return [term, text];
  });
}

function showKeys() {
  const dialog = at("keys"), ended = ["recorded", "ended"].includes(document.body.dataset.mode);
  if (dialog.open) {
    dialog.close();
    return;
  }
  at("key-list").replaceChildren(...listed(ended ? [...KEYS.slice(1), ...TRACE_KEYS, ...REVIEW_KEYS] : [...KEYS, ...TRACE_KEYS, ...LIVE_KEYS]));
  dialog.show();
  at("keys-close").focus();
}

export function isTyping(field) {
  return Boolean(field.matches?.("textarea, select, input:not([type=checkbox], [type=range], [type=button])"));
}

// Offer the languages and themes of the page.
export function offerLook() {
  at("language").replaceChildren(...languages.map((one) => new Option(NAMES[one] ?? one, one, false, one === language)));
  at("language").addEventListener("change", () => speak(at("language").value));
  dress(theme());
  at("theme").addEventListener("click", () => {
    localStorage.setItem(KEPT, THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
    dress(theme());
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dress(theme()));
}

export function offerPage(cine) {
  offerLook();
  at("help").addEventListener("click", showKeys);
  at("keys-close").addEventListener("click", () => at("keys").close());
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
    if (event.key === "?") showKeys();
    else if (event.key === "c") cine.canvas.focus();
  });
}
