// Target contouring: tools over the image while a session waits for its target, and their requests to the session.

import {NO_ANSWER, Twice} from "./control.js";
import {post} from "./link.js";
import {Outliner} from "./contour-client.js";
import {Overlay} from "./overlay.js";
import {Pencil} from "./contour-tools.js";
import {Sketch} from "./contour-edit.js";

const at = (id) => document.getElementById(id);
const TOOLS = ["polygon", "ellipse", "adjust"];
const KEPT = "sketch";
const ELSEWHERE = "The target is being drawn elsewhere. This page is read-only; open the address with control to draw.";
const HINTS = {
  polygon: "Click along the edge of the target. To close: click the first point, double-click or press Enter. Keys: arrows move the pen, space puts a point.",
  ellipse: "Drag a box over the target. Keys: arrows move the pen, space sets each corner.",
  adjust: "Drag a point, an edge (which gets a point there) or the whole; beside it, drag for brightness. Keys: n and p choose a point, arrows move it, Delete removes it.",
};

export class Drawing {
  // `operator` is the operator of this page; null without control.
  constructor(name, cine, operator) {
    this.session = name;
    this.cine = cine;
    this.operator = operator;
    this.outliner = new Outliner(() => this.refresh());
    this.pencil = new Pencil(() => cine.place(), () => this.changed());
    this.pencil.overlay = new Overlay(cine, this.pencil, this.outliner);
    this.draw = null;
    this.frame = null;
    this.asking = false;
    if (operator) this.listen();
  }

  get sketch() {
    return this.pencil.sketch;
  }

  get margin() {
    const field = at("draw-margin");
    return field.value !== "" && field.checkValidity() ? Number(field.value) : null;
  }

  show(view) {
    const draw = view.phase === "drawing" ? view.draw ?? null : null;
    if ((draw === null) !== (this.draw === null)) this.turn(draw, view);
    this.draw = draw;
    if (!draw) return;
    this.hasImage = Boolean(this.cine.view?.arrays.image);
    const frame = draw.taken ? `${draw.sequence}` : null;
    if (frame !== this.frame && (frame === null || this.hasImage)) this.begin(frame, view.arrays.proposal);
    this.refresh();
  }

  // Begin or end contouring.
  turn(draw, view) {
    at("drawing").hidden = at("mask-line").hidden = draw === null;
    at("draw-tools").hidden = !this.operator;
    if (draw) {
      at("draw-margin").value = draw.margin_mm;
      if (this.operator) this.cine.tool = this.pencil;
    } else {
      this.cine.tool = this.frame = this.pencil.sketch = null;
      this.outliner.forget();
    }
    this.cine.describe(draw && this.operator ? "Frame on which the target is drawn. The tools above describe keys and pointer; shift and drag to move, wheel to zoom." : null);
  }

  // The frozen frame has changed: continue the contour begun on it, or begin with the outline to be adjusted.
  begin(frame, proposal) {
    this.frame = frame;
    this.outliner.forget();
    this.answered("");
    if (frame === null) {
      this.pencil.sketch = null;
      return;
    }
    const bounds = this.cine.view.arrays.image.shape, kept = this.kept();
    if (kept) {
      this.pencil.sketch = new Sketch(bounds, kept.sketch);
      if (kept.margin !== null) at("draw-margin").value = kept.margin;
    } else this.pencil.sketch = proposal?.shape[0] ? Sketch.of(bounds, pairs(proposal)) : new Sketch(bounds);
    this.pencil.choose(this.sketch.closed ? "adjust" : "polygon");
    this.changed();
  }

  get key() {
    return JSON.stringify([this.session, this.frame, ...this.cine.view.arrays.image.shape]);
  }

  // A reloaded page continues with its contour.
  kept() {
    try {
      const found = JSON.parse(sessionStorage.getItem(KEPT));
      return found?.key === this.key ? found : null;
    } catch {
      return null;
    }
  }

  changed() {
    if (!this.sketch) return;
    const {points, closed} = this.sketch, {margin} = this;
    if (!closed) this.outliner.forget();
    else if (margin === null) this.outliner.forget(`margin: give ${at("draw-margin").min} to ${at("draw-margin").max} mm`);
    else this.outliner.want(points, margin);
    sessionStorage.setItem(KEPT, JSON.stringify({key: this.key, sketch: this.sketch, margin}));
    this.use?.calm();
    this.answered("");
    this.refresh();
  }

