// The strip: displacement, share outside, confidence and beam over time, on one canvas.
//
// data: {t, rows, cols, outside, predicted, confidence: arrays of number or null, on: array of 0/1, kind: array of index into
// kinds (-1 when on), why: array of text}; limits: {margin, outside, resume, confidence}; kinds: [{color, words}].
// rows and cols are the displacement along the patient axes of the image's rows and columns; axes: their names.
// other: null, or {on, kind: as in data, name} for a second beam below the first.
//
// With several structures, strip.structures is their list [{name, color, measure, unit, limit, resume}], the primary target
// first, whose values are those above; data.parts is for each structure {rows, cols, value, confidence, kind} in time, kind
// being that of its own hold (-1 without); data.who are the names of those who held. strip.shown is the set of structures, by
// their places, that have a lane.
// strip.ahead: where the target is expected after the newest decision, [time, rows, cols, spread of rows, spread of cols].
// The view is [from, to] in seconds; draw() paints it, at(x) returns the decision at a pixel.

const FONT = "12px system-ui, sans-serif";
const LEFT = 108, RIGHT = 10, TOP = 8, GAP = 14, AXIS = 22;
const LANES = [
  {name: "", share: 0.46, drawn: "movement"}, {name: "outside (%)", share: 0.24, drawn: "share"},
  {name: "confidence", share: 0.16, drawn: "sureness"}, {name: "beam", share: 0.14, drawn: "beam"},
];
// Colours come from the style of the page, which the server takes from gatekeeper/style/colors.py.
export const colorOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const FAINT = "2e", SHADE = "66";  // opacity of the band and of holds in a lane, in hexadecimal
const INK = {
  si: colorOf("si"), ap: colorOf("ap"), limit: colorOf("limit"), band: colorOf("envelope") + FAINT, on: colorOf("on"),
  grid: "#dddddd", zero: "#999999", text: "#333333",
};
const TICK_APART = 26;
const RIBBONS = 0.22, DARK = "#3a3f45";  // share of the lane of the beam for a ribbon of each structure, and what is behind them
const TIME_ROOM = 56, LEAST_LETTERS = 4;
const UNIT = 158;  // height in px of lanes with a share of 1
const PART_SHARE = 0.4, BEAM_SHARE = 0.3, LEAST_LANE = 12;
const BAR = 4, NAME_ROOM = 74, NAME_FONT = "600 12px system-ui, sans-serif", SMALL_FONT = "10.5px system-ui, sans-serif";
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

