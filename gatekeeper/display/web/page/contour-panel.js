// Contouring: tools over the image while a session waits for its outlines, and their requests to the session.

import {post} from "./link.js";
import {Outliner} from "./contour-client.js";
import {Overlay} from "./overlay.js";
import {Pencil} from "./contour-tools.js";
import {Sketch} from "./contour-edit.js";
import {say} from "./panel.js";
import {Twice} from "./twice.js";
import {t} from "./words.js";

const at = (id) => document.getElementById(id);
const TOOLS = ["polygon", "ellipse", "adjust"];
const KEPT = "sketch";

export class Drawing {
  // `operator` is the operator of this page; null without control. `send` asks the server.
  constructor(name, cine, operator, send = post) {
    this.session = name;
    this.send = send;
    this.cine = cine;
    this.operator = operator;
    this.outliner = new Outliner(() => this.refresh(), send);
    this.pencil = new Pencil(() => cine.place(), () => this.changed());
    this.pencil.overlay = new Overlay(cine, this.pencil, this.outliner);
    this.draw = null;
    this.frame = null;
    this.place = null;  // of the structure that is drawn
    this.confirmed = "";
    this.asking = false;
    if (operator) this.listen();
  }

  get sketch() {
    return this.pencil.sketch;
  }

  // The structure that is drawn, with its name and colour.
  get structure() {
    return {...this.draw.structures[this.place], ...this.structures[this.place]};
  }

  // Places of the structures that are drawn here.
  get byHand() {
    return this.draw.structures.flatMap((one, place) => one.by_hand ? [place] : []);
  }

  get several() {
    return this.byHand.length > 1;
  }

  // Undefined for an organ at risk, which has none; null where it is not a valid number.
  get margin() {
    const field = at("draw-margin");
    if (!this.structure.target) return undefined;
    return field.value !== "" && field.checkValidity() ? Number(field.value) : null;
  }

  show(view) {
    const draw = view.phase === "drawing" ? view.draw ?? null : null;
    this.structures = view.structures;
    if ((draw === null) !== (this.draw === null)) this.turn(draw);
    this.draw = draw;
    if (!draw) return;
    this.hasImage = Boolean(this.cine.view?.arrays.image);
    this.proposals = view.arrays;
    const frame = draw.taken ? `${draw.sequence}` : null;
    const news = draw.structures.map((one) => Number(one.confirmed)).join("");
    if (frame !== this.frame && (frame === null || this.hasImage)) {
      this.place = this.next();
      this.begin(frame);
    } else if (news > this.confirmed && frame !== null && this.several && this.structure.confirmed) {
      // What is confirmed makes room for the next.
      this.choose(this.next());
    }
    this.confirmed = news;
    this.refresh();
  }

  // The first structure that is not confirmed: one that is required last, as the session begins with it.
  next() {
    const left = this.byHand.filter((place) => !this.draw.structures[place].confirmed);
    return left.find((place) => !this.draw.structures[place].required) ?? left[0] ?? this.byHand[0];
  }

  choose(place) {
    if (place === this.place) return;
    this.place = place;
    this.begin(this.frame);
    this.refresh();
  }

  // Offer the choice of the structure where there are several.
  offer() {
    const {several} = this;
    at("draw-which").hidden = !several;
    at("draw-which").replaceChildren(...(several ? this.byHand : []).map((place) => {
      const button = document.createElement("button"), swatch = document.createElement("i");
      button.type = "button";
      swatch.style.backgroundColor = this.structures[place].color;
      button.append(swatch, document.createElement("span"));
      button.addEventListener("click", () => this.choose(place));
      return button;
    }));
    if (this.use) this.use.words = at("use-target").textContent = t(several ? "draw.use-outline" : "draw.use-target");
  }

  // Update the words on the buttons of the structures.
  which() {
    if (!this.several) return;
    this.byHand.forEach((place, number) => {
      const {confirmed, required} = this.draw.structures[place], button = at("draw-which").children[number];
      const text = `${this.structures[place].name}${confirmed ? " ✔" : required ? "" : t("draw.optional")}`;
      if (button.lastChild.textContent !== text) button.lastChild.textContent = text;
      button.setAttribute("aria-pressed", String(place === this.place));
      button.disabled = !this.draw.taken;
    });
  }

  // Begin or end contouring.
  turn(draw) {
    at("drawing").hidden = at("mask-line").hidden = draw === null;
    at("draw-tools").hidden = !this.operator;
    if (draw) {
      this.draw = draw;
      this.place = this.next();
      this.offer();
      at("draw-margin").value = this.structure.margin_mm;
      if (this.operator) this.cine.tool = this.pencil;
    } else {
      this.cine.tool = this.frame = this.pencil.sketch = null;
      this.outliner.forget();
    }
    this.cine.describe(draw && this.operator ? t("draw.canvas") : null);
    this.cine.fit();
  }

