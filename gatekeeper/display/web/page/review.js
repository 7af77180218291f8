// Review of a finished session: step through decisions, play them, and find holds.

import {offerDownloads} from "./downloads.js";
import {Link} from "./link.js";
import {Numbers} from "./numbers.js";
import {Panel, say, showBeam} from "./panel.js";
import {Structures} from "./structures.js";
import {Trace} from "./trace.js";
import {t as text} from "./words.js";

const at = (id) => document.getElementById(id);

// Return the player, which other parts of the page use: player.index, player.go(index), player.trace.
export async function review(told, cine, legend) {
  const panel = new Panel(told.facts), numbers = new Numbers(told.facts), trace = new Trace(at("strip"), at("told"), told.facts, false);
  const structures = new Structures((shown) => trace.choose(shown));
  at("transport").hidden = false;
  at("arrows").hidden = true;
  const link = new Link();
  await link.open();
  const {arrays} = await link.ask({trace: true});
  trace.add(arrays.recent, arrays.structures);
  structures.know(told.facts.structures);
  const player = new Player(link, trace, (shown) => {
    const view = {...shown, structures: told.facts.structures};
    panel.show(view, trace.holders(view.index));
    numbers.show(view, trace, view.index);
    structures.show(trace, view.index);
    legend.know(view);
    cine.show(view);
    const age = view.age_s === null ? "" : text("review.age", {ms: (1000 * view.age_s).toFixed(0)});
    const frame = view.silent ? text("review.no-frame") : text("review.frame", {frame: view.sequence, age});
    say("frame", text("review.decision-of", {number: view.index + 1, length: told.length, frame}));
    cine.stale(view.silent);
    Object.assign(document.body.dataset, {sequence: view.sequence ?? -1, index: view.index});
  });
  offerDownloads(trace, told.facts.name, true);
  trace.strip.look(...trace.strip.whole);
  player.go(0);
  return player;
}

class Player {
  constructor(link, trace, show) {
    this.link = link;
    this.trace = trace;
    this.show = show;
    this.index = 0;
    this.wanted = null;
    this.asking = false;
    this.playing = null;
    this.listen();
  }

  get length() {
    return this.trace.data.t.length;
  }

  // Show a decision; while one is being loaded, only the latest request is kept.
  async go(index) {
    this.index = Math.min(Math.max(index, 0), this.length - 1);
    this.wanted = this.index;
    at("scrub").max = this.length - 1;
    at("scrub").value = this.index;
    this.trace.point(this.index);
    if (this.asking) return;
    this.asking = true;
    try {
      while (this.wanted !== null) {
        const wanted = this.wanted;
        this.wanted = null;
        this.show(await this.link.ask({show: wanted}));
      }
    } catch (error) {
      this.stop();
      showBeam("none", error.message);
    }
    this.asking = false;
  }

  // Scroll the trace so that the shown decision stays visible.
  follow() {
    const {strip} = this.trace, t = this.trace.data.t[this.index], [from, to] = strip.view;
    if (t < from || t > to) strip.look(t - (to - from) / 5, t + (to - from) * 4 / 5);
  }

  play() {
    if (this.index >= this.length - 1) this.go(0);
    const {t} = this.trace.data;
    let now = t[this.index], last = performance.now();
    at("play").textContent = text("review.pause");
    const step = () => {
      const moment = performance.now();
      now += (moment - last) / 1000 * Number(at("speed").value);
      last = moment;
      let index = this.index;
      while (index < this.length - 1 && t[index + 1] <= now) index++;
      if (index !== this.index && !this.asking) {
        this.go(index);
        this.follow();
      }
      if (this.index >= this.length - 1) this.stop(); else this.playing = requestAnimationFrame(step);
    };
    this.playing = requestAnimationFrame(step);
  }

  stop() {
    if (this.playing !== null) cancelAnimationFrame(this.playing);
    this.playing = null;
    at("play").textContent = text("review.play");
  }

  // Go to the next decision that begins a hold, from the end to the first again.
  nextHold() {
    const {on} = this.trace.data;
    this.stop();
    for (let by = 1; by <= this.length; by++) {
      const index = (this.index + by) % this.length;
      if (!on[index] && (index === 0 || on[index - 1])) {
        this.go(index);
        this.follow();
        return;
      }
    }
  }

  step(by) {
    this.stop();
    this.go(this.index + by);
    this.follow();
  }

  listen() {
    const {strip} = this.trace, canvas = strip.canvas;
    at("play").addEventListener("click", () => { if (this.playing === null) this.play(); else this.stop(); });
    at("back").addEventListener("click", () => this.step(-1));
    at("forward").addEventListener("click", () => this.step(1));
    at("next-hold").addEventListener("click", () => this.nextHold());
    at("scrub").addEventListener("input", () => {
      this.stop();
      this.go(Number(at("scrub").value));
      this.follow();
    });
    let dragged = false;
    const scrub = (event) => {
      const index = strip.at(event.offsetX);
      if (index >= 0) this.go(index);
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (strip.named(event.offsetX, event.offsetY)) return;
      dragged = true;
      this.stop();
      canvas.setPointerCapture(event.pointerId);
      scrub(event);
    });
    canvas.addEventListener("pointermove", (event) => { if (dragged) scrub(event); });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { dragged = false; });
    canvas.addEventListener("pointerleave", () => this.trace.point(this.index));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      strip.zoom(event.deltaY < 0 ? 0.8 : 1.25, strip.seconds(event.offsetX));
    }, {passive: false});
    const keys = {ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), n: () => this.nextHold(), " ": () => at("play").click()};
    canvas.addEventListener("keydown", (event) => {
      if (!keys[event.key]) return;
      keys[event.key]();
      event.preventDefault();
    });
  }
}
