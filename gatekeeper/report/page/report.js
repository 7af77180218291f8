const {data, axes, words, kinds, limits, structures} = JSON.parse(document.getElementById("trace").textContent);
data.why = data.why.map((given, i) => given.map((reason) => words[reason]).join(", ") + (data.who?.[i].length ? ` (${data.who[i].join(", ")})` : ""));
const canvas = document.getElementById("strip");
const strip = new Strip(canvas, kinds, limits);
strip.axes = axes;
strip.data = data;
strip.structures = structures;
// Each of several structures has a lane, which can be left out.
const lanes = [...document.querySelectorAll("#lanes input")];
function choose() {
  strip.shown = new Set(lanes.filter((lane) => lane.checked).map((lane) => Number(lane.value)));
  if (lanes.length) canvas.style.height = `${strip.tall}px`;
}
choose();
offerLarge(strip);
for (const lane of lanes) lane.addEventListener("change", () => { choose(); strip.draw(); });
const whole = () => strip.look(...strip.whole);
const moveBy = (share) => strip.look(strip.view[0] + share * (strip.view[1] - strip.view[0]), strip.view[1] + share * (strip.view[1] - strip.view[0]));
const told_ = document.getElementById("told");

function point(index) {
  strip.cursor = index < 0 ? null : data.t[index];
  strip.draw();
  if (index >= 0) told_.textContent = told(strip, index);
}

function nextHold() {
  let i = strip.index(strip.cursor ?? strip.view[0]) + 1;
  while (i < data.t.length && (!data.on[i - 1] || data.on[i])) i++;
  if (i >= data.t.length) return;
  const half = Math.min((strip.view[1] - strip.view[0]) / 2, 10);
  strip.look(data.t[i] - half, data.t[i] + half);
  point(i);
}

for (const [id, action] of Object.entries({
  in: () => strip.zoom(0.5), out: () => strip.zoom(2), left: () => moveBy(-0.4), right: () => moveBy(0.4), all: whole, hold: nextHold,
})) document.getElementById(id).addEventListener("click", action);

let dragged = null;
canvas.addEventListener("pointerdown", (event) => {
  dragged = {x: event.offsetX, view: [...strip.view]};
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointerup", () => { dragged = null; });
canvas.addEventListener("pointermove", (event) => {
  if (dragged) {
    const by = strip.seconds(dragged.x) - strip.seconds(event.offsetX);
    strip.look(dragged.view[0] + by, dragged.view[1] + by);
  } else {
    point(strip.at(event.offsetX));
  }
});
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  strip.zoom(event.deltaY < 0 ? 0.8 : 1.25, strip.seconds(event.offsetX));
}, {passive: false});
canvas.addEventListener("keydown", (event) => {
  const keys = {ArrowLeft: () => moveBy(-0.2), ArrowRight: () => moveBy(0.2), "+": () => strip.zoom(0.5), "-": () => strip.zoom(2), Home: whole};
  if (keys[event.key]) {
    keys[event.key]();
    event.preventDefault();
  }
});
window.addEventListener("resize", () => strip.draw());
// Print the whole session at the width of a page (A4), then restore the view.
const PAPER = {width: "681px", height: "290px"}, PAPER_DOTS = 2, PAPER_SHARE = 0.7;
let looked = null;
window.addEventListener("beforeprint", () => {
  looked = looked ?? strip.view;
  Object.assign(canvas.style, PAPER, lanes.length ? {height: `${PAPER_SHARE * strip.tall}px`} : {});
  strip.finest = PAPER_DOTS;
  strip.cursor = strip.large = null;
  whole();
});
window.addEventListener("afterprint", () => {
  Object.assign(canvas.style, {width: "", height: ""});
  choose();
  strip.finest = 1;
  strip.look(...(looked ?? strip.whole));
  looked = null;
});
whole();

// Save what the trace shows: the columns are those that docs/how-to/read-a-report.md describes.
const COLUMNS = [
  ["time_s", data.t], [`${axes[0].toLowerCase()}_mm`, data.rows], [`${axes[1].toLowerCase()}_mm`, data.cols], ["outside_percent", data.outside],
  ["predicted_percent", data.predicted], ["confidence", data.confidence], ["beam_on", data.on], ["reasons", data.why.map((text) => `"${text.replaceAll('"', '""')}"`)],
];
document.getElementById("csv").addEventListener("click", () => {
  const lines = data.t.map((_, i) => COLUMNS.map(([, values]) => values[i] ?? "").join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([[COLUMNS.map(([name]) => name).join(","), ...lines, ""].join("\n")], {type: "text/csv"}));
  link.download = `${document.title.replace(/[^\w-]+/g, "-")}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
});
document.getElementById("pdf").addEventListener("click", () => window.print());
