// The breath-holds of a live session as a table, and the buttons that move the envelope to one or to the rest.

import {number} from "./format.js";
import {confirmed} from "./question.js";
import {t} from "./words.js";

const at = (id) => document.getElementById(id);
const PLACES = ["hold", "baseline"];
const DIRECTIONS = {SI: ["superior", "inferior"], AP: ["posterior", "anterior"], RL: ["left", "right"]};
let shown = "";

// Return a displacement along the axes of the image in words, such as "2.1 mm inferior, 0.3 mm anterior".
export function inWords(shift, axes) {
  const parts = shift.map((mm, place) => [Math.abs(mm).toFixed(1), DIRECTIONS[axes[place]]?.[mm < 0 ? 1 : 0]]);
  const some = parts.filter(([mm]) => mm !== "0.0");
  return (some.length ? some : parts).map(([mm, direction]) => `${mm} mm ${direction ? t(`direction.${direction}`) : ""}`.trim()).join(", ");
}

function row(kind, cells, marks = []) {
  const line = document.createElement("tr");
  for (const [place, text] of cells.entries()) {
    const cell = document.createElement(place === 0 ? "th" : kind);
    cell.className = marks.includes(place) ? "n bad" : "n";
    // Never by a colour alone.
    cell.textContent = marks.includes(place) ? `! ${text}` : text;
    line.append(cell);
  }
  return line;
}

// `facts` say what hold is wanted: wanted_s, wanted_mm and tolerance_mm, null where the session does not say.
export function showBreathHolds(view, facts) {
  const box = at("breath-holds"), told = view.breath_holds;
  box.hidden = !told;
  if (!told) return;
  const key = JSON.stringify(told);
  if (key === shown) return;
  shown = key;
  const {wanted_s: seconds, wanted_mm: mm, tolerance_mm: tolerance} = facts, [rows, cols] = told.axes;
  const title = document.createElement("h2"), table = document.createElement("table");
  const head = document.createElement("thead"), body = document.createElement("tbody");
  title.textContent = t("breath-holds.title");
  head.append(row("th", ["#", t("breath-holds.seconds"), `${rows} mm`, `${cols} mm`, t("breath-holds.beside", {axis: rows}), t("breath-holds.drift", {axis: rows})]));
  for (const [index, one] of told.rows.entries()) {
    const now = told.holding && index === told.rows.length - 1;
    const marks = [...(seconds !== null && !now && one.lasted_s < seconds ? [1] : []), ...(mm !== null && Math.abs(one.mean_mm[0] - mm) > tolerance ? [2] : [])];
    const line = row("td", [now ? `● ${one.number}` : `${one.number}`, number(one.lasted_s, 1), ...one.mean_mm.map((value) => number(value, 1)), number(one.beside_first_mm[0], 1), number(one.drift_mm, 1)], marks);
    if (now) line.title = t("breath-holds.now");
    body.append(line);
  }
  const pair = ([mean, sd]) => sd === null ? number(mean, 1) : `${number(mean, 1)} (${number(sd, 1)})`;
  body.append(row("td", [t("breath-holds.mean"), pair(told.all.lasted_s), pair(told.all.row_mm), pair(told.all.col_mm), "", pair(told.all.drift_mm)]));
  if (seconds !== null || mm !== null) {
    body.append(row("td", [t("breath-holds.wanted"), seconds === null ? "" : number(seconds, 0), mm === null ? "" : `${number(mm, 1)} ± ${number(tolerance, 1)}`, "", "", ""]));
  }
  table.append(head, body);
  box.replaceChildren(title, table);
}

// Offer the shifts that the session tells while the beam is held; each is asked once, with its millimetres and direction.
export function offerShifts(operator) {
  const buttons = {};
  let newest = null;
  at("envelope-move").className = "tools";
  for (const place of PLACES) {
    const button = buttons[place] = Object.assign(document.createElement("button"), {type: "button", hidden: true, id: `move-to-${place}`});
    button.addEventListener("click", () => move(place));
    at("envelope-move").append(button);
  }

  async function move(place) {
    const name = operator.name();
    if (name === null) return;
    // The session answers with the shift that it will confirm, which stands from now on.
    if (await operator.send(["rebase", place], name) || !operator.note.endsWith("with confirm at its end")) return;
    const words = [newest.shifts?.[place] ? inWords(newest.shifts[place], axesOf(newest)) : "", operator.note.replace(/; repeat it with confirm at its end$/, "")];
    const body = words.filter(Boolean).map((text) => Object.assign(document.createElement("p"), {textContent: text}));
    if (await confirmed(t(`move.${place}.title`), body, t("move.yes"))) await operator.send(["rebase", place, "confirm"], name);
  }

  return (view) => {
    newest = view;
    for (const place of PLACES) {
      const shift = view.shifts?.[place] ?? null, button = buttons[place];
      button.hidden = !shift;
      const text = shift ? t(`move.${place}`, {words: inWords(shift, axesOf(view))}) : "";
      if (shift && button.textContent !== text) button.textContent = text;
    }
  };
}

const axesOf = (view) => view.axes.map((axis) => axis.name);
