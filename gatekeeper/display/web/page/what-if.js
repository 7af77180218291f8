// Judge the whole session again with other limits, for each structure, and compare.

import {duration} from "./panel.js";
import {post} from "./link.js";
import {colorOf} from "./strip-ink.js";
import {language, t} from "./words.js";

const at = (id) => document.getElementById(id);
const WAIT_MS = 120;
const FIGURES = [
  ["what-if.duty", (one) => one.duty_cycle === null ? "–" : `${(100 * one.duty_cycle).toFixed(1)} %`],
  ["what-if.beam-on", (one) => duration(one.beam_on_s)],
  ["what-if.holds", (one) => String(one.holds)],
  ["what-if.out", (one) => duration(one.on_while_out_s)],
  ["what-if.exposed", (one) => one.exposed_percent === null ? "–" : `${one.exposed_percent.toFixed(2)} %`],
];
// Settings of a structure: id and key of the words of the field, unit, step and end of the slider, least and largest value.
const SETTINGS = {
  margin_mm: {id: "margin", words: "what-if.margin", unit: "mm", step: 0.1, most: 10, low: 0, high: 50},
  zone_margin_mm: {id: "margin", words: "what-if.zone-margin", unit: "mm", step: 0.1, most: 10, low: 0, high: 50},
  outside_percent: {id: "outside", words: "what-if.outside", unit: "%", step: 0.5, most: 50, low: 0, high: 100},
  overlap_percent: {id: "outside", words: "what-if.overlap", unit: "%", step: 0.5, most: 50, low: 0, high: 100},
  overlap_mm2: {id: "outside", words: "what-if.overlap", unit: "mm²", step: 1, most: 200, low: 0, high: 100000},
  nearer_mm: {id: "outside", words: "what-if.nearer", unit: "mm", step: 0.1, most: 10, low: 0, high: 100},
  risk_percent: {id: "risk", words: "what-if.risk", unit: "%", step: 0.1, most: 5, low: 0, high: 10},
  min_confidence: {id: "confidence", words: "what-if.confidence", unit: "", step: 0.01, most: 1, low: 0.01, high: 1},
};

function element(name, properties = {}, ...inside) {
  const one = document.createElement(name);
  Object.assign(one, properties);
  one.append(...inside);
  return one;
}

// A number field and a slider with the same value.
class Setting {
  constructor(name, own, value, changed) {
    const {id, words, unit, step, most, low, high} = SETTINGS[name];
    const text = unit ? `${t(words)}, ${unit}` : t(words);
    // A value between two steps of the slider must not be rounded.
    const fine = Math.abs(own / step - Math.round(own / step)) < 1e-9 ? step : "any";
    this.slide = element("input", {type: "range", id: `${id}-slide`, min: low, max: Math.max(most, Math.ceil(own)), step: fine, value});
    this.slide.setAttribute("aria-label", text);
    this.number = element("input", {type: "number", id, min: low, max: high, step: "any", value});
    this.row = element("div", {className: "slide"}, element("label", {htmlFor: id, textContent: text}), this.slide, this.number);
    this.number.addEventListener("input", () => {
      if (!this.number.checkValidity() || this.number.value === "") return;
      this.slide.value = this.number.value;
      changed(name, Number(this.number.value));
    });
    this.slide.addEventListener("input", () => {
      this.number.value = Number(Number(this.slide.value).toFixed(3));
      changed(name, Number(this.number.value));
    });
  }
}

const ASKED_DASHES = [2, 4];

// Draw the zones of the question on the cine, moved as the envelope of the decision that is shown is.
function zonesOver(cine, structures) {
  const changed = structures.filter(({zone_px, own, limits}) => zone_px && ["margin_mm", "zone_margin_mm"].some((name) => limits[name] !== own[name]));
  const several = structures.length > 1, entry = at("asked-zone") ?? at("lines").appendChild(element("li", {id: "asked-zone"}, element("i", {className: "line asked"}), t("what-if.zone")));
  cine.over = changed.length ? (ink, place) => {
    const [down, right] = cine.view.shift_px ?? [0, 0];
    for (const {zone_px, color} of changed) {
      const points = {data: zone_px.flatMap(([row, col]) => [row + down, col + right]), shape: [zone_px.length, 2]};
      cine.outline(ink, place, points, several ? color : colorOf("envelope"), 1.6, ASKED_DASHES);
    }
  } : null;
  entry.hidden = !changed.length;
  cine.draw();
}