export class Strip {
  constructor(canvas, kinds, limits) {
    this.canvas = canvas;
    this.kinds = kinds;
    this.limits = limits;
    this.axes = [];  // before the first image they are not known
    this.data = {t: [], rows: [], cols: [], outside: [], predicted: [], confidence: [], on: [], kind: [], why: []};
    this.other = null;
    this.ahead = [];
    this.structures = [];
    this.shown = new Set([0]);
    this.view = [0, 1];
    this.cursor = null;
    this.finest = 1;  // smallest number of canvas pixels per CSS pixel; larger for printing
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

  seconds(x) {
    const [from, to] = this.view;
    return from + (x - LEFT) / Math.max(this.width - LEFT - RIGHT, 1) * (to - from);
  }

  // Return the index of the decision at a pixel, or -1.
  at(x) {
    return x < LEFT || x > this.width - RIGHT ? -1 : this.index(this.seconds(x));
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
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.clearRect(0, 0, box.width, box.height);
    ink.font = FONT;
    const own = this.chosen(), lanes = this.other ? [...own, {...own.at(-1), name: this.other.name, data: this.other}] : own;
    const room = (box.height - TOP - AXIS - GAP * (lanes.length - 1)) / lanes.reduce((sum, lane) => sum + lane.share, 0);
    let y = TOP;
    this.lanes = lanes.map((lane) => {
      const height = room * lane.share, top = y;
      y += height + GAP;
      return {...lane, top, height};
    });
    const [from, to] = this.view;
    this.first = Math.max(this.index(from), 0);
    this.last = Math.min(this.index(to) + 1, this.data.t.length - 1);
    this.times(ink);
    for (const lane of this.lanes) this[lane.drawn](ink, lane, lane.data ?? this.data);
    if (this.cursor !== null) {
      ink.strokeStyle = "#000000";
      ink.lineWidth = 1;
      this.line(ink, this.x(this.cursor), TOP, this.x(this.cursor), box.height - AXIS);
    }
  }

  // The lanes to draw: those of the primary target, one of each further structure that is shown, and the beam.
  chosen() {
    const several = this.structures.length > 1, [movement, ...rest] = LANES, beam = rest.pop();
    const name = `${this.axes.join(", ") || "target"} (mm)`;
    const first = [{...movement, name}, ...rest].map((lane) => several ? {...lane, of: 0} : lane);
    const others = this.structures.map(({measure, unit}, of) => ({name: `${measure}, ${unit}`, share: PART_SHARE, drawn: "part", of})).slice(1);
    if (!several) return [...first, beam];
    return [...(this.shown.has(0) ? first : []), ...others.filter(({of}) => this.shown.has(of)), {...beam, share: BEAM_SHARE}];
  }

  // Height of the canvas, in px, in which each lane is as high as usual.
  get tall() {
    const lanes = this.chosen();
    return Math.round(TOP + AXIS + GAP * (lanes.length - 1) + UNIT * lanes.reduce((sum, lane) => sum + lane.share, 0));
  }

  x(seconds) {
    const [from, to] = this.view;
    return LEFT + (seconds - from) / (to - from) * (this.width - LEFT - RIGHT);
  }

  line(ink, x1, y1, x2, y2) {
    ink.beginPath();
    ink.moveTo(x1, y1);
    ink.lineTo(x2, y2);
    ink.stroke();
  }

  times(ink) {
    const [from, to] = this.view;
    const step = timeStep((to - from) / Math.min(Math.max(Math.floor((this.width - LEFT - RIGHT) / TIME_ROOM), 2), 8));
    ink.textAlign = "center";
    ink.textBaseline = "bottom";
    for (let s = Math.ceil(from / step) * step; s <= to; s += step) {
      ink.strokeStyle = INK.grid;
      ink.lineWidth = 1;
      this.line(ink, this.x(s), TOP, this.x(s), this.height - AXIS);
      ink.fillStyle = INK.text;
      ink.fillText(clock(s, step), this.x(s), this.height - 3);
    }
  }

  name(ink, lane) {
    ink.fillStyle = INK.text;
    ink.textAlign = "left";
    ink.textBaseline = "middle";
    const middle = lane.top + lane.height / 2, structure = this.structures[lane.of];
    if (!structure) {
      ink.fillText(lane.name, 2, middle);
      return;
    }
    ink.fillStyle = structure.color;
    ink.strokeStyle = INK.text;
    ink.lineWidth = 0.5;
    ink.fillRect(1, lane.top, BAR, lane.height);
    ink.strokeRect(1, lane.top, BAR, lane.height);
    ink.fillStyle = INK.text;
    // A low lane has room for what it shows, and its colour tells whose it is.
    const high = lane.height > 2 * LEAST_LANE;
    if (high) {
      ink.font = NAME_FONT;
      ink.fillText(fitting(ink, structure.name, NAME_ROOM), BAR + 5, middle - 8);
    }
    ink.font = SMALL_FONT;
    ink.fillText(lane.name, BAR + 5, middle + (high ? 8 : 0));
    ink.font = FONT;
  }

  // Draw the axis of a lane: round values with grid lines, and its name.
  scale(ink, lane, y, low, high) {
    let step = nice((high - low) / Math.max(Math.floor(lane.height / TICK_APART), 1));
    // A single value makes no scale where there is room for two.
    if (Math.floor(high / step) === Math.ceil(low / step) && lane.height > TICK_APART) step = nice(step / 2.5);
    ink.textAlign = "right";
    ink.textBaseline = "middle";
    ink.lineWidth = 1;
    for (let n = Math.ceil(low / step); n * step <= high; n++) {
      ink.strokeStyle = n === 0 ? INK.zero : INK.grid;
      this.line(ink, LEFT, y(n * step), this.width - RIGHT, y(n * step));
      ink.fillStyle = INK.text;
      ink.fillText(short(n * step, step), LEFT - 6, y(n * step));
    }
    this.name(ink, lane);
  }

  // Return the range of some values, at least low to high.
  range(names, low, high, counts) {
    return this.rangeOf(names.map((name) => this.data[name]), low, high, counts);
  }

  rangeOf(curves, low, high, counts = () => true) {
    for (const values of curves) {
      for (let i = this.first; i <= this.last; i++) {
        const value = values[i];
        if (value !== null && value !== undefined && counts(i)) {
          if (value < low) low = value;
          if (value > high) high = value;
        }
      }
    }
    return [low, high];
  }

  // Draw a curve, by minimum and maximum of each pixel column where there are more points than columns.
  curve(ink, values, y, color, width, dash) {
    ink.strokeStyle = color;
    ink.lineWidth = width;
    ink.setLineDash(dash);
    ink.beginPath();
    const t = this.data.t;
    let drawn = false, column = null, low = 0, high = 0;
    const flush = () => {
      if (column === null) return;
      if (!drawn) ink.moveTo(column, y(low)); else ink.lineTo(column, y(low));
      if (high !== low) ink.lineTo(column, y(high));
      drawn = true;
      column = null;
    };
    const dense = this.last - this.first > 2 * (this.width - LEFT - RIGHT);
    for (let i = this.first; i <= this.last; i++) {
      const value = values[i];
      if (value === null || value === undefined) {
        flush();
        drawn = false;
        continue;
      }
      const x = Math.min(Math.max(this.x(t[i]), LEFT), this.width - RIGHT);
      const at = dense ? Math.round(x) : x;
      if (column === at) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      } else {
        flush();
        column = at;
        low = high = value;
      }
    }
    flush();
    ink.stroke();
    ink.setLineDash([]);
  }

