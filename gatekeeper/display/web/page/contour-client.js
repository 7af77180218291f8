// Ask the server for the preview of a drawn contour: pixels of the target, envelope, or the reason for a refusal.

import {post} from "./link.js";

const WAIT_MS = 80;

export class Outliner {
  // `heard` is called whenever the preview has changed; `send` asks the server.
  constructor(heard, send = post) {
    this.heard = heard;
    this.send = send;
    this.wanted = null;
    this.found = null;
    this.note = "";
    this.asking = false;
    this.timer = null;
  }

  // Whether the preview belongs to the latest contour; only then may it be used.
  get isFresh() {
    return this.wanted !== null && this.found?.key === this.wanted.key;
  }

  get isWaiting() {
    return this.wanted !== null && !this.isFresh && !this.note;
  }

  // One request at a time; meanwhile only the latest contour is kept for the next request.
  // Without a margin for an organ at risk; `structure` is its name in messages, where there are several.
  want(points, margin_mm, structure) {
    const key = JSON.stringify([points, margin_mm, structure]);
    if (this.wanted?.key === key) return;
    this.wanted = {points, margin_mm, structure, key};
    this.note = "";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT_MS);
  }

  forget(note = "") {
    clearTimeout(this.timer);
    this.wanted = this.found = null;
    this.note = note;
  }

  async ask() {
    if (this.asking) return;
    this.asking = true;
    while (this.isWaiting) {
      const asked = this.wanted;
      let answer;
      try {
        answer = await this.send("/outline", {points_px: asked.points, margin_mm: asked.margin_mm ?? null, structure: asked.structure});
      } catch {
        answer = {accepted: false, note: "the console does not answer"};
      }
      if (!this.wanted) break;
      if (answer.accepted) this.found = {...answer, ...asked};
      else if (asked === this.wanted) [this.found, this.note] = [null, answer.note];
      this.heard();
    }
    this.asking = false;
  }
}