export function offerWhatIf(player, cine) {
  const {strip} = player.trace, which = at("which");
  let timer = null, asking = false, again = false, structures = [], risk = null, asRecorded = null;
  const asked = {};  // by structure and setting

  function later() {
    at("judged").textContent = "…";
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  }

  // One request at a time; meanwhile only the latest values are kept for the next request.
  async function ask() {
    again = asking;
    if (asking) return;
    asking = true;
    try {
      do {
        again = false;
        const found = await post("/what-if", {structures: asked, ...(risk === null ? {} : {risk_percent: risk})});
        if (found.accepted) show(found); else at("judged").textContent = found.note;
      } while (again);
    } catch {
      at("judged").textContent = t("lost.no-answer");
    }
    asking = false;
  }

  // Offer the settings of the structure that is chosen.
  function choose() {
    const {name, own} = structures[which.selectedIndex];
    at("limits").replaceChildren(...Object.entries(own).map(([setting, value]) =>
      new Setting(setting, value, asked[name]?.[setting] ?? value, (changed, to) => {
        (asked[name] ??= {})[changed] = to;
        later();
      }).row));
    // The share of the time is that of all structures together, and needs a prediction.
    if (asRecorded !== null) at("limits").append(new Setting("risk_percent", asRecorded, risk ?? asRecorded, (_, to) => {
      risk = to;
      later();
    }).row);
  }

  function show(found) {
    if (!structures.length) {
      structures = found.structures;
      asRecorded = found.predicts ? found.risk_percent ?? 0 : null;
      which.replaceChildren(...structures.map(({name, avoid}) => element("option", {textContent: avoid ? t("what-if.oar", {name}) : name})));
      at("which-row").hidden = structures.length < 2;
      choose();
    }
    const held = found.structures.filter((one) => one.held !== null);
    at("compared").replaceChildren(
      ...FIGURES.map(([name, words]) => row([t(name)], words(found.original), words(found.now))),
      ...held.map(({name, color, held: [was, now]}) => row([swatch(color), t("what-if.held", {name})], `${was}`, `${now}`)),
    );
    strip.other = {name: t("what-if.ribbon"), ...beamOf(found.ribbon, player.length)};
    strip.asked = found.structures.map(({limits, limit}) => ({margin: limits.margin_mm, limit, confidence: limits.min_confidence}));
    strip.draw();
    zonesOver(cine, found.structures);
    at("judged").textContent = [changes(found.structures), risk === null || risk === asRecorded ? "" : t("what-if.risk-is", {risk})].filter(Boolean).join("; ") || t("what-if.recorded");
    const {limits} = found.structures[which.selectedIndex];
    const [limit] = Object.entries(limits).find(([name]) => SETTINGS[name].id === "outside");
    Object.assign(document.body.dataset, {
      margin: limits.margin_mm ?? limits.zone_margin_mm ?? "", outside: limits[limit], confidence: limits.min_confidence,
    });
  }

  which.addEventListener("change", choose);
  at("own").addEventListener("click", () => {
    for (const name of Object.keys(asked)) delete asked[name];
    risk = null;
    if (structures.length) choose();
    later();
  });
  at("what-if").hidden = false;
  ask();
}

function swatch(color) {
  const mark = element("i");
  mark.style.background = color;
  return mark;
}

function row(first, ...numbers) {
  return element("tr", {}, element("td", {}, ...first), ...numbers.map((textContent) => element("td", {className: "n", textContent})));
}

// English nouns are small within a text.
function inText(words) {
  return language === "en" ? words.toLowerCase() : words;
}

// Return what differs from the session, as words; structures are named where there are several.
function changes(structures) {
  return structures.map(({name, own, limits}) => {
    const words = Object.entries(limits).filter(([setting, value]) => value !== own[setting]).map(([setting, value]) => {
      const {words: what, unit} = SETTINGS[setting];
      return `${inText(t(what))} ${value}${unit && ` ${unit}`}`;
    }).join(", ");
    return words && structures.length > 1 ? `${name}: ${words}` : words;
  }).filter(Boolean).join("; ");
}

// Runs of [first decision, kind], -1 for beam-on, as one entry for each decision.
export function beamOf(runs, length) {
  const kind = new Array(length);
  runs.forEach(([first, value], number) => kind.fill(value, first, runs[number + 1]?.[0] ?? length));
  return {kind, on: kind.map((value) => value < 0 ? 1 : 0)};
}