  // A position of low confidence may be anywhere; clip it at the edge so that it does not flatten the others.
  movement(ink, lane) {
    const margin = this.limits.margin;
    const [low, high] = this.range(["rows", "cols"], -margin - 1, margin + 1, (i) => this.data.confidence[i] >= this.limits.confidence);
    const y = (value) => lane.top + (high - Math.min(Math.max(value, low), high)) / (high - low) * lane.height;
    ink.fillStyle = INK.band;
    ink.fillRect(LEFT, y(margin), this.width - LEFT - RIGHT, y(-margin) - y(margin));
    this.scale(ink, lane, y, low, high);
    this.curve(ink, this.data.cols, y, INK.ap, 1.2, [5, 2]);
    this.curve(ink, this.data.rows, y, INK.si, 1.5, []);
    this.expected(ink, y, this.data.cols, 2, INK.ap);
    this.expected(ink, y, this.data.rows, 1, INK.si);
  }

  // Draw the band in which the target is expected, from the newest position on.
  expected(ink, y, values, place, color) {
    const now = this.data.t.length - 1;
    if (!this.ahead.length || values[now] === null || this.view[1] <= this.data.t[now]) return;
    const points = [[this.data.t[now], values[now], 0], ...this.ahead.map((one) => [one[0], one[place], one[place + 2]])];
    ink.fillStyle = color + SHADE;
    ink.beginPath();
    for (const [t, value, spread] of points) ink.lineTo(this.x(t), y(value + spread));
    for (const [t, value, spread] of points.reverse()) ink.lineTo(this.x(t), y(value - spread));
    ink.fill();
  }

