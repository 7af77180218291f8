// What the patient is asked to do, from where the target is: breathe in, hold, breathe out, rest.

export const BEGAN_S = 1.5;  // a hold has begun once the target has been still in its window for this long
export const COUNTED_S = 3;  // a hold that lasted this long is followed by a rest
export const BRIEF_S = 0.6;  // a shorter time outside does not end a hold
export const REST_S = 10;
const STILL_MM = 2;

// Follows holds; rows are [count, time in s, position in mm or null, whether inside], positive as the patient breathes in.
export class Coach {
  constructor(hold_s, where) {
    this.hold_s = hold_s;
    this.where = where;  // "inhale", "exhale", "none", or null for unknown
    this.read = -1;
    this.now = null;  // the newest row
    this.recent = [];  // [time, position] within the window
    this.since = null;  // the target has been in its window since
    this.inside = null;  // time of the last row inside
    this.began = false;
    this.over = false;  // the hold has lasted as long as wanted
    this.resting = null;  // until
    this.came = "in";  // by breathing in or out
  }

  add([count, t, mm, inside]) {
    if (count <= this.read) return;
    this.read = count;
    this.now = {t, mm, inside};
    if (inside) {
      this.since ??= t;
      this.inside = t;
      this.recent.push([t, mm]);
      while (this.recent[0][0] < t - BEGAN_S) this.recent.shift();
      if (t - this.since >= BEGAN_S && range(this.recent) <= STILL_MM) this.began = true;
      if (this.began && t - this.since >= this.hold_s) this.over = true;
    } else if (this.since !== null && (!this.began || t - this.inside > BRIEF_S)) {
      if (this.began && this.inside - this.since >= COUNTED_S) this.resting = t + REST_S;
      this.since = null;
      this.recent = [];
      this.began = this.over = false;
    }
  }

  // Return the seconds left of a hold that has begun; null otherwise.
  left() {
    if (!this.began || this.over) return null;
    return Math.max(this.hold_s - (this.now.t - this.since), 0);
  }

  // Return "in", "hold", "out", "rest" or "normal" for a window [low, high] in mm.
  cue(wanted, [low, high]) {
    if (this.where === "none") return "normal";
    if (!wanted) return "rest";
    const {t, mm} = this.now;
    if (this.over) return this.leaving();
    if (this.since !== null) return "hold";
    if (this.resting !== null && t < this.resting) return "rest";
    this.came = mm < (low + high) / 2 ? "in" : "out";
    return this.came;
  }

  leaving() {
    if (this.where) return this.where === "inhale" ? "out" : "in";
    return this.came === "in" ? "out" : "in";
  }
}

function range(points) {
  const places = points.map(([, mm]) => mm);
  return Math.max(...places) - Math.min(...places);
}
