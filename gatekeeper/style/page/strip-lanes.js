// The lanes of the strip with an axis: motion, share outside, a further structure, and confidence.

import {axisStep, limitOf, short} from "./format.js";
import {curve, lastOf, rangeOf, runs, span} from "./strip-curves.js";
import {FAINT, FONT, SHADE, SMALL_FONT, hatch, line, rimmed, spread, word} from "./strip-ink.js";
import {filled} from "./strip-words.js";

const TICK_APART = 12, TICK_HALF = 4;
const ASKED_DASHES = [7, 3];

// Draw the axis of a lane: round values with grid lines.
function scale(strip, ink, lane, y, low, high) {
  const {colors} = strip, step = axisStep(low, high, Math.floor(lane.height / TICK_APART) + 1);
  ink.lineWidth = 1;
  ink.font = SMALL_FONT;
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n++) {
    ink.strokeStyle = n === 0 ? colors.zero : colors.grid;
    line(ink, strip.begin, y(n * step), strip.end, y(n * step));
    const at = Math.min(Math.max(y(n * step), lane.top + TICK_HALF), lane.top + lane.height - TICK_HALF);
    word(ink, short(n * step, step), strip.begin - 6, at, colors.text, "right");
  }
  ink.font = FONT;
}

// Write what lines are beside their ends: labels [{text, value, color}], the most important first.
function tell(strip, ink, lane, y, labels) {
  const {top, height} = lane, known = labels.filter(({value}) => value !== null && value !== undefined);
  ink.font = SMALL_FONT;
  for (const {text, y: at, color} of spread(known.map((one) => ({...one, y: y(one.value)})), top, top + height)) {
    if (strip.outer) word(ink, text, strip.end + 5, at, color, "left");
    else rimmed(ink, text, strip.end - 3, at, color, strip.colors.paper, "right");
  }
  lane.labels = known.map(({text}) => text);
  ink.font = FONT;
}

function level(strip, ink, y, color, dash) {
  ink.strokeStyle = color;
  ink.lineWidth = 1;
  ink.setLineDash(dash);
  line(ink, strip.begin, y, strip.end, y);
  ink.setLineDash([]);
}

// A position of low confidence may be anywhere; clip it at the edge so that it does not flatten the others.
export function movement(strip, ink, lane) {
  const {colors, data, limits: {margin, confidence}, axes} = strip, asked = strip.asked?.[0].margin;
  const least = Math.max(margin, asked ?? 0) + 1;
  const [low, high] = rangeOf(strip, [data.rows, data.cols], -least, least, (i) => data.confidence[i] >= confidence);
  const y = (value) => lane.top + (high - Math.min(Math.max(value, low), high)) / (high - low) * lane.height;
  ink.fillStyle = colors.band + FAINT;
  ink.fillRect(strip.begin, y(margin), strip.end - strip.begin, y(-margin) - y(margin));
  scale(strip, ink, lane, y, low, high);
  if (asked !== undefined && asked !== margin) for (const side of [asked, -asked]) level(strip, ink, y(side), colors.band, ASKED_DASHES);
  curve(strip, ink, data.cols, y, colors.ap, 1.2, [5, 2]);
  curve(strip, ink, data.rows, y, colors.si, 1.5, []);
  expected(strip, ink, y, data.cols, 2, colors.ap);
  expected(strip, ink, y, data.rows, 1, colors.si);
  lane.values = [[data.rows, y, colors.si], [data.cols, y, colors.ap]];
  tell(strip, ink, lane, y, [
    {text: axes[0] ?? "", value: lastOf(strip, data.rows), color: colors.si}, {text: axes[1] ?? "", value: lastOf(strip, data.cols), color: colors.ap},
    {text: `±${limitOf(margin, "mm")}`, value: margin || null, color: colors.text},
    ...(asked !== undefined && asked !== margin ? [{text: filled(strip.words.asked, {value: `±${limitOf(asked, "mm")}`}), value: -asked, color: colors.text}] : []),
  ]);
}

