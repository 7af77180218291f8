// Overlay during contouring: pixels of the target, envelope, and the contour on top.

import {colorOf} from "./strip-ink.js";

const OPACITY = 96, STALE = 0.45;
const COLOR = {sketch: "#ffffff", target: colorOf("target"), envelope: colorOf("envelope"), halo: "rgba(0,0,0,0.75)"};
const HANDLE = 4, ROOM_PX = 14;

// Draw a mask, given as runs of [first, length] in row-major order, as an image of the same size.
export function maskPicture(runs, [rows, cols], color = COLOR.target) {
  const fill = [...[1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)), OPACITY];
  const picture = document.createElement("canvas");
  picture.width = cols;
  picture.height = rows;
  const ink = picture.getContext("2d"), pixels = ink.createImageData(cols, rows);
  for (const [first, length] of runs) for (let i = first; i < first + length; i++) pixels.data.set(fill, 4 * i);
  ink.putImageData(pixels, 0, 0);
  return picture;
}

export class Overlay {
  constructor(cine, pencil, outliner) {
    this.cine = cine;
    this.pencil = pencil;
    this.outliner = outliner;
    this.found = this.mask = null;
    this.paintIn(null);
  }

  // Draw in the colour of a structure; null for that of the one target.
  paintIn(color) {
    this.color = color ?? COLOR.target;
    this.envelope = color ?? COLOR.envelope;
    this.found = this.mask = null;
  }

  paint(ink, place) {
    const {sketch} = this.pencil, {found, isFresh} = this.outliner;
    if (!sketch) return;
    if (found !== this.found) {
      this.found = found;
      this.mask = found && maskPicture(found.runs, found.shape, this.color);
    }
    if (found) {
      ink.globalAlpha = isFresh ? 1 : STALE;
      // Hard edges: exactly these pixels are the target.
      ink.imageSmoothingEnabled = false;
      ink.drawImage(this.mask, place.left, place.top, found.shape[1] * place.right, found.shape[0] * place.down);
      this.cine.outline(ink, place, flat(found.envelope_px), this.envelope, 1.6, isFresh ? [] : [2, 5]);
      ink.globalAlpha = 1;
    }
    this.lines(ink, place, sketch);
    this.handles(ink, place, sketch);
    this.pen(ink, place);
  }

  lines(ink, place, sketch) {
    const {pen, tool} = this.pencil, points = [...sketch.points];
    if (!points.length) return;
    if (!sketch.closed && pen && tool === "polygon") points.push(pen);
    ink.beginPath();
    for (const [row, col] of points) ink.lineTo(...this.cine.at(place, row, col));
    if (sketch.closed) ink.closePath();
    for (const [color, width] of [[COLOR.halo, 3], [sketch.closed ? this.color : COLOR.sketch, 1.4]]) {
      ink.strokeStyle = color;
      ink.lineWidth = width;
      ink.stroke();
    }
  }

  // Draw handles where there is room; a contour with many points shows them when zoomed in.
  handles(ink, place, sketch) {
    const spots = sketch.points.map(([row, col]) => this.cine.at(place, row, col));
    const long = spots.reduce((sum, [x, y], i) => sum + Math.hypot(x - spots.at(i - 1)[0], y - spots.at(i - 1)[1]), 0);
    const small = long / Math.max(spots.length, 1) < ROOM_PX;
    spots.forEach(([x, y], number) => {
      const chosen = number === sketch.chosen, first = number === 0 && !sketch.closed;
      const half = chosen || first ? HANDLE + 2 : small ? 1.5 : HANDLE;
      ink.fillStyle = chosen ? this.color : COLOR.sketch;
      ink.strokeStyle = "#000000";
      ink.lineWidth = 1;
      ink.beginPath();
      if (first) ink.arc(x, y, half, 0, 7); else ink.rect(x - half, y - half, 2 * half, 2 * half);
      ink.fill();
      ink.stroke();
    });
  }

  // Position of the pen when keys move it.
  pen(ink, place) {
    const {pen, byKeys} = this.pencil;
    if (!pen || !byKeys) return;
    const [x, y] = this.cine.at(place, ...pen);
    for (const [color, width] of [[COLOR.halo, 4], [COLOR.sketch, 1.6]]) {
      ink.strokeStyle = color;
      ink.lineWidth = width;
      ink.beginPath();
      for (const [right, down] of [[1, 0], [0, 1]]) {
        ink.moveTo(x - 12 * right, y - 12 * down);
        ink.lineTo(x + 12 * right, y + 12 * down);
      }
      ink.stroke();
    }
  }
}

// Convert points to the form of outlines in the cine view.
function flat(points) {
  return {data: points.flat(), shape: [points.length, 2]};
}
