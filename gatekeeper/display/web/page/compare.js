// Two sessions side by side: the same moment after their begin, or the same place in the same breath.

import {Cine} from "./cine.js";
import {courseOf, lasted} from "./entry-words.js";
import {Link, get, post, token} from "./link.js";
import {offerLook} from "./page.js";
import {translated} from "./panel.js";
import {Trace} from "./trace.js";
import {language, t} from "./words.js";

const at = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search), POLL_MS = 300;
const WHEN = new Intl.DateTimeFormat(language, {dateStyle: "medium", timeStyle: "short"});
const percent = (value) => `${(100 * value).toFixed(1)} %`;
const FIGURES = [
  ["head.duration", "duration_s", lasted], ["head.duty", "duty_cycle", percent], ["figure.beam", "beam_on_s", lasted],
  ["figure.holds", "holds", String], ["figure.frames", "frames", String], ["figure.margin", "margin_mm", (value) => `${value} mm`],
];

// Return the place of a time among breaths [begin, end]: the number of the breath, and how far it is, 0 to 1.
export function breathAt(breaths, time) {
  let number = breaths.findIndex(([, end]) => time < end);
  if (number < 0) number = breaths.length - 1;
  const [begin, end] = breaths[number];
  return [number, Math.min(Math.max((time - begin) / Math.max(end - begin, 1e-6), 0), 1)];
}

// Return the time of a place among other breaths; the last breath stands for those that are not there.
export function timeIn(breaths, [number, share]) {
  const [begin, end] = breaths[Math.min(number, breaths.length - 1)];
  return begin + share * (end - begin);
}

class Side {
  constructor(letter, key, moved) {
    const part = at("side").content.cloneNode(true);
    this.box = part.firstElementChild;
    this.find = (selector) => this.box.querySelector(selector);
    Object.assign(this, {letter, key, moved, index: 0, wanted: null, asking: false, times: []});
    this.box.setAttribute("aria-label", letter);
    at("sides").append(this.box);
    for (const element of this.box.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
    this.find(".cine").setAttribute("aria-label", t("compare.cine", {letter}));
    this.find(".strip").setAttribute("aria-label", t("compare.strip", {letter}));
    this.find(".scrub").setAttribute("aria-label", t("compare.scrub", {letter}));
    this.find("progress").setAttribute("aria-label", t("compare.preparing"));
    this.cine = new Cine(this.find(".cine"));
  }

  async open() {
    const {entry, breaths, accepted, note} = await post("/breaths", {key: this.key});
    if (!accepted) throw new Error(note);
    Object.assign(this, {entry, breaths});
    this.find("h2").textContent = `${this.letter}: ${courseOf(entry) || entry.path}`;
    this.find(".where").textContent = [WHEN.format(new Date(entry.date)), entry.path].join(" · ");
    this.find(".open").addEventListener("click", async () => {
      const found = await post("/open", {key: this.key});
      if (found.accepted) location.assign(found.url);
    });
    const told = await this.prepared();
    const facts = translated(told.facts);
    this.link = new Link(`/session/${this.key}/views`);
    await this.link.open();
    const {arrays} = await this.link.ask({trace: true});
    this.facts = facts;
    this.trace = new Trace(this.find(".strip"), this.find(".telling"), facts, false);
    this.trace.add(arrays.recent, arrays.structures);
    this.times = this.trace.data.t;
    this.trace.strip.look(...this.trace.strip.whole);
    this.listen();
  }

  // A session is tracked once before it can be shown.
  async prepared() {
    const bar = this.find("progress");
    for (;;) {
      const told = await get(`/session/${this.key}/hello`);
      if (told.mode === "failed") throw new Error(told.why);
      bar.hidden = told.mode !== "preparing";
      if (bar.hidden) return told;
      bar.max = Math.max(told.total, 1);
      bar.value = told.done;
      this.find(".state").textContent = t("compare.preparing");
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  get time() {
    return this.times[this.index];
  }

  // Return the last decision at a time.
  indexAt(time) {
    let low = 0, high = this.times.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.times[middle] <= time) low = middle; else high = middle - 1;
    }
    return low;
  }

  // Show a decision; while one is being loaded, only the latest request is kept.
  async go(index) {
    this.index = Math.min(Math.max(index, 0), this.times.length - 1);
    this.wanted = this.index;
    this.find(".scrub").value = this.index;
    this.trace.point(this.index);
    if (this.asking) return;
    this.asking = true;
    try {
      while (this.wanted !== null) {
        const wanted = this.wanted;
        this.wanted = null;
        this.show(await this.link.ask({show: wanted}), wanted);
      }
    } catch (error) {
      this.find(".state").textContent = error.message;
    }
    this.asking = false;
  }

  show(view, index) {
    this.cine.show({...view, structures: this.facts.structures});
    this.box.dataset.beam = view.state === "ON" ? "on" : "hold";
    this.box.dataset.index = index;
    const why = this.trace.data.why[index];
    this.find(".state").textContent = `${lasted(this.times[index])} · ${view.state === "ON" ? t("compare.on") : t("compare.hold", {why: why || ""})}`;
  }

  listen() {
    const scrub = this.find(".scrub"), strip = this.find(".strip");
    scrub.max = this.times.length - 1;
    const to = (index) => {
      this.go(index);
      this.moved(this);
    };
    scrub.addEventListener("input", () => to(Number(scrub.value)));
    strip.addEventListener("pointerdown", (event) => {
      const index = this.trace.strip.at(event.offsetX);
      if (index >= 0) to(index);
    });
    strip.addEventListener("keydown", (event) => {
      const by = {ArrowLeft: -1, ArrowRight: 1}[event.key];
      if (!by) return;
      to(this.index + by);
      event.preventDefault();
    });
    strip.addEventListener("pointerleave", () => this.trace.point(this.index));
  }
}

class Comparison {
  constructor() {
    this.playing = null;
    this.sides = ["a", "b"].map((name) => new Side(name.toUpperCase(), asked.get(name) ?? "", (side) => this.follow(side)));
    this.listen();
  }

