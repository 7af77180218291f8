// The strip: displacement, share outside, confidence and beam over time, on one canvas.
//
// data: {t, rows, cols, outside, predicted, confidence: arrays of number or null, on: array of 0/1, kind: array of index into
// kinds (-1 when on), why: array of text}; limits: {margin, outside, resume, confidence}; kinds: [{color, words}].
// rows and cols are the displacement along the patient axes of the image's rows and columns; axes: their names.
// other: null, or {on, kind: as in data, name} for a second beam below the first; asked: null, or the limits
// {margin, limit, confidence} of each structure with which that beam was judged, drawn dashed where they differ.
//
// With several structures, strip.structures is their list [{name, color, measure, unit, limit, resume}], the primary target
// first, whose values are those above; data.parts is for each structure {rows, cols, value, confidence, kind} in time, kind
// being that of its own hold (-1 without); data.who are the names of those who held. strip.shown is the set of structures, by
// their places, that have a lane.
// strip.ahead: where the target is expected after the newest decision, [time, rows, cols, spread of rows, spread of cols].
// The view is [from, to] in seconds; draw() paints it, at(x) returns the decision at a pixel.
// strip.large: null, or the key of the lane that has the room of all others but the beam's.

import {clock, timeStep} from "./format.js";
import {beam} from "./strip-beam.js";
import {FONT, TITLE_FONT, fitting, inks, line, rimmed, word} from "./strip-ink.js";
import {movement, part, share, sureness} from "./strip-lanes.js";
import {WORDS} from "./strip-words.js";

const TICKS_WIDE = 46, LABELS_WIDE = 84, EDGE = 8, TOP = 6, GAP = 11, AXIS = 20;
const ROOMY = 560;  // least width of a canvas with labels beside the plot, in px
const LANES = [
  {key: "motion", share: 0.42, paint: movement}, {key: "outside", unit: "%", share: 0.24, paint: share},
  {key: "confidence", share: 0.16, paint: sureness}, {key: "beam", share: 0.18, paint: beam},
];
const TIME_ROOM = 56, CURSOR_ROOM = 46;
const UNIT = 190;  // height in px of lanes with a share of 1
const PART_SHARE = 0.4, BEAM_SHARE = 0.26, LARGE_SHARE = 0.8;
const BAR = 4;

export class Strip {
  constructor(canvas, kinds, limits) {
    this.canvas = canvas;
    this.kinds = kinds;
    this.limits = limits;
    this.words = WORDS;
    this.axes = [];  // before the first image they are not known
    this.data = {t: [], rows: [], cols: [], outside: [], predicted: [], confidence: [], on: [], kind: [], why: []};
    this.other = this.asked = null;
    this.ahead = [];
    this.structures = [];
    this.shown = new Set([0]);
    this.large = null;
    this.view = [0, 1];
    this.cursor = null;
    this.finest = 1;  // smallest number of canvas pixels per CSS pixel; larger for printing
    this.lanes = [];
  }

  get whole() {
    const t = this.data.t;
    return t.length ? [t[0], Math.max(t[t.length - 1], t[0] + 1)] : [0, 1];
  }

  // Clip a view to the data and to at least one second.
  look(from, to) {
    const [first, last] = this.whole;
    const length = Math.min(Math.max(to - from, 1), last - first);
    const begin = Math.min(Math.max(from, first), last - length);
    this.view = [begin, begin + length];
    this.draw();
  }

  zoom(factor, around) {
    const [from, to] = this.view;
    const middle = around ?? (from + to) / 2;
    this.look(middle - (middle - from) * factor, middle + (to - middle) * factor);
  }

  // Labels stand beside the plot where there is room, otherwise in it.
  get outer() {
    return this.width >= ROOMY;
  }

  get begin() {
    return TICKS_WIDE;
  }

  get end() {
    return this.width - (this.outer ? LABELS_WIDE : EDGE);
  }

  seconds(x) {
    const [from, to] = this.view;
    return from + (x - this.begin) / Math.max(this.end - this.begin, 1) * (to - from);
  }

  // Return the index of the decision at a pixel, or -1.
  at(x) {
    return x < this.begin || x > this.end ? -1 : this.index(this.seconds(x));
  }

