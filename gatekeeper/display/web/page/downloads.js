// What can be taken away of a session that is over: its report, its decisions as a table, and a picture of what is shown.

import {report} from "./link.js";
import {t} from "./words.js";

const at = (id) => document.getElementById(id);
const GAP = 12, LINE = 40;

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Return all decisions of a trace as a table, with points as decimal marks.
export function table({data, strip}) {
  const [rows, cols] = strip.axes, cell = (value) => value === null || value === undefined ? "" : `${value}`;
  const head = ["time_s", `${rows.toLowerCase()}_mm`, `${cols.toLowerCase()}_mm`, "outside_percent", "predicted_percent", "confidence", "beam_enabled", "reasons"];
  const line = (_, i) => [data.t[i], data.rows[i], data.cols[i], data.outside[i], data.predicted[i], data.confidence[i], data.on[i], `"${data.why[i].replaceAll('"', '""')}"`].map(cell).join(",");
  return [head.join(","), ...data.t.map(line)].join("\r\n") + "\r\n";
}

function picture(title) {
  const parts = [at("cine"), at("strip")], paper = document.createElement("canvas"), ink = paper.getContext("2d");
  paper.width = Math.max(...parts.map((one) => one.width)) + 2 * GAP;
  paper.height = parts.reduce((sum, one) => sum + one.height + GAP, LINE + GAP);
  ink.fillStyle = getComputedStyle(at("trace")).backgroundColor;
  ink.fillRect(0, 0, paper.width, paper.height);
  ink.fillStyle = getComputedStyle(document.body).color;
  ink.font = "600 18px system-ui, sans-serif";
  ink.fillText(title, GAP, LINE - GAP);
  let top = LINE;
  for (const one of parts) {
    ink.drawImage(one, GAP, top);
    top += one.height + GAP;
  }
  return new Promise((resolve) => paper.toBlob(resolve));
}

// Offer what there is; the report only where the page has the finished session.
export function offerDownloads(trace, name, whole) {
  const box = at("review-tools"), told = Object.assign(document.createElement("span"), {className: "told"});
  told.setAttribute("role", "status");
  const file = name.replace(/[^\w-]+/g, "_");
  const offers = [
    ...(whole ? [["downloads.report", async () => save(await report(), `${file}.html`)]] : []),
    ["downloads.csv", async () => save(new Blob([table(trace)], {type: "text/csv"}), `${file}.csv`)],
    ["downloads.png", async () => save(await picture(`${name} · ${at("word").textContent} · ${at("clock").textContent}`), `${file}.png`)],
  ];
  box.replaceChildren(...offers.map(([key, act]) => {
    const button = Object.assign(document.createElement("button"), {type: "button", textContent: t(key)});
    button.addEventListener("click", async () => {
      told.textContent = "…";
      try {
        await act();
        told.textContent = t("downloads.done");
      } catch (error) {
        told.textContent = t("answer.not-done", {note: error.message});
      }
    });
    return button;
  }), told);
}
