// The wizard: from a recording that was dropped or is listed to a session, in steps: read, target, replay, see.

import {Cine} from "./cine.js";
import {Drawing} from "./contour-panel.js";
import {Dropped} from "./drop.js";
import {get, getMessage, post, token} from "./library-link.js";
import {drawPicture} from "./picture.js";
import {unpack} from "./link.js";
import {offerLook} from "./page.js";
import {maskPicture} from "./overlay.js";
import {colorOf} from "./strip-ink.js";
import {t} from "./words.js";

const at = (id) => document.getElementById(id);
const POLL_MS = 300;
const asked = Object.fromEntries(new URLSearchParams(location.search));

// A loaded target on the first frame.
class Loaded {
  constructor(cine, found) {
    Object.assign(this, {cine, found, mask: maskPicture(found.runs, found.shape)});
  }

  paint(ink, place) {
    const {shape, envelope_px} = this.found;
    ink.imageSmoothingEnabled = false;
    ink.drawImage(this.mask, place.left, place.top, shape[1] * place.right, shape[0] * place.down);
    this.cine.outline(ink, place, {data: envelope_px.flat(), shape: [envelope_px.length, 2]}, colorOf("envelope"), 1.6);
  }

  down() { return false; }
  move() {}
  up() {}
  leave() {}
  twice() {}
  key() { return false; }
}

class Wizard {
  constructor() {
    this.key = null;
    this.way = null;
    this.listen();
  }

  get path() {
    return `/wizard/${this.key}`;
  }

  // Read the recording as it was chosen, and show what it is.
  async read(choices) {
    at("read").disabled = true;
    at("wizard-answer").textContent = t("wizard.reading");
    const found = await post("/wizard", {...asked, ...choices});
    at("read").disabled = false;
    at("wizard-answer").textContent = "";
    at("recording").hidden = false;
    if (!found.accepted) {
      at("choose").hidden = false;
      at("refused").textContent = found.note;
      // A recording that cannot be opened at all has no planes to choose from.
      at("choose").classList.toggle("final", !this.key);
      return;
    }
    this.key = found.wizard;
    this.choices = choices;
    at("choose").hidden = !found.finding;
    at("known").hidden = Boolean(found.finding);
    if (found.finding) {
      at("refused").textContent = found.finding;
      at("plane").replaceChildren(new Option(t("wizard.any"), ""), ...found.planes.map((name) => new Option(t(`plane.${name}`), name)));
      at("plane").parentElement.hidden = !found.planes.length;
      return;
    }
    this.known(found);
  }

  async known(found) {
    at("facts").tBodies[0].replaceChildren(...found.rows.map(([name, text]) => {
      const row = document.createElement("tr"), head = document.createElement("th"), cell = document.createElement("td");
      head.scope = "row";
      head.textContent = name;
      cell.textContent = text;
      row.append(head, cell);
      return row;
    }));
    at("into").textContent = `${found.out}/`;
    at("session-name").value = found.name.replace(/[^A-Za-z0-9_-]/g, "").replace(/^[_-]+/, "").slice(0, 32) || "recording";
    this.out = found.out;
    await drawPicture(at("first"), found.picture);
    // In their place the frame would only be shown twice.
    const message = unpack(await getMessage(`${this.path}/frame`));
    this.view = {...message, phase: "", structures: [{name: t("draw.the-target"), target: true, color: colorOf("target"), margin_mm: 5}]};
    this.drawing ??= new Drawing(this.key, this.cine, {name: () => "wizard"}, (path, body) => this.drawn(path, body));
    // Only now: a way that is chosen earlier would have no frame to show.
    this.offerWays(found);
    for (const id of ["target", "replay"]) at(id).hidden = false;
    document.body.dataset.step = "target";
    this.take(this.way);
  }