  // The frozen frame has changed: continue the contour begun on it, or begin with the outline to be adjusted.
  begin(frame) {
    this.frame = frame;
    this.outliner.forget();
    this.answered("");
    const {target, color, margin_mm} = this.structure, proposal = this.proposals[`proposal${this.place}`];
    at("draw-margin").parentElement.hidden = !target;
    if (this.several && target) at("draw-margin").value = margin_mm;
    this.pencil.overlay.paintIn(this.several ? color : null);
    at("mask-line").firstChild.style.backgroundColor = this.several ? color : "";
    at("mask-line").lastChild.textContent = t("draw.pixels", {name: this.several ? this.structure.name : t("draw.the-target")});
    if (frame === null) {
      this.pencil.sketch = null;
      return;
    }
    const bounds = this.cine.view.arrays.image.shape, kept = this.kept();
    if (kept) {
      this.pencil.sketch = new Sketch(bounds, kept.sketch);
      if (Number.isFinite(kept.margin)) at("draw-margin").value = kept.margin;
    } else this.pencil.sketch = proposal?.shape[0] ? Sketch.of(bounds, pairs(proposal)) : new Sketch(bounds);
    this.pencil.choose(this.sketch.closed ? "adjust" : "polygon");
    this.changed();
  }

  get key() {
    return JSON.stringify([this.session, this.frame, this.structure.name, ...this.cine.view.arrays.image.shape]);
  }

  // A reloaded page, and a structure that is chosen again, continues with its contour.
  kept() {
    try {
      const found = JSON.parse(sessionStorage.getItem(this.keptAs));
      return found?.key === this.key ? found : null;
    } catch {
      return null;
    }
  }

  get keptAs() {
    return `${KEPT} ${this.place}`;
  }

  changed() {
    if (!this.sketch) return;
    const {points, closed} = this.sketch, {margin} = this;
    if (!closed) this.outliner.forget();
    else if (margin === null) this.outliner.forget(t("draw.margin-range", {min: at("draw-margin").min, max: at("draw-margin").max}));
    else this.outliner.want(points, margin, this.several ? this.structure.name : undefined);
    sessionStorage.setItem(this.keptAs, JSON.stringify({key: this.key, sketch: this.sketch, margin}));
    this.use?.calm();
    this.answered("");
    this.refresh();
  }

  // Update all texts and buttons to the present state.
  refresh() {
    const {sketch, draw} = this, {isFresh, isWaiting} = this.outliner;
    if (!draw) return;
    say("step", this.step());
    say("hint", sketch && this.operator ? t(`hint.${this.pencil.tool}`) : "");
    this.which();
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
    const {draw, sketch} = this, name = this.several ? this.structure.name : t("draw.the-target");
    if (!this.operator) return t("draw.elsewhere");
    if (!this.hasImage) return t("draw.first-frame");
    if (!draw.taken) return t(this.several ? "draw.next-take-several" : "draw.next-take");
    if (!sketch?.points.length) return t("draw.next-draw", {name, frame: this.called()});
    if (!sketch.closed) return t("draw.next-close", {name});
    if (this.outliner.note) return t("draw.next-correct");
    if (!this.several) return t("draw.next-use");
    const left = this.byHand.filter((place) => place !== this.place && draw.structures[place].required && !draw.structures[place].confirmed);
    const then = left.length ? t("draw.left", {names: left.map((place) => this.structures[place].name).join(", ")}) : t("draw.begins");
    return t("draw.next-check", {name, then});
  }

  called() {
    return this.draw.sequence < 0 ? t("draw.reference") : t("draw.frame-number", {frame: this.draw.sequence});
  }

  measured() {
    const {found, note, isFresh, isWaiting} = this.outliner;
    const parts = found ? [`${(found.area_mm2 / 100).toFixed(2)} cm²`, t("draw.diameter", {mm: (2 * Math.sqrt(found.area_mm2 / Math.PI)).toFixed(1)}), ...(found.margin_mm === undefined ? [] : [t("draw.margin-is", {mm: found.margin_mm})])] : [];
    if (found && isFresh && found.note) parts.push(found.note);
    if (isWaiting) parts.push("…");
    say("measured", note ? t("draw.refused", {note}) : parts.join(" · "));
  }

  answered(text) {
    say("draw-answer", text);
  }

  // Send a request to the session in the name of the operator.
  async ask(draw) {
    const operator = this.operator.name();
    if (operator === null) {
      this.answered(t("draw.name-first"));
      return;
    }
    this.asking = true;
    this.answered("…");
    this.refresh();
    try {
      const answer = await this.send("/draw", {operator, draw});
      this.answered(answer.accepted ? answer.note : t("answer.not-done", {note: answer.note}));
    } catch {
      this.answered(t("answer.not-done", {note: t("answer.none")}));
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
    this.use = new Twice(at("use-target"), t("draw.again"), () => {
      const {found, isFresh} = this.outliner;
      if (!isFresh) return;
      const named = this.several ? {structure: this.structure.name} : {};
      this.ask({points_px: found.points, margin_mm: found.margin_mm ?? null, sequence: this.draw.sequence, shape: this.sketch.shape, ...named});
    });
  }
}

function pairs({data, shape}) {
  return Array.from({length: shape[0]}, (_, number) => [data[2 * number], data[2 * number + 1]]);
}
