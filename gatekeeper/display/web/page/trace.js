// The trace: incoming decisions in the form that the strip draws, and which part of them is shown.

import {Link} from "./link.js";
import {Strip} from "./strip.js";
import {WORDS} from "./strip-words.js";
import {TraceTools} from "./trace-tools.js";
import {told} from "./told.js";
import {t, textOr} from "./words.js";

const KEPT = 20000;
// Places of the displacement along the image's rows and columns, which are named after the patient's axes.
const ROWS = 3, COLS = 4;
const PART = {rows: [], cols: [], value: [], confidence: [], kind: [], bits: []};

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
    this.strip = new Strip(canvas, facts.kinds, limitsOf(facts));
    this.strip.data.number = [];
    this.strip.words = Object.fromEntries(Object.keys(WORDS).map((name) => [name, t(`strip.${name}`)]));
    this.asking = false;
    this.tools = new TraceTools(this);
    this.name(facts.axes);
    this.know(facts.structures);
    canvas.addEventListener("pointermove", (event) => { if (!event.buttons) this.point(this.strip.at(event.offsetX)); });
    canvas.addEventListener("pointerleave", () => { if (this.live) this.point(-1); });
    new ResizeObserver(() => this.strip.draw()).observe(canvas);
    document.addEventListener("themechange", () => this.strip.draw());
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
    this.strip.structures = structures.length > 1 ? structures.map((one) => ({...one, measure: textOr(`measure.${one.measure}`, one.measure)})) : [];
    if (structures.length > 1) this.data.parts ??= structures.map(() => structuredClone(PART));
    if (structures.length > 1) this.data.who ??= [];
    this.tools.offer();
  }

  // Show the lanes of these structures, by their places.
  choose(shown) {
    this.strip.shown = shown;
    this.strip.canvas.style.height = `${this.strip.tall}px`;
    this.tools.offer();
    this.strip.draw();
  }

  get data() {
    return this.strip.data;
  }

  // Append new rows, and those of each of several structures; see gatekeeper/display/web/trace_row.py for the columns.
  add({data, shape}, structures) {
    const [count, width] = shape, at = Object.fromEntries(this.columns.map((name, index) => [name, index]));
    const axes = {rows: this.columns[ROWS], cols: this.columns[COLS]};
    if (this.live && count && data[at.number] > (this.data.number.at(-1) ?? -1) + 1) this.fill();
    for (let row = 0; row < count; row++) {
      const value = (name) => data[row * width + at[name]];
      if (value("number") <= (this.data.number.at(-1) ?? -1)) continue;
      const reasons = this.reasons(value("reasons"));
      this.push("number", value("number"));
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

  // Ask for the decisions that this page has not seen: it was opened late, or has missed some.
  async fill() {
    if (this.asking) return;
    this.asking = true;
    const link = new Link();
    try {
      await link.open();
      const {arrays: {recent, structures}} = await link.ask({trace: true}), seen = this.data;
      if (seen.parts && !structures) return;
      this.strip.data = Object.fromEntries(Object.keys(seen).map((name) => [name, []]));
      if (seen.parts) this.data.parts = seen.parts.map(() => structuredClone(PART));
      this.asking = true;
      this.add(recent, structures);
      this.append(seen);
    } catch {
      // The link of the page says that it is lost; what comes next is shown without what was before.
    } finally {
      link.close();
      this.asking = false;
    }
  }

  // Append what is newer than the last decision.
  append({parts, ...own}) {
    const last = this.data.number.at(-1) ?? -1, from = own.number.findIndex((number) => number > last);
    if (from < 0) return;
    const take = (into, values) => { for (const name of Object.keys(values)) into[name].push(...values[name].slice(from)); };
    take(this.data, own);
    parts?.forEach((part, place) => take(this.data.parts[place], part));
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

  // Show the part that is chosen: up to the newest decision, or what is expected after it, or further back.
  drawLive() {
    this.tools.follow();
    this.strip.draw();
  }

  point(index) {
    this.strip.cursor = index < 0 ? null : this.data.t[index];
    this.strip.draw();
    this.telling.textContent = index < 0 ? "" : told(this.strip, index);
  }
}