  // Return the index of the last decision at or before a time.
  index(seconds) {
    const t = this.data.t;
    let low = 0, high = t.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (t[middle] <= seconds) low = middle + 1; else high = middle;
    }
    return low - 1;
  }

  // Give a lane all room but that of the beam, or each lane its own again.
  enlarge(key) {
    this.large = this.large === key ? null : key;
    this.draw();
  }

  // Return the key of the lane whose name is at a point of the canvas, or null.
  named(x, y) {
    const found = this.lanes.find(({title}) => title && x >= title.left && x <= title.right && Math.abs(y - title.middle) <= title.half);
    return found?.key ?? null;
  }

  draw() {
    const ratio = Math.max(window.devicePixelRatio || 1, this.finest);
    const box = this.canvas.getBoundingClientRect();
    this.width = box.width;
    this.height = box.height;
    if (this.canvas.width !== Math.round(box.width * ratio) || this.canvas.height !== Math.round(box.height * ratio)) {
      this.canvas.width = Math.round(box.width * ratio);
      this.canvas.height = Math.round(box.height * ratio);
    }
    const ink = this.canvas.getContext("2d");
    this.colors = inks(this.canvas);
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.clearRect(0, 0, box.width, box.height);
    ink.font = FONT;
    ink.lineJoin = "round";
    const own = this.chosen(), lanes = this.other ? [...own, {...own.at(-1), key: "other", name: this.other.name, data: this.other}] : own;
    const room = (box.height - TOP - AXIS - GAP * (lanes.length - 1)) / lanes.reduce((sum, lane) => sum + lane.share, 0);
    let y = TOP;
    this.lanes = lanes.map((lane) => {
      const height = room * lane.share, top = y;
      y += height + GAP;
      return {...lane, top, height, labels: [], written: [], values: []};
    });
    const [from, to] = this.view;
    this.first = Math.max(this.index(from), 0);
    this.last = Math.min(this.index(to) + 1, this.data.t.length - 1);
    this.times(ink);
    for (const lane of this.lanes) {
      lane.paint(this, ink, lane, lane.data ?? this.data);
      this.name(ink, lane);
    }
    if (this.cursor !== null) this.mark(ink);
    this.describe();
  }

  // Tell readers of the screen which lanes and lines there are; the words of the cursor are told beside the canvas.
  describe() {
    const text = this.lanes.map(({name, labels, written}) => [name, [...labels, ...new Set(written)].filter(Boolean).join(", ")].filter(Boolean).join(": ")).join("; ");
    if (this.canvas.getAttribute("aria-description") !== text) this.canvas.setAttribute("aria-description", text);
  }

  // The lanes with an axis: those of the primary target, and one of each further structure that is shown.
  get measured() {
    const several = this.structures.length > 1;
    const first = LANES.slice(0, -1).map((lane) => ({...lane, label: this.words[lane.key], ...(several ? {of: 0} : {})})).map((lane) => ({...lane, name: this.title(lane)}));
    const others = this.structures.map(({name, measure, unit}, of) => ({key: `part${of}`, label: name, name: `${measure}, ${unit}`, share: PART_SHARE, paint: part, of})).slice(1);
    return several ? [...(this.shown.has(0) ? first : []), ...others.filter(({of}) => this.shown.has(of))] : first;
  }

  title({key, label, unit}) {
    return key === "motion" ? `${this.axes.join(", ") || label}, mm` : unit ? `${label}, ${unit}` : label;
  }

  // The lanes to draw: the large one or all, and the beam.
  chosen() {
    const {measured} = this, last = {...LANES.at(-1), name: this.words.beam}, large = measured.find(({key}) => key === this.large);
    if (large) return [{...large, share: LARGE_SHARE}, {...last, share: 1 - LARGE_SHARE}];
    return [...measured, this.structures.length > 1 ? {...last, share: BEAM_SHARE} : last];
  }

  // Height of the canvas, in px, in which each lane is as high as usual.
  get tall() {
    const lanes = this.chosen();
    return Math.round(TOP + AXIS + GAP * (lanes.length - 1) + UNIT * lanes.reduce((sum, lane) => sum + lane.share, 0));
  }

  x(seconds) {
    const [from, to] = this.view;
    return this.begin + (seconds - from) / (to - from) * (this.end - this.begin);
  }

  times(ink) {
    const [from, to] = this.view;
    const step = timeStep((to - from) / Math.min(Math.max(Math.floor((this.end - this.begin) / TIME_ROOM), 2), 12));
    for (let s = Math.ceil(from / step) * step; s <= to; s += step) {
      ink.strokeStyle = this.colors.grid;
      ink.lineWidth = 1;
      line(ink, this.x(s), TOP, this.x(s), this.height - AXIS);
      // The time at the cursor has the place of its neighbours.
      if (this.cursor !== null && Math.abs(this.x(s) - this.x(this.cursor)) < CURSOR_ROOM) continue;
      const text = clock(s, step), half = ink.measureText(text).width / 2;
      word(ink, text, Math.min(this.x(s), this.width - half), this.height - AXIS / 2, this.colors.text);
    }
  }

  // Write the name of a lane at its upper left, behind the colour of the structure that it belongs to.
  name(ink, lane) {
    const structure = this.structures[lane.of];
    if (structure) {
      ink.fillStyle = structure.color;
      ink.strokeStyle = this.colors.text;
      ink.lineWidth = 0.5;
      ink.fillRect(1, lane.top, BAR, lane.height);
      ink.strokeRect(1, lane.top, BAR, lane.height);
    }
    ink.font = TITLE_FONT;
    const room = (this.end - this.begin) / 2, text = fitting(ink, structure ? `${structure.name}: ${lane.name}` : lane.name, room);
    const wide = ink.measureText(text).width, left = this.begin + 4, middle = lane.top + 6;
    if (lane.paint === beam) {
      word(ink, fitting(ink, text, TICKS_WIDE - 4), this.begin - 6, lane.top + lane.height / 2, this.colors.text, "right");
    } else {
      rimmed(ink, text, left, middle, this.colors.text, this.colors.paper, "left");
      lane.title = {left: left - 4, right: left + wide + 6, middle, half: 9};
    }
    ink.font = FONT;
  }

  // Mark the decision at the cursor: a line, and a dot on each curve.
  mark(ink) {
    const x = this.x(this.cursor), index = this.index(this.cursor);
    if (x < this.begin - 1 || x > this.end + 1) return;
    ink.strokeStyle = this.colors.text;
    ink.lineWidth = 1;
    line(ink, x, TOP, x, this.height - AXIS);
    for (const {values} of this.lanes) {
      for (const [curve, y, color] of values) {
        if (curve[index] === null || curve[index] === undefined) continue;
        ink.fillStyle = color;
        ink.beginPath();
        ink.arc(x, y(curve[index]), 3, 0, 7);
        ink.fill();
      }
    }
    ink.font = TITLE_FONT;
    const label = clock(this.cursor, 0.1), half = ink.measureText(label).width / 2 + 6, at = Math.min(Math.max(x, this.begin + half), this.end - half);
    word(ink, label, at, this.height - AXIS / 2, this.colors.text);
    ink.font = FONT;
  }
}
