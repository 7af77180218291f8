// The trace: incoming decisions in the form that the strip draws.

import {Strip, told} from "./strip.js";

const LIVE_S = 30;
const KEPT = 20000;

export class Trace {
  constructor(canvas, telling, facts, live) {
    this.facts = facts;
    this.telling = telling;
    this.live = live;
    this.read = -1;
    const limits = {margin: facts.margin_mm, outside: facts.outside_percent, resume: facts.resume_percent, confidence: facts.confidence};
    this.strip = new Strip(canvas, facts.kinds, limits);
    canvas.addEventListener("pointermove", (event) => this.point(this.strip.at(event.offsetX)));
    canvas.addEventListener("pointerleave", () => { if (this.live) this.point(-1); });
    new ResizeObserver(() => this.strip.draw()).observe(canvas);
  }

  get data() {
    return this.strip.data;
  }

  // Append new rows; see gatekeeper/display/web/trace_row.py for the columns.
  add({data, shape}) {
    const [count, width] = shape, at = Object.fromEntries(this.facts.columns.map((name, index) => [name, index]));
    for (let row = 0; row < count; row++) {
      const value = (name) => data[row * width + at[name]];
      if (value("number") <= this.read) continue;
      this.read = value("number");
      const reasons = this.reasons(value("reasons"));
      this.push("t", value("t") === value("t") ? value("t") : this.data.t.at(-1) ?? 0);
      for (const name of ["si", "ap", "outside", "predicted", "confidence"]) {
        this.push(name, Number.isFinite(value(name)) ? value(name) : null);
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
    this.telling.textContent = index < 0 ? "" : told(this.data, index);
  }
}
