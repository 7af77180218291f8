// The legend of several structures: colour, name, measurements against its own limit, and a switch for its lane in the trace.

import {number} from "./format.js";
import {t, textOr} from "./words.js";

const at = (id) => document.getElementById(id);

export class Structures {
  // `choose` is called with the set of structures, by their places, whose lanes are shown.
  constructor(choose) {
    this.choose = choose;
    this.known = [];
    this.rows = [];
  }

  know(structures) {
    if (!(structures?.length > 1) || this.known.length) return;
    this.known = structures;
    this.rows = structures.map((one, place) => this.row(one, place));
    at("structure-list").replaceChildren(...this.rows.map(({item}) => item));
    at("structures").hidden = false;
    this.choose(this.shown);
  }

  get shown() {
    return new Set(this.rows.flatMap(({lane}, place) => lane.checked ? [place] : []));
  }

  row({name, color, target}, place) {
    const item = document.createElement("li"), label = document.createElement("label"), lane = document.createElement("input");
    const swatch = document.createElement("i"), words = document.createElement("b"), values = document.createElement("span"), sure = document.createElement("span"), holds = document.createElement("strong");
    lane.type = "checkbox";
    lane.checked = place === 0;
    lane.addEventListener("change", () => this.choose(this.shown));
    lane.title = t("structures.lane");
    swatch.style.backgroundColor = color;
    words.textContent = name;
    item.title = t(target ? "structures.target" : "structures.oar", {name});
    label.append(lane, swatch, words);
    values.className = "values";
    sure.className = "sure";
    item.append(label, sure, holds, values);
    return {item, lane, values, sure, holds};
  }

  // Show the decision at an index of a trace.
  show(trace, index) {
    const {axes} = trace.strip, {parts} = trace.data, holders = trace.holders(index);
    this.rows.forEach(({item, values, sure, holds}, place) => {
      const {measure, unit, limit, confidence} = this.known[place], part = parts[place], {reasons} = holders[place];
      const moved = axes.map((axis, of) => `${axis} ${number(part[of ? "cols" : "rows"][index], 1)}`).join(", ");
      write(values, t("structures.values", {moved, measure: textOr(`measure.${measure}`, measure), value: number(part.value[index], 1), limit: Number(limit.toFixed(2)), unit}));
      write(sure, t("structures.confidence", {value: number(part.confidence[index], 2)}));
      sure.title = t("numbers.least", {limit: confidence});
      write(holds, reasons.length ? t("structures.holds") : "");
      holds.title = reasons.map((reason) => reason.words).join(", ");
      item.classList.toggle("holds", reasons.length > 0);
    });
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
