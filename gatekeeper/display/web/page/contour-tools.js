// Contour tools: effect of pointer and keys on the contour, tool by tool. Event handlers return whether they used the event.

import {edgeAt, isInside, pointAt} from "./geometry.js";

const NEAR_POINT = 10, NEAR_EDGE = 7, SAME = 3;
const NUDGE_PX = 0.5, PEN_PX = 1;
const away = (one, other) => [one[0] - other[0], one[1] - other[1]];
const ARROWS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};

export class Pencil {
  // `changed` is called after every change; `place` returns the placement of the image on the canvas.
  constructor(place, changed) {
    this.place = place;
    this.changed = changed;
    this.sketch = this.overlay = null;
    this.choose("polygon");
  }

  choose(tool) {
    this.sketch?.cancel();
    this.tool = tool;
    this.pen = null;
    this.byKeys = false;
    this.corner = null;
    this.held = null;
  }

  paint(ink, place) {
    this.overlay?.paint(ink, place);
  }

  down(spot) {
    if (!this.sketch) return false;
    this.byKeys = false;
    this.pen = spot;
    const took = {polygon: () => this.point(spot), ellipse: () => this.corners(spot), adjust: () => this.take(spot)}[this.tool]();
    this.changed();
    return took;
  }

  move(spot) {
    if (!this.sketch) return;
    this.pen = spot;
    this.byKeys = false;
    if (this.corner) this.sketch.stretch(this.corner, spot);
    else if (this.held?.all) this.sketch.by(spot[0] - this.held.start[0], spot[1] - this.held.start[1], this.held.all);
    else if (this.held) this.sketch.put([spot[0] + this.held.beside[0], spot[1] + this.held.beside[1]]);
    else if (this.tool === "adjust" || !this.sketch.points.length) return;
    this.changed();
  }

  up(spot) {
    if (!this.sketch) return;
    if (this.corner) this.corners(spot);
    this.held = null;
    this.sketch.end();
    this.changed();
  }

  leave() {
    if (this.corner && !this.byKeys) this.corner = null;
    this.held = null;
    this.sketch?.cancel();
    this.changed();
  }

  twice() {
    if (this.sketch && this.tool === "polygon") this.close();
  }

  // A click on the first point closes the contour; the second click of a double-click is ignored.
  point(spot) {
    const {sketch} = this, scale = this.place();
    if (!sketch.closed && sketch.points.length) {
      if (sketch.points.length > 2 && pointAt(sketch.points.slice(0, 1), spot, scale, NEAR_POINT) === 0) {
        this.close();
        return true;
      }
      if (pointAt(sketch.points.slice(-1), spot, scale, SAME) === 0) return true;
    }
    sketch.add(spot);
    return true;
  }

  close() {
    if (this.sketch.close()) this.choose("adjust");
    this.changed();
  }

  // Set the first corner of an ellipse, then the second.
  corners(spot) {
    if (!this.corner) {
      this.corner = spot;
      this.sketch.begin();
      return true;
    }
    const {sketch} = this;
    sketch.stretch(this.corner, spot);
    this.corner = null;
    if (sketch.isTooSmall) sketch.cancel();
    else {
      sketch.end();
      this.choose("adjust");
    }
    return true;
  }

  // Grab a point, an edge (which gets a new point) or the whole contour.
  take(spot) {
    const {sketch} = this, scale = this.place(), {points} = sketch;
    const number = pointAt(points, spot, scale, NEAR_POINT);
    sketch.begin();
    if (number >= 0) {
      sketch.choose(number);
      this.held = {beside: away(points[number], spot)};
      return true;
    }
    sketch.choose(-1);
    if (!sketch.closed) return false;
    const edge = edgeAt(points, spot, scale, NEAR_EDGE);
    if (edge && sketch.insert(edge.behind, edge.place)) this.held = {beside: away(edge.place, spot)};
    else if (!edge && isInside(points, spot)) this.held = {all: points, start: spot};
    return this.held !== null;
  }

  key(event) {
    if (!this.sketch) return false;
    if (event.ctrlKey || event.metaKey) return this.back(event);
    const arrow = ARROWS[event.key];
    if (arrow) return !event.shiftKey && this.nudge(...arrow);
    const keys = {
      Enter: () => this.tool === "polygon" && this.close(), " ": () => this.press(), Escape: () => this.drop(),
      Delete: () => this.sketch.remove(), Backspace: () => this.sketch.remove(),
      n: () => this.tool === "adjust" && this.sketch.chooseNext(1), p: () => this.tool === "adjust" && this.sketch.chooseNext(-1),
    };
    if (!keys[event.key]) return false;
    keys[event.key]();
    this.changed();
    return true;
  }

  back(event) {
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return false;
    if (key === "y" || event.shiftKey) this.sketch.redo(); else this.sketch.undo();
    this.changed();
    return true;
  }

  // Arrow keys move the selection or the pen; space sets a point at the pen.
  nudge(rows, cols) {
    if (this.tool === "adjust") {
      this.sketch.begin();
      this.sketch.by(rows * NUDGE_PX, cols * NUDGE_PX);
      this.sketch.end();
    } else {
      const [height, width] = this.sketch.bounds, from = this.pen ?? [(height - 1) / 2, (width - 1) / 2];
      this.pen = this.sketch.on(this.byKeys || this.pen ? [from[0] + rows * PEN_PX, from[1] + cols * PEN_PX] : from);
      this.byKeys = true;
      if (this.corner) this.sketch.stretch(this.corner, this.pen);
    }
    this.changed();
    return true;
  }

  press() {
    if (this.tool === "adjust") return;
    if (!this.pen) this.nudge(0, 0);
    else if (this.tool === "polygon") this.point(this.pen);
    else this.corners(this.pen);
    this.byKeys = true;
  }

  drop() {
    this.sketch.cancel();
    this.corner = this.held = null;
    this.sketch.choose(-1);
  }
}
