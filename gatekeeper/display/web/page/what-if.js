// Judge the whole session again under another margin and limit, and compare.

import {duration} from "./panel.js";
import {post} from "./link.js";

const at = (id) => document.getElementById(id);
const WAIT_MS = 120;
const FIGURES = [
  ["Duty cycle", (one) => one.duty_cycle === null ? "–" : `${(100 * one.duty_cycle).toFixed(1)} %`],
  ["Beam on", (one) => duration(one.beam_on_s)],
  ["Holds", (one) => String(one.holds)],
  ["Beam on outside limits", (one) => duration(one.on_while_out_s)],
];

// A number field and a slider with the same value.
class Setting {
  constructor(id, own, step, most, limit, changed) {
    this.number = at(id);
    this.slide = at(`${id}-slide`);
    this.own = own;
    for (const input of [this.number, this.slide]) input.min = 0;
    this.number.max = limit;
    this.slide.max = Math.max(most, Math.ceil(own));
    // A value between two steps of the slider must not be rounded.
    this.number.step = "any";
    this.slide.step = Math.abs(own / step - Math.round(own / step)) < 1e-9 ? step : "any";
    this.number.addEventListener("input", () => {
      if (!this.number.checkValidity() || this.number.value === "") return;
      this.slide.value = this.number.value;
      changed();
    });
    this.slide.addEventListener("input", () => {
      this.number.value = Number(Number(this.slide.value).toFixed(3));
      changed();
    });
    this.reset();
  }

  get value() {
    return Number(this.number.value);
  }

  reset() {
    this.number.value = this.slide.value = this.own;
  }
}

export function offerWhatIf(facts, player) {
  const {strip} = player.trace;
  let timer = null, asking = false, again = false;
  const later = () => {
    at("judged").textContent = "…";
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  };
  const margin = new Setting("margin", facts.margin_mm, 0.1, 10, 50, later);
  const outside = new Setting("outside", facts.outside_percent, 0.5, 50, 100, later);

  // One request at a time; meanwhile only the latest values are kept for the next request.
  async function ask() {
    again = asking;
    if (asking) return;
    asking = true;
    try {
      do {
        again = false;
        const found = await post("/what-if", {margin_mm: margin.value, outside_percent: outside.value});
        if (found.accepted) show(found); else at("judged").textContent = found.note;
      } while (again);
    } catch {
      at("judged").textContent = "the console does not answer";
    }
    asking = false;
  }

  function show(found) {
    at("compared").replaceChildren(...FIGURES.map(([name, words]) => {
      const row = document.createElement("tr");
      for (const [text, n] of [[name, ""], [words(found.original), "n"], [words(found.now), "n"]]) {
        const cell = document.createElement("td");
        cell.textContent = text;
        cell.className = n;
        row.append(cell);
      }
      return row;
    }));
    strip.other = {name: "what if", ...beamOf(found.ribbon, player.length)};
    strip.draw();
    at("judged").textContent = `${found.margin_mm} mm, ${found.outside_percent} %`;
    Object.assign(document.body.dataset, {margin: found.margin_mm, outside: found.outside_percent});
  }

  at("own").addEventListener("click", () => {
    margin.reset();
    outside.reset();
    later();
  });
  at("what-if").hidden = false;
  ask();
}

// Runs of [first decision, kind], -1 for beam-on, as one entry for each decision.
export function beamOf(runs, length) {
  const kind = new Array(length);
  runs.forEach(([first, value], number) => kind.fill(value, first, runs[number + 1]?.[0] ?? length));
  return {kind, on: kind.map((value) => value < 0 ? 1 : 0)};
}
