// The cine view: a frame with window and level, zoom and pan, and outlines at the resolution of the display.

import {Gestures} from "./cine-gestures.js";
import {bounds, inset, letters, scaleBar, sides} from "./cine-marks.js";
import {colorOf, fitting} from "./strip-ink.js";

const COLOR = {target: colorOf("target"), envelope: colorOf("envelope"), arrows: "#ffffff"};
const ZONE_DASHES = [6, 3], NAME_PX = 15, NAME_ROOM = 130;
const HALO = "rgba(0,0,0,0.55)";
const SIDE_PX = 11, ROOM = 2.4, MOST_ZOOM = 20;  // the view opens on the target's zone with so many times its size around it

export class Cine {
  constructor(canvas) {
    this.canvas = canvas;
    this.picture = document.createElement("canvas");
    this.view = null;
    this.window = null;
    // A tool receives pointer and key events before window, level, zoom and pan, and returns whether it used them; it paints last.
    this.tool = null;
    // Paints over the outlines of a frame: (ink, place), or null.
    this.over = null;
    this.words = canvas.getAttribute("aria-label");
    this.hidden = new Set();  // names of the structures and of other lines that are not shown
    this.aim = "target";  // what the view keeps to until it is zoomed or moved: "target", "whole", or null
    this.zoom = 1;
    this.pan = [0, 0];
    this.gestures = new Gestures(this);
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(view) {
    if (view.arrays.image || !this.view) {
      this.view = view;
    } else {  // no frame with this decision: the last one stays
      this.view = {...view, arrays: {...view.arrays, image: this.view.arrays.image}, low: this.view.low, high: this.view.high, spacing_mm: this.view.spacing_mm};
    }
    if (!this.window && this.view.arrays.image) this.autoLevel();
    this.render();
    this.draw();
  }

  // Describe the image to screen readers; null restores the usual description.
  describe(words) {
    this.canvas.setAttribute("role", words ? "application" : "img");
    this.canvas.setAttribute("aria-label", words ?? this.words);
  }

  // Show the target and its zone, or the whole frame.
  fit() {
    this.aim = "target";
  }

  whole() {
    this.aim = "whole";
  }

  // Mark the frame as old, or as new.
  stale(isOld) {
    this.canvas.parentElement.classList.toggle("stale", isOld);
  }

  // Keep to what the view aims at.
  look() {
    if (!this.aim) return;
    this.zoom = 1;
    this.pan = [0, 0];
    const {arrays, draw} = this.view, box = this.aim === "target" && !draw ? bounds([arrays.envelope ?? arrays.target]) : null;
    if (!box) return;
    const place = this.place(), [top, bottom, left, right] = box, [wide, tall] = [(right - left) * place.right, (bottom - top) * place.down];
    this.zoom = Math.min(Math.max(Math.min(this.width / wide, this.height / tall) / ROOM, 1), MOST_ZOOM);
    if (this.zoom === 1) return;
    const [x, y] = this.at(this.place(), (top + bottom) / 2, (left + right) / 2);
    this.pan = [this.width / 2 - x, this.height / 2 - y];
  }

  // Window from the darkest to nearly the brightest pixel.
  autoLevel() {
    const image = this.view?.arrays.image;
    if (!image) return;
    const sorted = Float32Array.from(image.data.filter((_, i) => i % 7 === 0)).sort();
    const value = (share) => this.raw(sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)]);
    const [low, high] = [value(0.01), value(0.995)];
    this.window = [low, high > low ? high : low + 1];
  }

  raw(pixel) {
    const {low, high} = this.view;
    return low + pixel * (high - low) / 65535;
  }

  // Convert pixels to grey values.
  render() {
    const image = this.view?.arrays.image;
    if (!image || !this.window) return;
    const [rows, cols] = image.shape;
    if (this.picture.width !== cols || this.picture.height !== rows) {
      this.picture.width = cols;
      this.picture.height = rows;
      this.pixels = null;
    }
    const ink = this.picture.getContext("2d");
    this.pixels ??= ink.createImageData(cols, rows);
    const out = new Uint32Array(this.pixels.data.buffer), pixels = image.data;
    const [from, to] = this.window;
    const slope = (this.view.high - this.view.low) / 65535 * 255 / (to - from), offset = (this.view.low - from) * 255 / (to - from);
    for (let i = 0; i < pixels.length; i++) {
      const grey = slope * pixels[i] + offset;
      out[i] = 0xff000000 | (grey <= 0 ? 0 : grey >= 255 ? 255 : grey | 0) * 0x010101;
    }
    ink.putImageData(this.pixels, 0, 0);
  }

  // Placement of the image on the canvas: canvas pixels per image pixel along rows and columns, and its corner.
  place() {
    const [rows, cols] = this.view.arrays.image.shape;
    const [tall, wide] = this.view.spacing_mm ?? [1, 1];
    const perMm = Math.min(this.width / (cols * wide), this.height / (rows * tall)) * this.zoom;
    const down = perMm * tall, right = perMm * wide;
    return {down, right, top: (this.height - rows * down) / 2 + this.pan[1], left: (this.width - cols * right) / 2 + this.pan[0]};
  }

  draw() {
    const ratio = window.devicePixelRatio || 1, box = this.canvas.getBoundingClientRect();
    const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    this.width = box.width;
    this.height = box.height;
    const ink = this.canvas.getContext("2d");
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.clearRect(0, 0, box.width, box.height);
    if (!this.view?.arrays.image) return;
    this.look();
    const place = this.place(), {arrays} = this.view;
    const [rows, cols] = arrays.image.shape;
    ink.imageSmoothingEnabled = true;
    ink.drawImage(this.picture, place.left, place.top, cols * place.right, rows * place.down);
    const [primary, ...others] = this.view.structures ?? [], several = others.length > 0;
    const own = several ? primary.color : COLOR.target, shown = (name) => !this.hidden.has(name);
    const first = shown(primary?.name ?? "target");
    if (first && shown("envelope")) this.outline(ink, place, arrays.envelope, several ? own : COLOR.envelope, several ? 1.2 : 1.6, several ? ZONE_DASHES : []);
    others.forEach(({name, color}, number) => { if (shown(name)) this.outline(ink, place, arrays[`zone${number}`], color, 1.2, ZONE_DASHES); });
    others.forEach(({name, color}, number) => { if (shown(name)) this.outline(ink, place, arrays[`other${number}`], color, 1.8); });
    if (first) this.outline(ink, place, arrays.target, own, 2.2);
    if (first && shown("predicted")) this.outline(ink, place, arrays.predicted, own, 1.6, [5, 4]);
    const named = several ? [[primary, arrays.target], ...others.map((other, number) => [other, arrays[`other${number}`]])] : [];
    this.names(ink, place, named.filter(([{name}]) => shown(name)));
    if (arrays.arrows) this.arrows(ink, place, arrays.arrows);
    this.over?.(ink, place);
    this.tool?.paint(ink, place);
    inset(ink, this, place, own);
    sides(ink, this.letters(place));
    scaleBar(ink, this, place);
  }

  letters(place) {
    return letters(this, place, SIDE_PX);
  }

  at(place, row, col) {
    return [place.left + (col + 0.5) * place.right, place.top + (row + 0.5) * place.down];
  }

  // Return the position in the image under the pointer, as [row, col] in px.
  spot(event) {
    const place = this.place();
    return [(event.offsetY - place.top) / place.down - 0.5, (event.offsetX - place.left) / place.right - 0.5];
  }

  outline(ink, place, points, color, width, dashes = []) {
    if (!points || !points.shape[0]) return;
    ink.beginPath();
    for (let i = 0; i < points.shape[0]; i++) ink.lineTo(...this.at(place, points.data[2 * i], points.data[2 * i + 1]));
    ink.closePath();
    ink.setLineDash(dashes);
    for (const [stroke, wide] of [[HALO, width + 1.6], [color, width]]) {
      ink.strokeStyle = stroke;
      ink.lineWidth = wide;
      ink.stroke();
    }
    ink.setLineDash([]);
  }

  // Write the names of structures at their outlines, where there is room without covering another name.
  names(ink, place, named) {
    const taken = this.letters(place).map(([, x, y]) => [x, y, SIDE_PX]);
    ink.font = "12px system-ui, sans-serif";
    ink.textAlign = "center";
    ink.textBaseline = "middle";
    ink.lineWidth = 3;
    for (const [{name: whole, color}, points] of named) {
      if (!points?.shape[0]) continue;
      const name = fitting(ink, whole, NAME_ROOM), half = ink.measureText(name).width / 2 + 3, spots = this.around(points, place, half);
      const isFree = ([x, y]) => !taken.some(([otherX, otherY, otherHalf]) => Math.abs(otherX - x) < otherHalf + half && Math.abs(otherY - y) < NAME_PX);
      const [x, y] = spots.find(isFree) ?? spots[0];
      taken.push([x, y, half]);
      ink.strokeStyle = HALO;
      ink.strokeText(name, x, y);
      ink.fillStyle = color;
      ink.fillText(name, x, y);
    }
  }

  // Return where a name of some width may stand: above an outline, below it, right or left of it, and then further away.
  around({data, shape}, place, half) {
    const spots = Array.from({length: shape[0]}, (_, i) => this.at(place, data[2 * i], data[2 * i + 1]));
    const [left, right] = [0, 0].map((_, side) => Math[side ? "max" : "min"](...spots.map(([x]) => x)));
    const [top, bottom] = [0, 0].map((_, side) => Math[side ? "max" : "min"](...spots.map(([, y]) => y)));
    const [x, y] = [(left + right) / 2, (top + bottom) / 2], found = [];
    for (let away = 10; away < 4 * NAME_PX; away += NAME_PX) found.push([x, top - away], [x, bottom + away], [right + half + away - 4, y], [left - half - away + 4, y]);
    const clip = (value, room, most) => Math.min(Math.max(value, room), Math.max(most - room, room));
    return found.map(([across, down]) => [clip(across, half, this.width), clip(down, NAME_PX / 2, this.height)]);
  }

  arrows(ink, place, ends) {
    ink.strokeStyle = COLOR.arrows;
    ink.fillStyle = COLOR.arrows;
    ink.lineWidth = 1.1;
    ink.globalAlpha = 0.8;
    for (let i = 0; i < ends.shape[0]; i++) {
      const [x1, y1] = this.at(place, ends.data[4 * i], ends.data[4 * i + 1]);
      const [x2, y2] = this.at(place, ends.data[4 * i + 2], ends.data[4 * i + 3]);
      const long = Math.hypot(x2 - x1, y2 - y1);
      ink.beginPath();
      ink.arc(x1, y1, 1.2, 0, 7);
      ink.fill();
      if (long < 2) continue;
      const [ux, uy] = [(x2 - x1) / long, (y2 - y1) / long], head = Math.min(5, long / 2);
      ink.beginPath();
      ink.moveTo(x1, y1);
      ink.lineTo(x2, y2);
      ink.moveTo(x2 - head * (ux + 0.5 * uy), y2 - head * (uy - 0.5 * ux));
      ink.lineTo(x2, y2);
      ink.lineTo(x2 - head * (ux - 0.5 * uy), y2 - head * (uy + 0.5 * ux));
      ink.stroke();
    }
    ink.globalAlpha = 1;
  }

  again() {
    this.render();
    this.draw();
  }

  zoomBy(factor, x = this.width / 2, y = this.height / 2) {
    const zoom = Math.min(Math.max(this.zoom * factor, 1), MOST_ZOOM), by = zoom / this.zoom;
    this.aim = null;
    this.pan = [x - this.width / 2, y - this.height / 2].map((from, axis) => from - (from - this.pan[axis]) * by);
    this.zoom = zoom;
    if (zoom === 1) this.pan = [0, 0];
    this.draw();
  }

  move(right, down) {
    this.aim = null;
    this.pan = [this.pan[0] + right, this.pan[1] + down];
    this.draw();
  }

  // Right for more contrast, down for darker.
  windowBy(right, down) {
    if (!this.window) return;
    const [low, high] = this.window, width = (high - low) * Math.exp(-right / 200), middle = (low + high) / 2 + (high - low) * down / 300;
    this.window = [middle - width / 2, middle + width / 2];
    this.again();
  }
}
