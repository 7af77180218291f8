// Hold, and the further requests of the operator, which are offered only where the console was started with --control.

import {post} from "./link.js";
import {isTyping} from "./page.js";
import {confirmed, listed} from "./question.js";
import {t, textOr} from "./words.js";

const at = (id) => document.getElementById(id);
const AGAIN_MS = 500, MOST_TRIES = 60;
const NO_ANSWER = t("answer.none");

// The name of the operator, from the field beside the buttons.
export class Operator {
  constructor() {
    this.field = at("operator");
    this.answer = at("answer");
    this.field.value = sessionStorage.getItem("operator") ?? "";
  }

  // Return the name, or null after asking for it.
  name() {
    const name = this.field.value.trim();
    if (name) {
      sessionStorage.setItem("operator", this.field.value);
      return name;
    }
    this.answer.textContent = t("answer.name-first");
    this.field.focus();
    return null;
  }

  // Send a request in words, and return whether it was accepted; the answer is shown.
  async send(words, name) {
    this.answer.textContent = "…";
    try {
      const told = await post("/ask", {command: words, operator: name});
      this.answer.textContent = told.accepted ? told.note : t("answer.not-done", {note: told.note});
      this.note = told.note;
      return told.accepted;
    } catch {
      this.answer.textContent = t("answer.not-done", {note: NO_ANSWER});
      this.note = "";
      return false;
    }
  }
}

const HOLD_KEYS = [" ", "Escape"];
// How the answers end that ask for a confirmation.
const QUESTION = /type reference (\d+) confirm$|with confirm at its end$/;

function alarm(text) {
  at("alarm").textContent = text;
  at("alarm").hidden = !text;
}

// Call hold() on Space and Escape, wherever the page is; only a text field keeps its spaces.
export function holdOnKeys(hold) {
  document.addEventListener("keydown", (event) => {
    if (!HOLD_KEYS.includes(event.key) || event.defaultPrevented || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === " " && isTyping(event.target)) return;
    // Space would press the button that was clicked last, such as the one that releases the hold.
    if (event.target.matches?.("button, summary, [type=checkbox]")) {
      event.preventDefault();
      event.target.blur();
    }
    hold();
  });
}

// What makes sense at a moment, by the words of the requests; `latched` are the words of faults.
export function offered({phase, reasons, state}, latched) {
  const armed = ["delivery", "paused"].includes(phase), ready = phase === "ready", held = state !== "ON";
  return {
    release: reasons.includes("operator_hold"), arm: ready, disarm: armed, reset: reasons.some((word) => latched.has(word)),
    reference: held && (armed || ready), rebase: held && (armed || ready), end: phase !== "ended", mark: phase !== "ended",
  };
}

// Return what is shown before arming: targets with their limits, the settings, and what differs from the defaults.
function armingRows({structures, arming}, facts) {
  const own = (structures ?? []).map((one) => [
    t(one.target ? "arm.target" : "arm.oar", {name: one.name}),
    [one.margin_mm === null ? "" : t("arm.margin", {mm: one.margin_mm}), t("arm.limit", {measure: one.measure, limit: Number(one.limit.toFixed(2)), unit: one.unit}),
      t("arm.confidence", {limit: Number(one.confidence.toFixed(2))})].filter(Boolean).join(", "),
  ]);
  // The prescribed time may come from the command line.
  const shown = {"course.beam_on_s": facts.beam_s};
  const settings = (arming?.settings ?? []).map(([name, value]) => [textOr(`setting.${name}`, name), shownValue(shown[name] ?? value)]);
  const changed = (arming?.changed ?? []).map(([name, value, usual]) => [name, t("arm.instead-of", {value: shownValue(value), usual: shownValue(usual)}), true]);
  return [...own, ...settings, ...(changed.length ? changed : [[t("arm.changed"), t("arm.unchanged")]])];
}

function shownValue(value) {
  if (value === null) return t("value.none");
  if (typeof value === "boolean") return t(value ? "value.yes" : "value.no");
  return typeof value === "object" ? JSON.stringify(value) : textOr(`value.${value}`, `${value}`);
}