  // Update all texts and buttons to the present state.
  refresh() {
    const {sketch, draw} = this, {isFresh, isWaiting} = this.outliner;
    if (!draw) return;
    say("step", this.step());
    say("hint", sketch && this.operator ? HINTS[this.pencil.tool] : "");
    this.measured();
    const enabled = {
      take: !draw.taken && this.hasImage, another: draw.taken && !draw.fixed, undo: sketch?.past.length, redo: sketch?.future.length,
      clear: sketch?.points.length, fewer: sketch?.closed && sketch.points.length > 8, "use-target": isFresh,
      ...Object.fromEntries(TOOLS.map((tool) => [tool, sketch])),
    };
    for (const [id, can] of Object.entries(enabled)) at(id).disabled = !can || this.asking;
    for (const tool of TOOLS) at(tool).setAttribute("aria-pressed", String(Boolean(sketch) && this.pencil.tool === tool));
    at("drawing").dataset.outline = isFresh ? "fresh" : isWaiting ? "waiting" : this.outliner.note ? "refused" : "none";
    this.cine.draw();
  }

  step() {
    const {draw, sketch} = this;
    if (!this.operator) return ELSEWHERE;
    if (!this.hasImage) return "Waiting for the first frame.";
    if (!draw.taken) return "Next: take a frame on which the target is clearly visible.";
    if (!sketch?.points.length) return `Next: draw the target on ${this.called()}.`;
    if (!sketch.closed) return "Next: close the outline of the target.";
    if (this.outliner.note) return "Next: correct the outline; it cannot be used yet.";
    return "Next: check target and envelope, set the margin, then use this target.";
  }

  called() {
    return this.draw.sequence < 0 ? "the reference image" : `frame ${this.draw.sequence}`;
  }

  measured() {
    const {found, note, isFresh, isWaiting} = this.outliner;
    const parts = found ? [`${(found.area_mm2 / 100).toFixed(2)} cm²`, `equivalent diameter ${(2 * Math.sqrt(found.area_mm2 / Math.PI)).toFixed(1)} mm`, `margin ${found.margin_mm} mm`] : [];
    if (found && isFresh && found.note) parts.push(found.note);
    if (isWaiting) parts.push("…");
    say("measured", note ? `Not possible: ${note}` : parts.join(" · "));
  }

  answered(text) {
    say("draw-answer", text);
  }

  // Send a request to the session in the name of the operator.
  async ask(draw) {
    const operator = this.operator.name();
    if (operator === null) {
      this.answered("Enter your name first, in the field under Operator.");
      return;
    }
    this.asking = true;
    this.answered("…");
    this.refresh();
    try {
      const answer = await post("/draw", {operator, draw});
      this.answered((answer.accepted ? "" : "Not done: ") + answer.note);
    } catch {
      this.answered(`Not done: ${NO_ANSWER}`);
    }
    this.asking = false;
    this.refresh();
  }

  listen() {
    const {pencil} = this;
    const clicks = {
      take: () => this.ask({take: true}), another: () => this.ask({again: true}),
      undo: () => this.sketch.undo(), redo: () => this.sketch.redo(), clear: () => { this.sketch.clear(); pencil.choose("polygon"); }, fewer: () => this.sketch.fewer(),
      ...Object.fromEntries(TOOLS.map((tool) => [tool, () => pencil.choose(tool)])),
    };
    for (const [id, act] of Object.entries(clicks)) {
      at(id).addEventListener("click", () => {
        act();
        this.changed();
      });
    }
    at("draw-margin").addEventListener("input", () => this.changed());
    this.use = new Twice(at("use-target"), () => {
      const {found, isFresh} = this.outliner;
      if (!isFresh) return;
      this.ask({points_px: found.points, margin_mm: found.margin_mm, sequence: this.draw.sequence, shape: this.sketch.shape});
    });
  }
}

// Write only changes: a screen reader reads every write aloud.
function say(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

function pairs({data, shape}) {
  return Array.from({length: shape[0]}, (_, number) => [data[2 * number], data[2 * number + 1]]);
}
