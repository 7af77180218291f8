// One question to the operator: what is about to happen, and one button that says so. It covers neither beam nor Hold.

import {t} from "./words.js";

const at = (id) => document.getElementById(id);
let answer = () => {};

// Return rows of [name, value, whether it stands out] as a list.
export function listed(rows) {
  const list = document.createElement("dl");
  for (const [name, value, differs] of rows) {
    const row = document.createElement("div"), term = document.createElement("dt"), text = document.createElement("dd");
    row.className = differs ? "differs" : "";
    term.textContent = name;
    text.textContent = value;
    row.append(term, text);
    list.append(row);
  }
  return list;
}

// Ask, and return whether the operator says yes; another question or Escape answers no.
export function confirmed(title, body, yes) {
  const dialog = at("question");
  answer(false);
  at("question-title").textContent = title;
  at("question-body").replaceChildren(...body);
  at("question-yes").textContent = yes;
  dialog.show();
  dialog.scrollTop = 0;
  at("question-yes").focus({preventScroll: true});
  return new Promise((resolve) => {
    answer = (said) => {
      answer = () => {};
      dialog.close();
      resolve(said);
    };
  });
}

export function withdraw() {
  answer(false);
}

at("question-yes").addEventListener("click", () => answer(true));
at("question-no").addEventListener("click", () => answer(false));
at("question-no").textContent = t("question.no");
document.addEventListener("keydown", (event) => { if (event.key === "Escape") withdraw(); });