// Draw the band in which the target is expected, from the newest position on.
function expected(strip, ink, y, values, place, color) {
  const now = strip.data.t.length - 1;
  if (!strip.ahead.length || values[now] === null || strip.view[1] <= strip.data.t[now]) return;
  const points = [[strip.data.t[now], values[now], 0], ...strip.ahead.map((one) => [one[0], one[place], one[place + 2]])];
  ink.fillStyle = color + SHADE;
  ink.beginPath();
  for (const [t, value, spreadMm] of points) ink.lineTo(strip.x(t), y(value + spreadMm));
  for (const [t, value, spreadMm] of points.reverse()) ink.lineTo(strip.x(t), y(value - spreadMm));
  ink.fill();
}

// The share of the primary target outside, with its limits and, where there is one, the share ahead.
export function share(strip, ink, lane) {
  const {data, limits, colors} = strip;
  if (lane.of === 0) holds(strip, ink, lane, data.parts[0].kind);
  limited(strip, ink, lane, data.outside, {...limits, limit: limits.outside, unit: "%", ahead: data.predicted, color: colors.si});
}

// The lane of a further structure: what is measured of it, its own limit, and when it held.
export function part(strip, ink, lane) {
  const {value, kind} = strip.data.parts[lane.of];
  holds(strip, ink, lane, kind);
  limited(strip, ink, lane, value, {...strip.structures[lane.of], ahead: null, color: strip.colors.si});
}

function limited(strip, ink, lane, values, {limit, resume, unit, ahead, color}) {
  const {colors} = strip, asked = strip.asked?.[lane.of ?? 0].limit, other = asked !== undefined && asked !== limit;
  const [, high] = rangeOf(strip, ahead ? [values, ahead] : [values], 0, Math.max(2 * limit, other ? 1.2 * asked : 0, 1));
  const y = (value) => lane.top + (high - Math.min(value, high)) / high * lane.height;
  scale(strip, ink, lane, y, 0, high);
  level(strip, ink, y(limit), colors.limit, []);
  level(strip, ink, y(resume), colors.limit, [2, 3]);
  if (other) level(strip, ink, y(asked), colors.limit, ASKED_DASHES);
  if (ahead) curve(strip, ink, ahead, y, colors.ap, 1, [3, 2]);
  curve(strip, ink, values, y, color, 1.3, []);
  lane.values = [[values, y, color], ...(ahead ? [[ahead, y, colors.ap]] : [])];
  const foreseen = ahead ? lastOf(strip, ahead) : null;
  tell(strip, ink, lane, y, [
    {text: filled(strip.words.limit, {value: limitOf(limit, unit)}), value: limit, color: colors.text},
    ...(other ? [{text: filled(strip.words.asked, {value: limitOf(asked, unit)}), value: asked, color: colors.text}] : []),
    ...(resume === limit ? [] : [{text: filled(strip.words.resume, {value: limitOf(resume, unit)}), value: resume, color: colors.text}]),
    {text: strip.words.ahead, value: foreseen, color: colors.ap},
  ]);
}

// Shade the time in which a structure held, in the colour of the category.
function holds(strip, ink, lane, kind) {
  for (const [first, next] of runs(strip, (i) => kind[i])) {
    if (kind[first] < 0) continue;
    const [begin, wide] = span(strip, first, next);
    ink.fillStyle = strip.kinds[kind[first]].color + SHADE;
    ink.fillRect(begin, lane.top, wide, lane.height);
    hatch(ink, begin, lane.top, wide, lane.height, strip.colors.paper);
  }
}

export function sureness(strip, ink, lane) {
  const {colors, data, limits} = strip, asked = strip.asked?.[0].confidence, other = asked !== undefined && asked !== limits.confidence;
  const y = (value) => lane.top + (1 - value) * lane.height;
  scale(strip, ink, lane, y, 0, 1);
  level(strip, ink, y(limits.confidence), colors.limit, []);
  if (other) level(strip, ink, y(asked), colors.limit, ASKED_DASHES);
  curve(strip, ink, data.confidence, y, colors.si, 1.3, []);
  lane.values = [[data.confidence, y, colors.si]];
  tell(strip, ink, lane, y, [
    {text: filled(strip.words.limit, {value: limitOf(limits.confidence, "")}), value: limits.confidence, color: colors.text},
    ...(other ? [{text: filled(strip.words.asked, {value: limitOf(asked, "")}), value: asked, color: colors.text}] : []),
  ]);
}
