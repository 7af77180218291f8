// The strip: displacement, share outside, confidence and beam over time, on one canvas.
//
// data: {t, rows, cols, outside, predicted, confidence: arrays of number or null, on: array of 0/1, kind: array of index into
// kinds (-1 when on), why: array of text}; limits: {margin, outside, resume, confidence}; kinds: [{color, words}].
// rows and cols are the displacement along the patient axes of the image's rows and columns; axes: their names.
// other: null, or {on, kind: as in data, name} for a second beam below the first.
// The view is [from, to] in seconds; draw() paints it, at(x) returns the decision at a pixel.

const FONT = "12px system-ui, sans-serif";
const LEFT = 108, RIGHT = 10, TOP = 8, GAP = 14, AXIS = 22;
const LANES = [
  {name: "", share: 0.46}, {name: "outside (%)", share: 0.24}, {name: "confidence", share: 0.16}, {name: "beam", share: 0.14},
];
// Colours come from the style of the page, which the server takes from gatekeeper/style/colors.py.
export const colorOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const FAINT = "2e";  // opacity of the band, in hexadecimal
const INK = {
  si: colorOf("si"), ap: colorOf("ap"), limit: colorOf("limit"), band: colorOf("envelope") + FAINT, on: colorOf("on"),
  grid: "#dddddd", zero: "#999999", text: "#333333",
};
const TICK_APART = 26;
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

export class Strip {
  constructor(canvas, kinds, limits) {
    this.canvas = canvas;
    this.kinds = kinds;
    this.limits = limits;
    this.axes = [];  // before the first image they are not known
    this.data = {t: [], rows: [], cols: [], outside: [], predicted: [], confidence: [], on: [], kind: [], why: []};
    this.other = null;
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
    const own = [{...LANES[0], name: `${this.axes.join(", ") || "target"} (mm)`}, ...LANES.slice(1)];
    const lanes = this.other ? [...own, {name: this.other.name, share: own.at(-1).share}] : own;
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
    this.movement(ink, this.lanes[0]);
    this.share(ink, this.lanes[1]);
    this.sureness(ink, this.lanes[2]);
    this.beam(ink, this.lanes[3], this.data);
    if (this.other) this.beam(ink, this.lanes[4], this.other);
    if (this.cursor !== null) {
      ink.strokeStyle = "#000000";
      ink.lineWidth = 1;
      this.line(ink, this.x(this.cursor), TOP, this.x(this.cursor), box.height - AXIS);
    }
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
    const step = timeStep((to - from) / 8);
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
    ink.fillText(lane.name, 2, lane.top + lane.height / 2);
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
  range(names, low, high, counts = () => true) {
    for (const name of names) {
      const values = this.data[name];
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
  }

  share(ink, lane) {
    const [, high] = this.range(["outside", "predicted"], 0, Math.max(2 * this.limits.outside, 1));
    const y = (value) => lane.top + (high - Math.min(value, high)) / high * lane.height;
    this.scale(ink, lane, y, 0, high);
    for (const [level, dash] of [[this.limits.outside, []], [this.limits.resume, [2, 3]]]) {
      ink.strokeStyle = INK.limit;
      ink.lineWidth = 1;
      ink.setLineDash(dash);
      this.line(ink, LEFT, y(level), this.width - RIGHT, y(level));
      ink.setLineDash([]);
    }
    this.curve(ink, this.data.predicted, y, INK.ap, 1, [3, 2]);
    this.curve(ink, this.data.outside, y, INK.si, 1.3, []);
  }

  sureness(ink, lane) {
    const y = (value) => lane.top + (1 - value) * lane.height;
    this.scale(ink, lane, y, 0, 1);
    ink.strokeStyle = INK.limit;
    ink.lineWidth = 1;
    this.line(ink, LEFT, y(this.limits.confidence), this.width - RIGHT, y(this.limits.confidence));
    this.curve(ink, this.data.confidence, y, INK.si, 1.3, []);
  }

  // Beam-on fills the lane; a hold fills its lower half, hatched, in the colour of its category.
  beam(ink, lane, {on, kind}) {
    const {t} = this.data;
    let i = this.first;
    while (i <= this.last && t.length) {
      let next = i + 1;
      while (next <= this.last && on[next] === on[i] && kind[next] === kind[i]) next++;
      const begin = Math.max(this.x(t[i]), LEFT);
      const end = Math.min(this.x(t[Math.min(next, t.length - 1)]), this.width - RIGHT);
      const wide = Math.max(end - begin, 0.7);
      ink.fillStyle = on[i] ? INK.on : this.kinds[Math.max(kind[i], 0)].color;
      const top = on[i] ? lane.top : lane.top + lane.height / 2;
      const height = on[i] ? lane.height : lane.height / 2;
      ink.fillRect(begin, top, wide, height);
      if (on[i] && wide > 24) {
        ink.fillStyle = "#ffffff";
        ink.textAlign = "center";
        ink.textBaseline = "middle";
        ink.fillText("ON", begin + wide / 2, lane.top + lane.height / 2);
      } else if (!on[i] && wide > 5) {
        this.hatch(ink, begin, top, wide, height);
      }
      i = next;
    }
    this.name(ink, lane);
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

// Format the values of one decision as a line of text.
export function told(data, index, [rows, cols]) {
  const plain = (text) => Number(text) === 0 ? text.replace("-", "") : text;
  const number = (value, digits, unit) => value === null || value === undefined ? "–" : `${plain(value.toFixed(digits))}${unit}`;
  const state = data.on[index] ? "BEAM ON" : `HOLD: ${data.why[index]}`;
  return `${clock(data.t[index], 0.1)}  ${state} · ${rows} ${number(data.rows[index], 1, " mm")}, ${cols} ${number(data.cols[index], 1, " mm")}` +
    ` · outside ${number(data.outside[index], 1, " %")} · confidence ${number(data.confidence[index], 2, "")}`;
}
