// Show the state of the session in words: beam, mode, hold reasons, events, and the engineering figures.

import {clock, number} from "./format.js";
import {Alarms, byTier} from "./alarms.js";
import {withNames} from "./trace.js";
import {t, textOr} from "./words.js";

const at = (id) => document.getElementById(id);

export function duration(seconds) {
  return seconds >= 60 ? `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60).toString().padStart(2, "0")} s` : `${seconds.toFixed(1)} s`;
}

// Write only changes: a screen reader reads every write aloud.
export function say(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

// Translate the texts of reasons and categories, which the session tells in English.
export function translated(facts) {
  return {
    ...facts,
    reasons: facts.reasons.map((one) => ({...one, words: textOr(`reason.${one.word}`, one.words), action: textOr(`action.${one.word}`, one.action)})),
    kinds: facts.kinds.map((one) => ({...one, words: textOr(`kind.${one.name}`, one.words)})),
  };
}

// Show the beam state as a word, a symbol and a pattern, which change together. `reasons` is a text or the texts of reasons;
// where they do not all fit, the first ones and the number of the others.
export function showBeam(state, reasons, next = "", word = "") {
  const box = at("says"), texts = [reasons].flat();
  if (document.body.dataset.beam !== state) document.body.dataset.beam = state;
  say("word", word || t(`beam.${state}`));
  const told = JSON.stringify([texts, next]);
  if (box.dataset.told === told) return;
  box.dataset.told = told;
  box.title = texts.join(" · ");
  fitReasons();
}

// Show as many reasons as there is room for, and what to do next if there is room for one reason beside it.
function fitReasons() {
  const box = at("says"), [texts, next] = JSON.parse(box.dataset.told ?? '[[], ""]');
  for (const then of [next, ""]) {
    say("next", then);
    for (let shown = texts.length; shown > 0; shown--) {
      const more = texts.length - shown;
      say("why", texts.slice(0, shown).join(" · ") + (more ? ` · ${t("beam.more", {more})}` : ""));
      if (box.scrollHeight <= box.clientHeight) return;
    }
  }
}

// Pages without a beam banner use the words of this file alone.
if (at("says")) new ResizeObserver(fitReasons).observe(at("says"));

export function showMode(mode) {
  document.body.dataset.mode = mode;
  say("mode", t(`mode.${mode}`));
}

// Show what is always warned of, for as long as the session lasts.
export function showWarnings(lines) {
  const text = (lines ?? []).map((one) => t("warning", {one})).join("\n");
  at("warnings").hidden = !text;
  say("warnings", text);
}

export class Panel {
  // `facts` as from `translated`; the alarms of a live session sound.
  constructor(facts, live = false) {
    this.facts = facts;
    this.alarms = new Alarms(facts, live);
    this.words = Object.fromEntries(facts.reasons.map((reason) => [reason.word, reason]));
    at("name").textContent = at("name").title = facts.name;
    at("where").textContent = at("where").title = [facts.source, facts.linac].filter(Boolean).join("  →  ");
    showWarnings(facts.warnings);
    document.title = `${facts.name} · gatekeeper`;
    for (const kind of facts.kinds) at("kinds").append(legendItem(kind.color, t("kinds.hold", {kind: kind.words}), true));
    at("kinds").prepend(legendItem("var(--on)", t("kinds.on"), false));
  }

  // `parts` are the structures, where there are several, with the reasons for which each holds.
  why(view, parts) {
    if (view.phase === "ended") return [t("why.ended")];
    if (view.phase === "drawing") return [t(view.draw?.structures.filter((one) => one.by_hand).length > 1 ? "why.drawing-several" : "why.drawing")];
    return byTier(view.reasons, this.words).map((word) => withNames(this.words[word] ?? {words: word}, parts));
  }

  // What to do next: what ends the most urgent reason, or what the phase waits for.
  next(view) {
    if (view.state === "ON") return document.body.dataset.control === "none" ? "" : t("next.on");
    if (["connect", "drawing", "preview", "learning", "ready", "ended"].includes(view.phase)) return t(`next.${view.phase}`);
    return byTier(view.reasons, this.words).map((word) => this.words[word]?.action).find(Boolean) ?? t("next.clears");
  }

  show(view, parts) {
    const inside = t(parts.length ? "why.inside-several" : "why.inside"), on = view.state === "ON";
    showBeam(on ? "on" : "hold", on ? inside : this.why(view, parts), this.next(view), on && view.beam === true ? t("beam.confirmed") : "");
    const [gathered, wanted] = view.gathered ?? [0, 0];
    say("phase", view.phase === "preview" && wanted > 0 ? t("phase.preview-of", {gathered: gathered.toFixed(0), wanted: wanted.toFixed(0)}) : t(`phase.${view.phase ?? "ended"}`));
    say("clock", clock(Math.max(view.now_s, 0)));
    this.alarms.show(view);
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
    say("preview-word", t(preview.go ? "preview.go" : "preview.no"));
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
      [t("facts.link"), t(!this.facts.has_linac ? "facts.no-linac" : view.link ? "facts.answers" : "facts.silent"), !view.link],
      [t("facts.frames"), t("facts.frames-at", {frames: view.frames, rate: number(view.rate_hz, 1)})],
      [t("facts.unjudged"), t("facts.unjudged-of", {missing: view.missing, skipped: view.skipped, not_kept: view.not_kept}), view.missing > 0],
      [t("facts.timeouts"), `${view.silences}`],
      [t("facts.p50"), number(p50, 2, " ms")],
      [t("facts.p99"), `${number(p99, 2, " ms")}, ${number(longest, 2, " ms")}`],
      ...(view.chain ? [[t("facts.chain"), view.chain]] : []),
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