  share(ink, lane) {
    const [, high] = this.range(["outside", "predicted"], 0, Math.max(2 * this.limits.outside, 1));
    const y = this.upTo(lane, high);
    if (lane.of === 0) this.holds(ink, lane, this.data.parts[0].kind);
    this.scale(ink, lane, y, 0, high);
    this.levels(ink, y, this.limits.outside, this.limits.resume);
    this.curve(ink, this.data.predicted, y, INK.ap, 1, [3, 2]);
    this.curve(ink, this.data.outside, y, INK.si, 1.3, []);
  }

  // The lane of a further structure: what is measured of it, its own limit, and when it held.
  part(ink, lane) {
    const {limit, resume} = this.structures[lane.of], {value, kind} = this.data.parts[lane.of];
    const [, high] = this.rangeOf([value], 0, Math.max(2 * limit, 1));
    const y = this.upTo(lane, high);
    this.holds(ink, lane, kind);
    this.scale(ink, lane, y, 0, high);
    this.levels(ink, y, limit, resume);
    this.curve(ink, value, y, INK.si, 1.3, []);
  }

  upTo(lane, high) {
    return (value) => lane.top + (high - Math.min(value, high)) / high * lane.height;
  }

  levels(ink, y, limit, resume) {
    for (const [level, dash] of [[limit, []], [resume, [2, 3]]]) {
      ink.strokeStyle = INK.limit;
      ink.lineWidth = 1;
      ink.setLineDash(dash);
      this.line(ink, LEFT, y(level), this.width - RIGHT, y(level));
      ink.setLineDash([]);
    }
  }

  // Shade the time in which a structure held, in the colour of the category.
  holds(ink, lane, kind) {
    for (const [first, next] of this.runs((i) => kind[i])) {
      if (kind[first] < 0) continue;
      const [begin, wide] = this.span(first, next);
      ink.fillStyle = this.kinds[kind[first]].color + SHADE;
      ink.fillRect(begin, lane.top, wide, lane.height);
      this.hatch(ink, begin, lane.top, wide, lane.height);
    }
  }

  // Return the visible runs of decisions with the same value of `of`, as [first, after last].
  runs(of) {
    const found = [];
    for (let i = this.first; i <= this.last && this.data.t.length;) {
      let next = i + 1;
      while (next <= this.last && of(next) === of(i)) next++;
      found.push([i, next]);
      i = next;
    }
    return found;
  }

  // Return where a run begins on the canvas, and its width.
  span(first, next) {
    const {t} = this.data, begin = Math.max(this.x(t[first]), LEFT);
    const end = Math.min(this.x(t[Math.min(next, t.length - 1)]), this.width - RIGHT);
    return [begin, Math.max(end - begin, 0.7)];
  }

  sureness(ink, lane) {
    const y = (value) => lane.top + (1 - value) * lane.height;
    this.scale(ink, lane, y, 0, 1);
    ink.strokeStyle = INK.limit;
    ink.lineWidth = 1;
    this.line(ink, LEFT, y(this.limits.confidence), this.width - RIGHT, y(this.limits.confidence));
    this.curve(ink, this.data.confidence, y, INK.si, 1.3, []);
  }

  // Beam-on fills the lane; a hold fills its lower half, hatched, in the colour of its category, below those who held.
  beam(ink, lane, {on, kind, who}) {
    for (const [first, next] of this.runs((i) => `${on[i]} ${kind[i]} ${who?.[i] ?? ""}`)) {
      const [begin, wide] = this.span(first, next);
      ink.fillStyle = on[first] ? INK.on : this.kinds[Math.max(kind[first], 0)].color;
      const top = on[first] ? lane.top : lane.top + lane.height / 2;
      const height = on[first] ? lane.height : lane.height / 2;
      ink.fillRect(begin, top, wide, height);
      if (on[first] && wide > 24) this.word(ink, "ON", begin + wide / 2, lane.top + lane.height / 2, "#ffffff");
      else if (!on[first] && wide > 5) this.hatch(ink, begin, top, wide, height);
      if (!on[first] && who?.[first].length) this.holders(ink, lane, who[first], begin, wide);
    }
    this.name(ink, lane);
  }

