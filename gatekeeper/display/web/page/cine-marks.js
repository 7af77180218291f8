// What is drawn over a frame besides outlines: the sides of the patient, a bar of 20 mm, and the whole frame as an inset.

const HALO = "rgba(0,0,0,0.6)", BAR_MM = 20, INSET = 0.24, MOST_INSET = 170, EDGE = 8;

// Return [top, bottom, left, right] of outlines in px of the image; null without any.
export function bounds(outlines) {
  const box = [Infinity, -Infinity, Infinity, -Infinity];
  for (const points of outlines) {
    for (let i = 0; i < (points?.shape[0] ?? 0); i++) {
      const row = points.data[2 * i], col = points.data[2 * i + 1];
      box[0] = Math.min(box[0], row);
      box[1] = Math.max(box[1], row);
      box[2] = Math.min(box[2], col);
      box[3] = Math.max(box[3], col);
    }
  }
  return box[0] < box[1] && box[2] < box[3] ? box : null;
}

// Return the sides of the patient and where to name them: at the edges of the visible part of the image.
export function letters({view, width, height}, place, room) {
  const {axes, arrays} = view;
  if (!axes) return [];
  const [rows, cols] = arrays.image.shape;
  const top = Math.max(place.top, 0), bottom = Math.min(place.top + rows * place.down, height);
  const left = Math.max(place.left, 0), right = Math.min(place.left + cols * place.right, width);
  const [[upper, lower], [first, last]] = axes.map((axis) => axis.ends);
  return [
    [upper, (left + right) / 2, top + room], [lower, (left + right) / 2, bottom - room],
    [first, left + room, (top + bottom) / 2], [last, right - room, (top + bottom) / 2],
  ];
}

function word(ink, text, x, y) {
  ink.lineWidth = 3;
  ink.strokeStyle = HALO;
  ink.strokeText(text, x, y);
  ink.fillStyle = "#ffffff";
  ink.fillText(text, x, y);
}

export function sides(ink, named) {
  ink.font = "600 15px system-ui, sans-serif";
  ink.textAlign = "center";
  ink.textBaseline = "middle";
  for (const [letter, x, y] of named) word(ink, letter, x, y);
}

// Draw 20 mm to scale at the lower right.
export function scaleBar(ink, {view, width, height}, place) {
  if (!view.spacing_mm) return;
  const long = BAR_MM * place.right / view.spacing_mm[1];
  if (long > width - 4 * EDGE) return;
  const right = width - 3 * EDGE, y = height - 3 * EDGE;
  for (const [color, wide] of [[HALO, 5], ["#ffffff", 2]]) {
    ink.strokeStyle = color;
    ink.lineWidth = wide;
    ink.beginPath();
    ink.moveTo(right - long, y - 5);
    ink.lineTo(right - long, y);
    ink.lineTo(right, y);
    ink.lineTo(right, y - 5);
    ink.stroke();
  }
  ink.font = "600 13px system-ui, sans-serif";
  ink.textAlign = "center";
  ink.textBaseline = "bottom";
  word(ink, `${BAR_MM} mm`, right - long / 2, y - 6);
}

// Draw the whole frame in the lower left corner, with what is in view, while that is not all of it.
export function inset(ink, cine, place, color) {
  const {view, width, height} = cine, [rows, cols] = view.arrays.image.shape;
  const all = place.left >= -1 && place.top >= -1 && place.left + cols * place.right <= width + 1 && place.top + rows * place.down <= height + 1;
  if (all) return;
  const room = Math.min(INSET * Math.min(width, height), MOST_INSET), scale = Math.min(room / (cols * place.right), room / (rows * place.down));
  const [wide, tall] = [cols * place.right * scale, rows * place.down * scale], left = EDGE, top = height - EDGE - tall;
  ink.drawImage(cine.picture, left, top, wide, tall);
  const corner = [left + Math.max(-place.left, 0) * scale, top + Math.max(-place.top, 0) * scale];
  const seen = [Math.min(width - place.left, cols * place.right) * scale + left - corner[0], Math.min(height - place.top, rows * place.down) * scale + top - corner[1]];
  ink.lineWidth = 1;
  ink.strokeStyle = "#ffffff";
  ink.strokeRect(left - 0.5, top - 0.5, wide + 1, tall + 1);
  ink.lineWidth = 1.5;
  ink.strokeStyle = color;
  ink.strokeRect(...corner, ...seen);
}