  async open() {
    await Promise.all(this.sides.map((side) => side.open()));
    const [one, other] = this.sides;
    at("link").options[1].disabled = !this.sides.every((side) => side.breaths.length);
    at("figures").replaceChildren(...FIGURES.map(([words, name, text]) => this.figure(t(words), one.entry[name], other.entry[name], text)));
    await Promise.all(this.sides.map((side) => side.go(0)));
    this.told();
    document.body.dataset.ready = "yes";
  }

  figure(words, one, other, text) {
    const line = document.createElement("tr"), head = document.createElement("th");
    head.scope = "row";
    head.textContent = words;
    const known = [one, other].every((value) => typeof value === "number");
    const cells = [one, other].map((value) => typeof value === "number" ? text(value) : "–");
    const less = known ? other - one : null;
    cells.push(less === null ? "–" : `${less < 0 ? "−" : less > 0 ? "+" : ""}${text(Math.abs(less))}`);
    line.append(head, ...cells.map((words) => Object.assign(document.createElement("td"), {className: "n", textContent: words})));
    return line;
  }

  // The other side follows the one that was moved.
  follow(moved) {
    const other = this.sides.find((side) => side !== moved), {value} = at("link");
    if (value === "time") other.go(other.indexAt(moved.time));
    if (value === "breath") other.go(other.indexAt(timeIn(other.breaths, breathAt(moved.breaths, moved.time)) + 1e-6));
    this.told();
  }

  told() {
    const {value} = at("link"), [one, other] = this.sides;
    if (value !== "breath") {
      at("linked").textContent = "";
      return;
    }
    const number = breathAt(one.breaths, one.time)[0] + 1;
    at("linked").textContent = t(number > other.breaths.length ? "compare.breath-beyond" : "compare.breath", {number, all: one.breaths.length, others: other.breaths.length});
  }

  step(by) {
    const [one] = this.sides;
    one.go(one.index + by);
    this.follow(one);
  }

  play() {
    const [one] = this.sides;
    if (one.index >= one.times.length - 1) one.go(0);
    let now = one.time, last = performance.now();
    at("play").textContent = t("compare.pause");
    const step = () => {
      const moment = performance.now();
      now += (moment - last) / 1000;
      last = moment;
      const index = one.indexAt(now);
      if (index !== one.index && !this.sides.some((side) => side.asking)) {
        one.go(index);
        this.follow(one);
      }
      if (one.index >= one.times.length - 1) this.stop(); else this.playing = requestAnimationFrame(step);
    };
    this.playing = requestAnimationFrame(step);
  }

  stop() {
    if (this.playing !== null) cancelAnimationFrame(this.playing);
    this.playing = null;
    at("play").textContent = t("compare.play");
  }

  listen() {
    at("play").addEventListener("click", () => { if (this.playing === null) this.play(); else this.stop(); });
    at("before").addEventListener("click", () => this.step(-1));
    at("after").addEventListener("click", () => this.step(1));
    at("link").addEventListener("change", () => this.follow(this.sides[0]));
  }
}

token();
document.title = t("compare.title");
offerLook();
try {
  await new Comparison().open();
} catch (error) {
  at("compare-answer").textContent = error.message;
}