export function offerControls(facts) {
  const operator = new Operator(), box = at("controls");
  const latched = new Set(facts.reasons.filter((one) => one.latched).map((one) => one.word));
  for (const name of facts.steps) at("mark-step").append(new Option(name));
  let unnamed = false, stands = false, newest = null;
  box.hidden = false;

  // Hold needs neither a name nor an answer to a question; who it was is asked afterwards.
  async function hold() {
    const name = operator.field.value.trim();
    operator.answer.textContent = "…";
    try {
      const told = await post("/hold", {operator: name});
      if (!told.accepted) throw new Error(told.note);
      operator.answer.textContent = name ? told.note : `${told.note}. ${t("answer.who")}`;
      unnamed = !name;
      stands = false;
      alarm("");
    } catch (error) {
      const why = error instanceof TypeError ? NO_ANSWER : error.message;
      operator.answer.textContent = t("answer.not-done", {note: why});
      alarm(t("alarm.not-held", {why}));
    }
  }

  async function ask(word) {
    const name = word === "disarm" || word === "end" ? operator.field.value.trim() : operator.name();
    if (name === null) return;
    if (word === "arm") await arm(name);
    else if (word === "reference") await reference(name);
    else if (word !== "end" || await confirmed(t("end.title"), [t("end.body")], t("ask.end"))) await operator.send(word === "mark" ? [word, at("mark-step").value] : [word], name);
  }

  async function arm(name) {
    const warned = (newest.warnings ?? []).map((one) => Object.assign(document.createElement("p"), {className: "alarm", textContent: one}));
    if (!await confirmed(t("arm.title"), [...warned, listed(armingRows(newest, facts))], t("arm.yes", {name}))) return;
    // The session asks again about settings that are outside the usual range; they stood in the question.
    if (!await operator.send(["arm"], name) && QUESTION.test(operator.note)) await operator.send(["arm", "confirm"], name);
  }

  async function reference(name) {
    await operator.send(["reference"], name);
    const number = operator.note.match(QUESTION)?.[1];
    if (!number) return;
    const figure = at("new-reference"), home = figure.parentElement, after = figure.nextSibling;
    const yes = confirmed(t("reference.title", {frame: number}), [figure], t("reference.yes"));
    const said = await yes;
    home.insertBefore(figure, after);
    // A tracker that is still being prepared on the frame is waited for.
    for (let tries = 0; said && tries < MOST_TRIES; tries++) {
      if (await operator.send(["reference", number, "confirm"], name) || !operator.note.includes("confirm it again")) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  for (const button of box.querySelectorAll("[data-ask]")) button.addEventListener("click", () => ask(button.dataset.ask));
  at("hold").addEventListener("pointerdown", (event) => { if (event.button === 0) hold(); });
  at("hold").addEventListener("click", (event) => { if (event.detail === 0) hold(); });
  holdOnKeys(hold);
  // The same once more, with the name, while it still stands.
  operator.field.addEventListener("change", () => { if (unnamed && operator.name()) hold(); });
  operator.show = (view) => {
    newest = view;
    const can = offered(view, latched);
    for (const button of box.querySelectorAll("[data-ask]")) if (button.hidden !== !can[button.dataset.ask]) button.hidden = !can[button.dataset.ask];
    at("envelope-move").hidden = !can.rebase;
    at("marks").hidden = !can.mark;
    at("hold").disabled = box.hidden = view.phase === "ended";
    // A decision that was made before the hold is no sign that it has ended.
    if (unnamed && view.reasons.includes("operator_hold")) stands = true;
    else if (stands) unnamed = stands = false;
  };
  return operator;
}

// A page without control says so when somebody tries to hold on it.
export function refuseKeys() {
  const button = at("hold");
  document.body.dataset.control = "none";
  button.disabled = true;
  button.querySelector("b").textContent = t("hold.read-only");
  button.querySelector("small").textContent = t("hold.elsewhere");
  holdOnKeys(() => alarm(t("alarm.read-only")));
}
