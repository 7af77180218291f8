// The contour that is being drawn, as points [row, col] in px, with undo and redo; independent of the page.

import {ellipseOf, thinned} from "./geometry.js";

export const MOST_POINTS = 400;
const MOST_STEPS = 500;
const SMALLEST_PX = 1;
const FEWEST = 3;
const NOTHING = {points: [], closed: false, shape: "polygon", chosen: -1};

export class Sketch {
  // `bounds` are rows and columns of the image, which contain all points; `kept` is the result of an earlier toJSON.
  constructor(bounds, kept = NOTHING) {
    this.bounds = bounds;
    this.now = {...NOTHING, ...kept};
    this.past = [];
    this.future = [];
    this.before = null;
  }

  get points() { return this.now.points; }
  get closed() { return this.now.closed; }
  get shape() { return this.now.shape; }
  get chosen() { return this.now.chosen; }

  toJSON() {
    const {points, closed, shape} = this.now;
    return {points, closed, shape};
  }

  // Round a position to a hundredth of a px, the precision of the message.
  on(spot) {
    return spot.map((value, axis) => Math.round(100 * Math.min(Math.max(value, -0.5), this.bounds[axis] - 0.5)) / 100);
  }

  change(next) {
    this.past.push(this.now);
    if (this.past.length > MOST_STEPS) this.past.shift();
    this.future = [];
    this.now = {...this.now, ...next};
  }

  // All changes between begin and end are one step of undo.
  begin() {
    this.before = this.now;
  }

  end() {
    const {before, now} = this;
    this.before = null;
    if (!before || before.points === now.points) return;
    this.now = before;
    this.change(now);
  }

  cancel() {
    if (this.before) this.now = this.before;
    this.before = null;
  }

  undo() {
    this.cancel();
    if (!this.past.length) return;
    this.future.push(this.now);
    this.now = this.past.pop();
  }

  redo() {
    if (!this.future.length) return;
    this.past.push(this.now);
    this.now = this.future.pop();
  }

  clear() {
    if (this.points.length) this.change(NOTHING);
  }

  // Add a point to the polygon; after a closed contour, begin a new one.
  add(spot) {
    const points = this.closed ? [] : this.points;
    if (points.length >= MOST_POINTS) return false;
    this.change({...NOTHING, points: [...points, this.on(spot)]});
    return true;
  }

  close() {
    if (this.closed || this.points.length < FEWEST) return false;
    this.change({closed: true});
    return true;
  }

  // The ellipse between two corners while they are being set.
  stretch(one, other) {
    const points = ellipseOf(this.on(one), this.on(other)).map((point) => this.on(point));
    this.now = {points, closed: true, shape: "ellipse", chosen: -1};
  }

  get isTooSmall() {
    return [0, 1].some((axis) => {
      const values = this.points.map((point) => point[axis]);
      return !(Math.max(...values) - Math.min(...values) >= SMALLEST_PX);
    });
  }

  choose(number) {
    this.now = {...this.now, chosen: number};
  }

  chooseNext(by) {
    const count = this.points.length;
    if (count) this.choose(this.chosen < 0 ? (by > 0 ? 0 : count - 1) : (this.chosen + by + count) % count);
  }

  // An ellipse with a moved point becomes a polygon.
  get adjusted() {
    return this.shape === "ellipse" ? "adjusted" : this.shape;
  }

  // Move the selected point to a position.
  put(spot) {
    this.now = {...this.now, shape: this.adjusted, points: this.points.with(this.chosen, this.on(spot))};
  }

  // Move the selected point, or without one the whole contour, by some px within the image.
  by(rows, cols, from = this.points) {
    if (this.chosen >= 0) {
      const [row, col] = this.points[this.chosen];
      this.put([row + rows, col + cols]);
      return;
    }
    const far = [rows, cols].map((wanted, axis) => {
      const values = from.map((point) => point[axis]);
      return Math.min(Math.max(wanted, -0.5 - Math.min(...values)), this.bounds[axis] - 0.5 - Math.max(...values));
    });
    this.now = {...this.now, points: from.map(([row, col]) => this.on([row + far[0], col + far[1]]))};
  }

  insert(behind, spot) {
    if (this.points.length >= MOST_POINTS) return false;
    const points = this.points.toSpliced(behind + 1, 0, this.on(spot));
    this.now = {...this.now, shape: this.adjusted, points, chosen: behind + 1};
    return true;
  }

  // Remove the selected point, or the last one of an open contour.
  remove() {
    if (!this.closed && this.points.length) this.change({points: this.points.slice(0, -1), chosen: -1});
    else if (this.chosen >= 0 && this.points.length > FEWEST) {
      this.change({shape: this.adjusted, points: this.points.toSpliced(this.chosen, 1), chosen: -1});
    } else return false;
    return true;
  }

  fewer() {
    if (!this.closed) return;
    const points = thinned(this.points, Math.ceil(this.points.length / 2));
    if (points.length < this.points.length) this.change({shape: this.adjusted, points, chosen: -1});
  }

  // Take a contour from elsewhere, reduced to the number of points that a message can hold.
  static of(bounds, points) {
    const sketch = new Sketch(bounds);
    sketch.now = {...NOTHING, points: thinned(points, MOST_POINTS).map((point) => sketch.on(point)), closed: true, shape: "adjusted"};
    return sketch;
  }
}
