// The alarm that counts now, in the banner: the most urgent tier by shape, colour and word, and its sound.

import {clock} from "./format.js";
import {Sound} from "./alarm-sound.js";
import {t} from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const NONE = "none", HIGH = 3;

// Return the place of the most urgent tier among the reasons of a view, or -1.
export function tierOf(view, words) {
  if (view.state === "ON" || view.phase === "ended") return -1;
  return Math.max(-1, ...view.reasons.map((word) => words[word]?.tier ?? -1));
}

// Return some reasons, the most urgent first and otherwise in their order.
export function byTier(reasons, words) {
  return [...reasons].sort((a, b) => (words[b]?.tier ?? -1) - (words[a]?.tier ?? -1));
}

function part(name, properties = {}, ...inside) {
  const one = document.createElement(name);
  Object.assign(one, properties);
  one.append(...inside);
  return one;
}

// A triangle for an alarm, a circle for information, with the mark of the tier.
function shape({mark, color, ink}, isAlarm) {
  const drawing = document.createElementNS(SVG, "svg"), outline = document.createElementNS(SVG, isAlarm ? "path" : "circle"), text = document.createElementNS(SVG, "text");
  drawing.setAttribute("viewBox", "0 0 48 44");
  drawing.setAttribute("aria-hidden", "true");
  const all = isAlarm ? {d: "M24 2 47 42H1Z"} : {cx: 24, cy: 22, r: 17};
  for (const [name, value] of Object.entries({...all, fill: color, stroke: ink, "stroke-width": 2, "stroke-linejoin": "round"})) outline.setAttribute(name, value);
  for (const [name, value] of Object.entries({x: 24, y: isAlarm ? 37 : 29, fill: ink, "text-anchor": "middle", "font-size": mark.length > 2 ? 17 : 20, "font-weight": 800})) text.setAttribute(name, value);
  text.textContent = mark;
  drawing.append(outline, text);
  return drawing;
}

export class Alarms {
  // `facts` as from `translated`; only a live session sounds.
  constructor(facts, live) {
    this.tiers = facts.tiers;
    this.words = Object.fromEntries(facts.reasons.map((reason) => [reason.word, reason]));
    this.shape = part("span", {className: "tier-shape"});
    this.word = part("b", {className: "tier-word"});
    this.word.setAttribute("role", "status");
    const box = document.getElementById("alarm-tier");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", t("tier.label"));
    box.replaceChildren(this.shape, this.word);
    if (live) box.append(this.offerSound());
    this.set(-1);
  }

  offerSound() {
    this.sound = new Sound((on, left) => this.tell(on, left));
    this.turn = part("button", {type: "button", id: "sound", onclick: () => this.sound.turn(!this.sound.rhythm.on)});
    this.rest = part("button", {type: "button", id: "sound-pause", title: t("sound.pause-title"), onclick: () => this.sound.pause()});
    this.tell(false, null);
    return part("span", {className: "tier-sound"}, this.turn, this.rest);
  }

  tell(on, left) {
    const words = on ? t("sound.on") : t("sound.off"), rest = left === null ? t("sound.pause") : clock(Math.ceil(left));
    if (this.turn.textContent !== words) this.turn.textContent = words;
    this.turn.setAttribute("aria-pressed", String(on));
    if (this.rest.textContent !== rest) this.rest.textContent = rest;
    this.rest.setAttribute("aria-label", left === null ? t("sound.pause-title") : t("sound.paused"));
    this.rest.disabled = !on;
    this.rest.classList.toggle("running", left !== null);
  }

  show(view) {
    this.set(tierOf(view, this.words));
  }

  // Nothing is heard of the session: no link to it is the gravest that there is.
  lost() {
    this.set(HIGH);
  }

  set(place) {
    const tier = this.tiers[place], name = tier?.name ?? NONE;
    if (document.body.dataset.tier === name) return;
    document.body.dataset.tier = name;
    this.shape.replaceChildren(...(tier ? [shape(tier, place > 0)] : []));
    this.word.textContent = t(`tier.${name}`);
    this.word.setAttribute("aria-live", place >= HIGH ? "assertive" : "polite");
    if (this.sound) this.sound.wanted = name;
  }
}
