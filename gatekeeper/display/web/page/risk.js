// The risk limit of a live session: the share of the time with the beam on while outside, as numbers and a small chart.

import {colorOf} from "./strip-ink.js";
import {t as text} from "./words.js";

const at = (id) => document.getElementById(id);
const EVERY_S = 1, MOST = 1800;  // half an hour
const points = [];

// view.risk: the limit, and the share so far and of the last minute, in percent; not there without a limit.
export function showRisk(view) {
  at("risk").hidden = !view.risk;
  if (!view.risk) return;
  const [limit, soFar, minute] = view.risk;
  const words = (value) => value === null ? "–" : `${value.toFixed(2)} %`;
  at("risk-limit").textContent = text("risk.limit", {limit});
  at("risk-words").textContent = text("risk.shares", {delivery: words(soFar), minute: words(minute)});
  at("risk-words").classList.toggle("bad", soFar > limit);
  if (soFar === null || view.now_s - (points.at(-1)?.[0] ?? -Infinity) < EVERY_S) return;
  points.push([view.now_s, soFar, minute]);
  if (points.length > MOST) points.shift();
  draw(limit);
}

function draw(limit) {
  const canvas = at("risk-chart"), box = canvas.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(box.width * ratio);
  canvas.height = Math.round(box.height * ratio);
  const ink = canvas.getContext("2d"), high = Math.max(2 * limit, ...points.map(([, soFar, minute]) => Math.max(soFar, minute)));
  ink.setTransform(ratio, 0, 0, ratio, 0, 0);
  const [first, last] = [points[0][0], Math.max(points.at(-1)[0], points[0][0] + 60)];
  const x = (t) => (t - first) / (last - first) * box.width, y = (value) => 1 + (1 - value / high) * (box.height - 2);
  const line = (color, width, ends) => {
    ink.strokeStyle = color;
    ink.lineWidth = width;
    ink.beginPath();
    for (const [t, value] of ends) ink.lineTo(x(t), y(value));
    ink.stroke();
  };
  line(colorOf("limit"), 1, [[first, limit], [last, limit]]);
  line(colorOf("ap"), 1, points.map(([t, , minute]) => [t, minute]));
  line(colorOf("on"), 1.5, points.map(([t, soFar]) => [t, soFar]));
}
