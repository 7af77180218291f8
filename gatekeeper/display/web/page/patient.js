// Breath-hold display for the patient: position of the primary target in its window, and the time left to hold. Other
// structures are not shown: a breath cannot be held by them.

import {follow, hello} from "./live.js";
import {limitsOf} from "./trace.js";

const at = (id) => document.getElementById(id);

// Whether the target was measured within its window.
export function isInside(row, limits) {
  return row.confidence >= limits.confidence && row.outside <= limits.outside;
}

// Timer of a breath-hold: starts when the target enters the window and ends when it leaves.
export class Hold {
  constructor(breath_hold_s, limits) {
    this.breath_hold_s = breath_hold_s;
    this.limits = limits;
    this.since = null;
    this.read = -1;
    this.row = null;
  }

  add(row) {
    if (row.number <= this.read) return;
    this.read = row.number;
    if (row.sequence < 0) return;
    this.row = row;
    if (!isInside(row, this.limits)) this.since = null;
    else this.since ??= row.t;
  }

  // Return the seconds left at a session time; null outside a breath-hold.
  left(now) {
    return this.since === null ? null : Math.max(this.breath_hold_s - (now - this.since), 0);
  }
}

// Return the decisions, with the share outside of the primary target alone where there are several structures.
export function rowsOf({data, shape}, columns, structures, own) {
  const value = own.indexOf("value");
  return Array.from({length: shape[0]}, (_, row) => {
    const found = Object.fromEntries(columns.map((name, column) => [name, data[row * shape[1] + column]]));
    return structures ? {...found, outside: structures.data[row * structures.shape[1] * structures.shape[2] + value]} : found;
  });
}

function none() {
  document.body.dataset.place = "none";
  at("seconds").textContent = "";
}

function begin(facts) {
  const hold = new Hold(facts.breath_hold_s, limitsOf(facts));
  let margin = null, reach = 1;
  const top = (mm) => `${50 - 50 * Math.min(Math.max(mm / reach, -0.95), 0.95)}%`;
  const open = (margin_mm) => {
    if (margin === margin_mm) return;
    margin = margin_mm;
    reach = 3 * Math.max(margin, 2);
    at("window").style.top = at("window").style.bottom = top(margin);
    document.body.dataset.margin = margin;
  };
  open(hold.limits.margin);
  follow(() => ({picture: false}), (view) => {
    // The operator who draws the target sets the margin.
    hold.limits = limitsOf(facts, view.phase === "drawing" ? undefined : view.structures);
    open(hold.limits.margin);
    // The axis along the image's rows, upwards as on the image.
    const axis = (view.axes ?? facts.axes)?.[0], name = axis?.name.toLowerCase();
    for (const row of rowsOf(view.arrays.recent, view.columns ?? facts.columns, view.arrays.structures, facts.structure_columns)) hold.add(row);
    const row = hold.row;
    if (!axis || !row || view.silent || !Number.isFinite(row[name])) {
      none();
      return;
    }
    document.body.dataset.place = isInside(row, hold.limits) ? "in" : "out";
    document.body.dataset.sequence = row.sequence;
    at("marker").style.top = top(-axis.sign * row[name]);
    const left = hold.left(row.t);
    at("seconds").textContent = left === null ? "" : Math.ceil(left).toString();
  }, none);
}

try {
  const told = await hello();
  if (told.mode === "live") begin(told.facts); else none();
} catch {
  none();
}
