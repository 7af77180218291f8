// Show the state of the session in words and numbers.

import {clock, number} from "./strip.js";
import {withNames} from "./trace.js";

const at = (id) => document.getElementById(id);

export function duration(seconds) {
  return seconds >= 60 ? `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60).toString().padStart(2, "0")} s` : `${seconds.toFixed(1)} s`;
}

// Show the beam state as a word, a symbol and a pattern, which change together.
export function showBeam(state, why) {
  const word = {on: "BEAM ON", hold: "HOLD", none: "NO DATA"}[state];
  if (document.body.dataset.beam !== state) document.body.dataset.beam = state;
  if (at("word").textContent !== word) at("word").textContent = word;
  if (at("why").textContent !== why) at("why").textContent = why;
}

// Show what is always warned of, for as long as the session lasts.
export function showWarnings(lines) {
  const text = (lines ?? []).map((one) => `Warning: ${one}`).join("\n");
  at("warnings").hidden = !text;
  if (at("warnings").textContent !== text) at("warnings").textContent = text;
}

export class Panel {
  constructor(facts) {
    this.facts = facts;
    this.words = Object.fromEntries(facts.reasons.map((reason) => [reason.word, reason]));
    at("name").textContent = facts.name;
    at("where").textContent = [facts.source, facts.linac].filter(Boolean).join("  →  ");
    showWarnings(facts.warnings);
    document.title = `${facts.name} · gatekeeper`;
    for (const kind of facts.kinds) at("kinds").append(legendItem(kind.color, `Hold: ${kind.words}`, true));
    at("kinds").prepend(legendItem("var(--on)", "beam on", false));
  }

  // `parts` are the structures, where there are several, with the reasons for which each holds.
  why(view, parts) {
    if (view.phase === "ended") return "the session has ended, and HOLD was sent last";
    if (view.phase === "drawing") return view.draw?.structures.filter((one) => one.by_hand).length > 1 ? "structures are being drawn" : "the target is being drawn";
    return view.reasons.map((word) => withNames(this.words[word] ?? {words: word}, parts)).join(" · ");
  }

  show(view, parts) {
    const inside = parts.length ? "each structure within its limits" : "target inside its envelope";
    showBeam(view.state === "ON" ? "on" : "hold", view.state === "ON" ? inside : this.why(view, parts));
    const [gathered, wanted] = view.gathered ?? [0, 0];
    at("phase").textContent = view.phase === "preview" && wanted > 0 ? `preview ${gathered.toFixed(0)} of ${wanted.toFixed(0)} s` : view.phase;
    at("clock").textContent = clock(Math.max(view.now_s, 0));
    at("duty").textContent = number(100 * view.duty_cycle, 1, " %");
    at("beam-on").textContent = duration(view.beam_on_s);
    const prescribed = this.facts.beam_s;
    at("beam-of").textContent = prescribed ? `beam on, ${duration(Math.max(prescribed - view.beam_on_s, 0))} remaining` : "beam on";
    at("done").hidden = !prescribed;
    if (prescribed) at("done").value = Math.min(view.beam_on_s / prescribed, 1);
    at("holds").textContent = view.holds;
    this.rows(view);
    this.reasons(view.hold_reasons);
    this.log(view.lines ?? []);
    this.preview(view);
  }

  // Show the verdict of the preview; open while the operator decides on it.
  preview({preview, phase}) {
    const box = at("preview");
    box.hidden = !preview;
    if (!preview) return;
    if (this.phase !== phase) box.open = phase === "ready";
    this.phase = phase;
    box.className = preview.go ? "go" : "no";
    at("preview-word").textContent = preview.go ? "✔ Preview: GO" : "✖ Preview: NO-GO";
    if (at("preview-lines").textContent === preview.lines.join("")) return;
    at("preview-lines").replaceChildren(...preview.lines.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }));
  }

  rows(view) {
    const [p50, p99, longest] = view.latency_ms;
    const rows = [
      ["linac link", view.link ? "answers" : "DOES NOT ANSWER", !view.link],
      ["frames", `${view.frames} at ${number(view.rate_hz, 1, " per s")}`],
      ["frames not judged", `${view.missing} missing, ${view.skipped} skipped, ${view.not_kept} not recorded`, view.missing > 0],
      ["frame timeouts", `${view.silences}`],
      ["latency p50", number(p50, 2, " ms")],
      ["latency p99, max", `${number(p99, 2, " ms")}, ${number(longest, 2, " ms")}`],
      ...(view.chain ? [["chain, medians", view.chain]] : []),
    ];
    at("facts").replaceChildren(...rows.flatMap(([name, value, bad]) => {
      const term = document.createElement("dt"), text = document.createElement("dd");
      term.textContent = name;
      text.textContent = value;
      text.className = bad ? "bad" : "";
      return [term, text];
    }));
  }

  reasons(counts) {
    const given = Object.entries(counts).sort((a, b) => b[1] - a[1]);
    at("reasons").replaceChildren(...given.map(([word, count]) => {
      const reason = this.words[word], row = document.createElement("tr");
      const name = row.insertCell(), times = row.insertCell(), swatch = document.createElement("i");
      swatch.style.backgroundColor = this.facts.kinds[reason.kind].color;
      swatch.className = "hatched";
      name.append(swatch, reason.words);
      name.title = reason.action;
      times.className = "n";
      times.textContent = count;
      return row;
    }));
  }

  log(lines) {
    at("events").hidden = !lines.length;
    at("log").replaceChildren(...lines.slice().reverse().map(([seconds, text]) => {
      const item = document.createElement("li"), time = document.createElement("time");
      time.textContent = clock(Math.max(seconds, 0));
      item.title = text;
      item.append(time, text);
      return item;
    }));
  }
}

function legendItem(color, words, hatched) {
  const item = document.createElement("li"), swatch = document.createElement("i");
  swatch.style.backgroundColor = color;
  if (hatched) swatch.className = "hatched";
  item.append(swatch, words);
  return item;
}
