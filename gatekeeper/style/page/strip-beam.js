// The lane of the beam: a ribbon of beam-on and holds, with the reasons as text where they fit.

import {runs, span} from "./strip-curves.js";
import {FONT, SMALL_FONT, fitting, hatch, word} from "./strip-ink.js";

const RIBBONS = 0.22, DARK = "#3a3f45";  // share of the lane of the beam for a ribbon of each structure, and what is behind them
const LEAST_LETTERS = 6, LETTERS_PX = 9;

// Beam-on fills the lane; a hold fills its lower half, hatched, in the colour of its category, below its reasons.
export function beam(strip, ink, lane, {on, kind, who, why}) {
  for (const [first, next] of runs(strip, (i) => `${on[i]} ${kind[i]} ${who?.[i] ?? ""}`)) {
    const [begin, wide] = span(strip, first, next);
    ink.fillStyle = on[first] ? strip.colors.on : strip.kinds[Math.max(kind[first], 0)].color;
    const top = on[first] ? lane.top : lane.top + lane.height / 2;
    const height = on[first] ? lane.height : lane.height / 2;
    ink.fillRect(begin, top, wide, height);
    if (on[first] && wide > 24) word(ink, strip.words.on, begin + wide / 2, lane.top + lane.height / 2, "#ffffff");
    else if (!on[first] && wide > 5) hatch(ink, begin, top, wide, height, "#ffffff");
    if (!on[first] && who?.[first].length) ribbons(strip, ink, lane, who[first], begin, wide);
  }
  reasons(strip, ink, lane, {on, kind, who, why});
}

// Above a hold: a ribbon in the colour of each structure that held.
function ribbons(strip, ink, lane, names, begin, wide) {
  const high = lane.height * RIBBONS, top = lane.top + lane.height / 2 - high, each = high / strip.structures.length;
  ink.fillStyle = DARK;
  ink.fillRect(begin, top, wide, high);
  strip.structures.forEach(({name, color}, place) => {
    if (!names.includes(name)) return;
    ink.fillStyle = color;
    ink.fillRect(begin, top + place * each, wide, each);
  });
}

// Write why the beam is held; a second beam without reasons of its own has the words of its categories.
function reasons(strip, ink, lane, {on, kind, who, why}) {
  const text = (i) => on[i] ? "" : why ? why[i] : strip.kinds[Math.max(kind[i], 0)].words;
  ink.font = SMALL_FONT;
  for (const [first, next] of runs(strip, (i) => `${text(i)} ${who?.[i] ?? ""}`)) {
    if (!text(first)) continue;
    const names = who?.[first] ?? [], [begin, wide] = span(strip, first, next);
    const high = lane.height * (0.5 - (names.length ? RIBBONS : 0));
    if (high < LETTERS_PX) continue;
    const short = names.length > 1 ? `${names[0]} +${names.length - 1}` : names[0];
    const wanted = [text(first), ...(names.length ? [names.join(", "), short] : [])];
    const found = wanted.find((words) => ink.measureText(words).width <= wide) ?? fitting(ink, wanted.at(-1), wide);
    if (!wanted.includes(found) && found.length <= LEAST_LETTERS) continue;
    word(ink, found, begin + wide / 2, lane.top + high / 2, strip.colors.text);
    lane.written.push(found);
  }
  ink.font = FONT;
}
