// The figures that an operator watches, each beside its limit, and the beam-on time that is delivered and left.

import {number} from "./format.js";
import {t} from "./words.js";

const at = (id) => document.getElementById(id);
// Seconds, from a minute on as minutes and seconds.
function duration(seconds) {
  return seconds >= 59.95 ? `${Math.floor(seconds / 60)}:${Math.floor(seconds % 60).toString().padStart(2, "0")} min` : `${seconds.toFixed(1)} s`;
}
const NEAR_S = 15;  // from here on the end of the prescribed time is announced

// Return the seconds since the beam last came on or was held, from the decisions of a trace.
function lasted({t: times, on}, index) {
  let first = index;
  while (first > 0 && on[first - 1] === on[index]) first--;
  return times[index] - times[first];
}

export class Numbers {
  constructor(facts) {
    this.facts = facts;
    this.tiles = {};
  }

  // Show one figure: what it is, its value, and what it is compared with.
  tile(box, name, words, value, beside = "", bad = false) {
    const tile = this.tiles[name] ??= at(box).appendChild(document.createElement("div"));
    if (!tile.firstChild) tile.append(document.createElement("b"), document.createElement("span"));
    tile.id = `tile-${name}`;
    tile.classList.toggle("bad", bad);
    const [figure, label] = tile.children, named = beside ? `${words}, ${beside}` : words;
    if (figure.textContent !== value) figure.textContent = value;
    if (label.textContent !== named) label.textContent = named;
  }

  // `view` as the session tells it; `trace` with the decision at `index`.
  show(view, trace, index) {
    const {data} = trace, {limits, axes} = trace.strip;
    const own = data.parts?.[0], outside = own ? own.value[index] : data.outside[index];
    const confidence = own ? own.confidence[index] : data.confidence[index];
    this.tile("now", "outside", t("numbers.outside"), number(outside, 1, " %"), t("numbers.limit", {limit: `${Number(limits.outside.toFixed(2))} %`}), outside > limits.outside);
    for (const [place, name] of ["rows", "cols"].entries()) {
      const value = data[name][index], sign = value > 0.05 ? "+" : "";
      this.tile("now", name, axes[place], `${sign}${number(value, 1, " mm")}`);
    }
    this.tile("now", "confidence", t("numbers.confidence"), number(confidence, 2), t("numbers.least", {limit: Number(limits.confidence.toFixed(2))}), confidence !== null && confidence < limits.confidence);
    const on = view.state === "ON", since = view.state_s ?? (index < 0 ? null : lasted(data, index));
    this.tile("now", "since", t(on ? "numbers.in-beam" : "numbers.in-hold"), since === null ? "–" : duration(since));
    if (view.breath_hold) this.tile("now", "breath", t("numbers.breath-hold"), `${view.breath_hold}`);
    this.delivered(view);
  }

  delivered(view) {
    const prescribed = this.facts.beam_s, {beam_on_s} = view, left = Math.max(prescribed - beam_on_s, 0);
    this.tile("delivered", "beam-on", t("dose.delivered"), duration(beam_on_s), prescribed ? t("dose.of", {prescribed: duration(prescribed)}) : "");
    if (prescribed) this.tile("delivered", "remaining", t("dose.remaining"), duration(left));
    this.tile("delivered", "duty", t("dose.duty"), number(view.duty_cycle === null ? null : 100 * view.duty_cycle, 1, " %"));
    this.tile("delivered", "holds", t("dose.holds"), `${view.holds}`);
    at("done").hidden = at("at-end").hidden = !prescribed;
    if (!prescribed) return;
    at("done").value = Math.min(beam_on_s / prescribed, 1);
    const stops = this.facts.stop_at_prescribed ? "stops" : "goes-on";
    const words = left === 0 ? t(`dose.done-${stops}`) : t(`dose.${stops}`);
    if (at("at-end").textContent !== words) at("at-end").textContent = words;
    at("at-end").classList.toggle("near", left < NEAR_S);
  }
}
