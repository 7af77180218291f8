// Which part of the trace is shown: how long, how far back, and which lane is large.

import {offerLarge} from "./enlarge.js";
import {t} from "./words.js";

const SPANS = [["trace.half-minute", 30], ["trace.two-minutes", 120], ["trace.all", Infinity]];
const LEAST_S = 5, STEP = 0.2;

function button(text, pressed, act) {
  const one = document.createElement("button");
  one.type = "button";
  one.textContent = text;
  one.setAttribute("aria-pressed", String(pressed));
  one.addEventListener("click", act);
  return one;
}

export class TraceTools {
  constructor(trace) {
    this.trace = trace;
    this.strip = trace.strip;
    this.span = trace.live ? SPANS[0][1] : Infinity;
    this.until = null;  // the right end of what is shown, in seconds; null while the newest decision is
    this.spans = SPANS.map(([key, seconds]) => button(t(key), seconds === this.span, () => this.choose(seconds)));
    this.now = button(t("trace.now"), false, () => this.back());
    this.now.removeAttribute("aria-pressed");
    this.now.id = "now";
    this.lanes = this.group(t("trace.lanes"), []);
    const bar = document.createElement("div");
    bar.className = "tools trace-tools";
    const spans = this.group(t("trace.spans"), this.spans);
    if (trace.live) spans.append(this.now);
    bar.append(spans, this.lanes);
    this.strip.canvas.before(bar);
    this.large = offerLarge(this.strip, () => this.offer());
    this.offer();
    this.tell();
    if (trace.live) this.listen();
  }

  group(label, buttons) {
    const box = document.createElement("span");
    box.className = "tools";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", label);
    box.append(...buttons);
    return box;
  }

  // A button for each lane with an axis; they are few, and change with the structures that are shown.
  offer() {
    const {measured, large} = this.strip, known = JSON.stringify([large, ...measured.map(({label}) => label)]);
    if (known === this.offered) return;
    this.offered = known;
    const focused = [...this.lanes.children].indexOf(document.activeElement);
    this.lanes.replaceChildren(...measured.map(({label, key}, place) => {
      const one = button(label, key === large, () => this.large(key));
      one.title = t("trace.enlarge", {key: place + 1});
      return one;
    }));
    if (focused >= 0) this.lanes.children[focused]?.focus();
  }

  choose(seconds) {
    this.span = seconds;
    if (seconds === Infinity) this.until = null;
    this.spans.forEach((one, place) => one.setAttribute("aria-pressed", String(SPANS[place][1] === seconds)));
    if (this.trace.live) this.show();
    else this.around();
  }

  // In a review: this long around the decision that is shown.
  around() {
    const {strip} = this, [first, last] = strip.whole, at = strip.cursor ?? first;
    if (this.span === Infinity) strip.look(first, last);
    else strip.look(at - this.span / 2, at + this.span / 2);
  }

  // The newest moment that can be shown.
  get newest() {
    return Math.max(this.strip.data.t.at(-1) ?? 0, this.strip.ahead.at(-1)?.[0] ?? 0);
  }

  // Move the view to what is chosen.
  follow() {
    const {strip, newest} = this, first = strip.data.t[0] ?? 0;
    const long = this.span === Infinity ? Math.max(newest - first, LEAST_S) : this.span;
    const until = Math.max(Math.min(this.until ?? newest, newest), Math.min(first + long, newest));
    const from = Math.max(until - long, first);
    strip.view = [from, from + long];
  }

  show() {
    this.follow();
    this.tell();
    this.strip.draw();
  }

  back() {
    this.until = null;
    if (document.activeElement === this.now) this.strip.canvas.focus();
    this.show();
  }

  // Show what lies so many seconds further on, or back; at the newest decision the trace follows again.
  scroll(seconds) {
    const until = (this.until ?? this.newest) + seconds, long = Math.min(this.span, this.newest - (this.strip.data.t[0] ?? 0));
    this.until = until >= this.newest ? null : Math.max(until, (this.strip.data.t[0] ?? 0) + long);
    this.show();
  }

  zoom(factor, around) {
    const [from, to] = this.strip.view, span = Math.max((to - from) * factor, LEAST_S);
    const until = around + (to - around) * span / (to - from);
    this.span = span >= this.newest - (this.strip.data.t[0] ?? 0) ? Infinity : span;
    this.until = this.span === Infinity || (this.until === null && factor > 1) || until >= this.newest ? null : until;
    this.spans.forEach((one, place) => one.setAttribute("aria-pressed", String(SPANS[place][1] === this.span)));
    this.show();
  }

  // The button keeps its place while there is no need for it.
  tell() {
    this.now.classList.toggle("unneeded", !this.trace.live || this.until === null);
    document.body.dataset.trace = this.until === null ? "now" : "back";
  }

  listen() {
    const {strip} = this, {canvas} = strip;
    let dragged = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || strip.at(event.offsetX) < 0) return;
      dragged = event.offsetX;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (dragged === null || !event.buttons) return;
      const by = strip.seconds(dragged) - strip.seconds(event.offsetX);
      dragged = event.offsetX;
      this.scroll(by);
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { dragged = null; });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.scroll(Math.sign(event.deltaX || event.deltaY) * STEP * (strip.view[1] - strip.view[0]));
      else this.zoom(event.deltaY < 0 ? 0.8 : 1.25, strip.seconds(event.offsetX));
    }, {passive: false});
    canvas.addEventListener("keydown", (event) => {
      const [from, to] = strip.view, by = STEP * (to - from);
      const keys = {
        ArrowLeft: () => this.scroll(-by), ArrowRight: () => this.scroll(by), Home: () => this.scroll(-Infinity), End: () => this.back(),
        "+": () => this.zoom(0.5, to), "-": () => this.zoom(2, to),
      };
      if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
      keys[event.key]();
      event.preventDefault();
    });
  }
}
