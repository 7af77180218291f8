// The trace: incoming decisions in the form that the strip draws.

import {Strip, told} from "./strip.js";

const LIVE_S = 30;
const KEPT = 20000;
// Places of the displacement along the image's rows and columns, which are named after the patient's axes.
const ROWS = 3, COLS = 4;

export class Trace {
  constructor(canvas, telling, facts, live) {
    this.facts = facts;
    this.columns = facts.columns;
    this.telling = telling;
    this.live = live;
    this.read = -1;
    const limits = {margin: facts.margin_mm, outside: facts.outside_percent, resume: facts.resume_percent, confidence: facts.confidence};
    this.strip = new Strip(canvas, facts.kinds, limits);
    this.name(facts.axes);
    canvas.addEventListener("pointermove", (event) => this.point(this.strip.at(event.offsetX)));
    canvas.addEventListener("pointerleave", () => { if (this.live) this.point(-1); });
    new ResizeObserver(() => this.strip.draw()).observe(canvas);
  }

  // The axes of a live session's images are known once it has a reference.
  name(axes, columns) {
    if (axes) this.strip.axes = axes.map((axis) => axis.name);
    this.columns = columns ?? this.columns;
  }

  get data() {
    return this.strip.data;
  }

  // Append new rows; see gatekeeper/display/web/trace_row.py for the columns.
  add({data, shape}) {
    const [count, width] = shape, at = Object.fromEntries(this.columns.map((name, index) => [name, index]));
    const axes = {rows: this.columns[ROWS], cols: this.columns[COLS]};
    for (let row = 0; row < count; row++) {
      const value = (name) => data[row * width + at[name]];
      if (value("number") <= this.read) continue;
      this.read = value("number");
      const reasons = this.reasons(value("reasons"));
      this.push("t", value("t") === value("t") ? value("t") : this.data.t.at(-1) ?? 0);
      for (const name of ["rows", "cols", "outside", "predicted", "confidence"]) {
        const found = value(axes[name] ?? name);
        this.push(name, Number.isFinite(found) ? found : null);
      }
      this.push("on", value("on"));
      this.push("kind", reasons.length ? reasons[0].kind : -1);
      this.push("why", reasons.map((reason) => reason.words).join(", "));
    }
    if (this.data.t.length > KEPT && this.live) for (const values of Object.values(this.data)) values.splice(0, KEPT / 2);
  }

  push(name, value) {
    this.data[name].push(value);
  }

  reasons(bits) {
    return this.facts.reasons.filter((_, place) => Math.floor(bits / 2 ** place) % 2 === 1);
  }

  // Show the last half minute, the newest decision at the right.
  drawLive() {
    const last = this.data.t.at(-1) ?? 0, from = Math.max(last - LIVE_S, this.data.t[0] ?? 0);
    this.strip.view = [from, from + LIVE_S];
    this.strip.draw();
  }

  point(index) {
    this.strip.cursor = index < 0 ? null : this.data.t[index];
    this.strip.draw();
    this.telling.textContent = index < 0 ? "" : told(this.data, index, this.strip.axes);
  }
}