  // Above a hold: a ribbon in the colour of each structure that held, and their names where there is room.
  holders(ink, lane, names, begin, wide) {
    const high = lane.height * RIBBONS, top = lane.top + lane.height / 2 - high, each = high / this.structures.length;
    ink.fillStyle = DARK;
    ink.fillRect(begin, top, wide, high);
    this.structures.forEach(({name, color}, place) => {
      if (!names.includes(name)) return;
      ink.fillStyle = color;
      ink.fillRect(begin, top + place * each, wide, each);
    });
    ink.font = SMALL_FONT;
    const [one, ...more] = names, wanted = [names.join(", "), more.length ? `${one} +${more.length}` : one];
    const text = wanted.find((words) => ink.measureText(words).width <= wide) ?? fitting(ink, one, wide);
    if (text.length > LEAST_LETTERS || text === one) this.word(ink, text, begin + wide / 2, (lane.top + top) / 2, INK.text);
    ink.font = FONT;
  }

  word(ink, text, x, y, color) {
    ink.fillStyle = color;
    ink.textAlign = "center";
    ink.textBaseline = "middle";
    ink.fillText(text, x, y);
  }

  hatch(ink, left, top, width, height) {
    ink.save();
    ink.beginPath();
    ink.rect(left, top, width, height);
    ink.clip();
    ink.strokeStyle = "rgba(255,255,255,0.7)";
    ink.lineWidth = 1.5;
    for (let x = left - height; x < left + width; x += 7) this.line(ink, x, top + height, x + height, top);
    ink.restore();
  }
}

// Return a text, shortened where it is wider than the room.
export function fitting(ink, text, room) {
  if (ink.measureText(text).width <= room) return text;
  let length = text.length;
  while (length > 0 && ink.measureText(`${text.slice(0, length)}…`).width > room) length--;
  return length ? `${text.slice(0, length)}…` : "";
}

function nice(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= step);
}

// Return the smallest round step in minutes and seconds that is at least this long.
function timeStep(step) {
  return step < 1 ? nice(step) : TIME_STEPS.find((n) => n >= step) ?? nice(step);
}

// Format a multiple of a step with the digits that the step needs.
function short(value, step) {
  return value.toFixed(step >= 1 ? 0 : Math.ceil(-Math.log10(step)));
}

export function clock(seconds, step = 1) {
  const minutes = Math.floor(seconds / 60);
  const rest = seconds - 60 * minutes;
  return `${minutes}:${rest.toFixed(step < 1 ? 1 : 0).padStart(step < 1 ? 4 : 2, "0")}`;
}

// Format the values of one decision as a line of text; `structures` as in the strip where there are several.
export function told(data, index, axes, structures = [], shown = new Set()) {
  const state = data.on[index] ? "BEAM ON" : `HOLD: ${data.why[index]}`;
  const parts = structures.length > 1
    ? structures.map((one, place) => [one, data.parts[place], place]).filter(([, , place]) => shown.has(place))
      .map(([{name, measure, unit}, {value}]) => `${name}: ${measure} ${number(value[index], 1, ` ${unit}`)}`)
    : [`${axes[0]} ${number(data.rows[index], 1, " mm")}, ${axes[1]} ${number(data.cols[index], 1, " mm")}`,
      `outside ${number(data.outside[index], 1, " %")}`, `confidence ${number(data.confidence[index], 2)}`];
  return [`${clock(data.t[index], 0.1)}  ${state}`, ...parts].join(" · ");
}

// Format a value, without a sign where it rounds to 0.
export function number(value, digits, unit = "") {
  if (value === null || value === undefined) return "–";
  const text = value.toFixed(digits);
  return `${Number(text) === 0 ? text.replace("-", "") : text}${unit}`;
}
