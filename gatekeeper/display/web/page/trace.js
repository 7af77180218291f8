// The trace: incoming decisions in the form that the strip draws.

import {Strip, told} from "./strip.js";

const LIVE_S = 30;
const KEPT = 20000;
const USUAL = 230;  // height of the strip of one structure, in px
// Places of the displacement along the image's rows and columns, which are named after the patient's axes.
const ROWS = 3, COLS = 4;

// Return the limits of the primary target; until it is known those of the settings.
export function limitsOf(facts, structures = facts.structures) {
  const [own] = structures ?? [];
  return {
    margin: own?.margin_mm ?? facts.margin_mm, outside: own?.limit ?? facts.outside_percent,
    resume: own?.resume ?? facts.resume_percent, confidence: own?.confidence ?? facts.confidence,
  };
}

// Return a reason in words, behind the names of the structures that hold for it.
export function withNames(reason, parts) {
  const names = parts.filter((part) => part.reasons.includes(reason)).map((part) => part.name);
  return names.length ? `${names.join(", ")}: ${reason.words}` : reason.words;
}

export class Trace {
  constructor(canvas, telling, facts, live) {
    this.facts = facts;
    this.columns = facts.columns;
    this.telling = telling;
    this.live = live;
    this.read = -1;
    this.strip = new Strip(canvas, facts.kinds, limitsOf(facts));
    this.name(facts.axes);
    this.know(facts.structures);
    canvas.addEventListener("pointermove", (event) => this.point(this.strip.at(event.offsetX)));
    canvas.addEventListener("pointerleave", () => { if (this.live) this.point(-1); });
    new ResizeObserver(() => this.strip.draw()).observe(canvas);
  }

  // The axes of a live session's images are known once it has a reference.
  name(axes, columns) {
    if (axes) this.strip.axes = axes.map((axis) => axis.name);
    this.columns = columns ?? this.columns;
  }

  // The structures of a live session are known once it has begun.
  know(structures) {
    if (!structures?.length) return;
    this.strip.limits = limitsOf(this.facts, structures);
    this.strip.structures = structures.length > 1 ? structures : [];
    if (structures.length > 1) this.data.parts ??= structures.map(() => ({rows: [], cols: [], value: [], confidence: [], kind: [], bits: []}));
    if (structures.length > 1) this.data.who ??= [];
  }

  // Show the lanes of these structures, by their places.
  choose(shown) {
    this.strip.shown = shown;
    this.strip.canvas.style.height = `${this.strip.tall}px`;
    document.documentElement.style.setProperty("--lanes", `${this.strip.tall - USUAL}px`);
    this.strip.draw();
  }

  get data() {
    return this.strip.data;
  }

  // Append new rows, and those of each of several structures; see gatekeeper/display/web/trace_row.py for the columns.
  add({data, shape}, structures) {
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
      const parts = structures ? this.addParts(structures, row) : [];
      this.push("why", reasons.map((reason) => withNames(reason, parts)).join(", "));
      if (structures) this.push("who", parts.filter((part) => part.reasons.length).map((part) => part.name));
    }
    if (this.data.t.length > KEPT && this.live) this.forget(KEPT / 2);
  }

  // Append each structure in a decision; return their names with the reasons for which each holds.
  addParts({data, shape}, row) {
    const [, count, width] = shape, {structure_columns} = this.facts;
    return this.data.parts.map((part, place) => {
      const found = Object.fromEntries(structure_columns.map((name, column) => [name, data[(row * count + place) * width + column]]));
      const reasons = this.reasons(found.reasons);
      for (const name of ["rows", "cols", "value", "confidence"]) part[name].push(Number.isFinite(found[name]) ? found[name] : null);
      part.kind.push(reasons.length ? reasons[0].kind : -1);
      part.bits.push(found.reasons);
      // The lanes of the primary target show its own share outside, not the largest of all targets.
      if (place === 0) [this.data.outside[this.data.outside.length - 1], this.data.predicted[this.data.predicted.length - 1]] = [part.value.at(-1), null];
      return {name: this.strip.structures[place].name, reasons};
    });
  }

  // Return each of several structures in a decision: its name, and the reasons for which it holds.
  holders(index) {
    return (this.data.parts ?? []).map(({bits}, place) => ({name: this.strip.structures[place].name, reasons: this.reasons(bits[index] ?? 0)}));
  }

  forget(count) {
    const {parts, ...own} = this.data;
    for (const values of [own, ...(parts ?? [])].flatMap(Object.values)) values.splice(0, count);
  }

  push(name, value) {
    this.data[name].push(value);
  }

  reasons(bits) {
    return this.facts.reasons.filter((_, place) => Math.floor(bits / 2 ** place) % 2 === 1);
  }

  // Take where the target is expected, if anything is predicted.
  expect(ahead) {
    const [count, width] = ahead?.shape ?? [0, 0];
    this.strip.ahead = Array.from({length: count}, (_, row) => [...ahead.data.slice(row * width, (row + 1) * width)]);
  }

  // Show the last half minute, the newest decision, or what is expected after it, at the right.
  drawLive() {
    const last = Math.max(this.data.t.at(-1) ?? 0, this.strip.ahead.at(-1)?.[0] ?? 0), from = Math.max(last - LIVE_S, this.data.t[0] ?? 0);
    this.strip.view = [from, from + LIVE_S];
    this.strip.draw();
  }

  point(index) {
    this.strip.cursor = index < 0 ? null : this.data.t[index];
    this.strip.draw();
    this.telling.textContent = index < 0 ? "" : told(this.data, index, this.strip.axes, this.strip.structures, this.strip.shown);
  }
}
