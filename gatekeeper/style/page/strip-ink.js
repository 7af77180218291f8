// Colours, letters and strokes of the strip.

export const FONT = "12px system-ui, sans-serif", SMALL_FONT = "10.5px system-ui, sans-serif", TITLE_FONT = "600 11px system-ui, sans-serif";
export const FAINT = "2e", SHADE = "66";  // opacity of the band and of holds in a lane, in hexadecimal
const LABEL_APART = 11;

// Colours come from the style of the page: those of charts from gatekeeper/style/colors.py, ink and paper from the canvas.
export const colorOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Return the background behind an element: its own, or that of the next one around it that has one.
function paperOf(element) {
  for (let one = element; one; one = one.parentElement) {
    const {backgroundColor} = getComputedStyle(one);
    if (!/, 0\)$/.test(backgroundColor)) return backgroundColor;
  }
  return "#ffffff";
}

// Return the colours with which to draw now; the theme may have changed since the last time.
export function inks(canvas) {
  const {color: text} = getComputedStyle(canvas), paper = paperOf(canvas);
  const faint = (share) => text.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);
  return {
    si: text, ap: colorOf("ap"), limit: colorOf("limit"), band: colorOf("envelope"), on: colorOf("on"),
    text, paper, grid: faint(0.15), zero: faint(0.45),
  };
}

export function line(ink, x1, y1, x2, y2) {
  ink.beginPath();
  ink.moveTo(x1, y1);
  ink.lineTo(x2, y2);
  ink.stroke();
}

export function word(ink, text, x, y, color, align = "center") {
  ink.fillStyle = color;
  ink.textAlign = align;
  ink.textBaseline = "middle";
  ink.fillText(text, x, y);
}

// Write on top of lines, with a rim in the colour of the paper.
export function rimmed(ink, text, x, y, color, paper, align) {
  ink.textAlign = align;
  ink.textBaseline = "middle";
  ink.lineWidth = 3;
  ink.strokeStyle = paper;
  ink.strokeText(text, x, y);
  word(ink, text, x, y, color, align);
}

export function hatch(ink, left, top, width, height, paper) {
  ink.save();
  ink.beginPath();
  ink.rect(left, top, width, height);
  ink.clip();
  ink.strokeStyle = paper;
  ink.globalAlpha = 0.7;
  ink.lineWidth = 1.5;
  for (let x = left - height; x < left + width; x += 7) line(ink, x, top + height, x + height, top);
  ink.restore();
}

// Return a text, shortened where it is wider than the room.
export function fitting(ink, text, room) {
  if (ink.measureText(text).width <= room) return text;
  let length = text.length;
  while (length > 0 && ink.measureText(`${text.slice(0, length)}…`).width > room) length--;
  return length ? `${text.slice(0, length)}…` : "";
}

// Move labels [{y, ...}] apart within a lane; the last ones are left out where there is no room for all.
export function spread(labels, top, bottom) {
  const room = Math.max(Math.floor((bottom - top) / LABEL_APART), 1), kept = labels.slice(0, room).sort((a, b) => a.y - b.y);
  const half = LABEL_APART / 2;
  let least = top + half;
  for (const one of kept) {
    one.y = Math.max(one.y, least);
    least = one.y + LABEL_APART;
  }
  let most = bottom - half;
  for (const one of kept.reverse()) {
    one.y = Math.min(one.y, most);
    most = one.y - LABEL_APART;
  }
  return kept;
}