  // Offer the ways to a target: in the recording, drawn, or from a file.
  offerWays({own_target: own, structures}) {
    const named = structures.filter((one) => one.drawn);
    const ways = [
      ...(own && named.length < 2 ? [["own", t("wizard.own")]] : []),
      ...(named.length > 1 ? named.map((one) => [`roi ${one.name}`, t("wizard.roi", {name: one.name})]) : []),
      ["draw", t("wizard.draw")], ["load", t("wizard.load")],
    ];
    const inputs = ways.map(([value, words]) => {
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, {type: "radio", name: "way", value});
      input.addEventListener("change", () => this.take(value));
      label.append(input, words);
      return label;
    });
    at("ways").replaceChildren(at("ways").firstElementChild, ...inputs);
    [this.way] = ways[0];
    inputs[0].firstChild.checked = true;
  }

  take(way) {
    this.way = way;
    this.ready(null);
    at("load").hidden = way !== "load";
    at("cine-frame").hidden = way !== "draw" && way !== "load";
    const {view} = this;
    if (way === "draw") {
      const draw = {taken: true, fixed: true, sequence: 0, structures: [{by_hand: true, confirmed: false, required: true}]};
      this.show({...view, phase: "drawing", draw});
    } else {
      this.drawing.show({...view, phase: ""});
      if (way === "load") this.show(view);
    }
    if (way === "own") this.ready(t("wizard.own"));
    if (way.startsWith("roi ")) this.ready(t("wizard.roi", {name: way.slice(4)}));
  }

  show(view) {
    this.cine.tool = null;
    this.cine.show(view);
    this.drawing.show(view);
  }

  async drawn(path, body) {
    const answer = await post(`${this.path}${path}`, body);
    if (path === "/draw" && answer.accepted) {
      at("margin").value = body.draw.margin_mm;
      this.ready(t("wizard.drawn"));
    }
    return answer;
  }

  async load(drop) {
    at("load-answer").textContent = "…";
    this.loaded = drop;
    const region = at("regions").hidden ? null : at("region").value;
    const found = await post(`${this.path}/target`, {drop, region, margin_mm: Number(at("margin").value)});
    at("load-answer").textContent = found.note;
    if (!found.accepted) return;
    if (found.regions.length) {
      at("region").replaceChildren(new Option(t("wizard.which"), ""), ...found.regions.map((name) => new Option(name)));
      at("regions").hidden = false;
      return;
    }
    this.cine.tool = new Loaded(this.cine, found);
    this.cine.draw();
    at("load-answer").textContent = t("wizard.loaded", {area: (found.area_mm2 / 100).toFixed(2)});
    this.ready(t("wizard.loaded", {area: (found.area_mm2 / 100).toFixed(2)}));
  }

  // The target is known, as words, or not yet: null.
  ready(words) {
    at("go").disabled = words === null;
    at("target-words").textContent = words === null ? t("wizard.no-target") : t("wizard.with", {target: words});
  }

  async replay() {
    const number = (id) => Number(at(id).value);
    at("go").disabled = true;
    at("replay-answer").textContent = "…";
    const begun = await post(`${this.path}/replay`, {own: this.way === "own", roi: this.way.startsWith("roi ") ? this.way.slice(4) : null, name: at("session-name").value, margin_mm: number("margin"), outside_percent: number("outside"), preview_s: number("preview")});
    at("go").disabled = begun.accepted;
    at("replay-answer").textContent = begun.accepted ? "" : begun.note;
    if (!begun.accepted) return;
    at("into").textContent = begun.folder;
    at("target").inert = true;
    at("played").hidden = false;
    for (;;) {
      const told = await post(`${this.path}/progress`, {});
      if (!told.accepted || told.failed) {
        this.failed(told.note);
        return;
      }
      at("played").max = Math.max(told.total, 1);
      at("played").value = told.done;
      at("replay-answer").textContent = t("wizard.progress", told);
      if (told.ended) {
        this.done(told);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  failed(why) {
    at("played").hidden = true;
    at("target").inert = false;
    at("go").disabled = false;
    at("replay-answer").textContent = t("wizard.failed", {why});
  }

  done({key, folder}) {
    this.session = key;
    this.key = null;
    at("replay-answer").textContent = t("wizard.done", {folder});
    at("see").hidden = false;
    at("see").focus();
    document.body.dataset.step = "done";
  }

  async see() {
    at("see").disabled = true;
    const found = await post("/open", {key: this.session});
    at("see").disabled = false;
    if (found.accepted) location.assign(found.url); else at("replay-answer").textContent = found.note;
  }

  listen() {
    this.cine = new Cine(at("cine"));
    at("read").addEventListener("click", () => this.read({orientation: at("plane").value, scan: at("scan").value}));
    at("settings").addEventListener("submit", (event) => {
      event.preventDefault();
      this.replay();
    });
    at("see").addEventListener("click", () => this.see());
    at("region").addEventListener("change", () => { if (at("region").value) this.load(this.loaded); });
    new Dropped(at("load"), [at("target-file")], at("target-sent"), at("load-answer"), (drop) => {
      at("regions").hidden = true;
      return this.load(drop);
    });
  }
}

token();
document.title = t("wizard.title");
offerLook();
const wizard = new Wizard();
try {
  await get("/library?after=99999999");  // whether this page may ask at all
  await wizard.read({});
} catch (error) {
  at("wizard-answer").textContent = error.message;
}
