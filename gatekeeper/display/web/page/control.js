// Buttons of the operator, shown only where the console was started with --control.

import {post} from "./link.js";

const TWICE_MS = 4000;
export const NO_ANSWER = "the console does not answer; use the controls of the linac.";

// The name of the operator, from the field beside the buttons.
export class Operator {
  constructor(box) {
    this.field = box.querySelector("#operator");
    this.answer = box.querySelector("#answer");
    this.field.value = sessionStorage.getItem("operator") ?? "";
  }

  // Return the name, or null after asking for it.
  name() {
    const name = this.field.value.trim();
    if (name) {
      sessionStorage.setItem("operator", this.field.value);
      return name;
    }
    this.answer.textContent = "Enter your name first.";
    this.field.focus();
    return null;
  }
}

// Let a button act only when it is clicked twice within a few seconds.
export class Twice {
  constructor(button, act) {
    this.button = button;
    this.words = button.textContent;
    this.until = 0;
    button.addEventListener("click", () => {
      if (performance.now() > this.until) this.wait();
      else {
        this.calm();
        act();
      }
    });
  }

  wait() {
    this.until = performance.now() + TWICE_MS;
    this.button.textContent = this.button.dataset.twice;
    this.timer = setTimeout(() => this.calm(), TWICE_MS);
  }

  // Return to the state before the first click.
  calm() {
    clearTimeout(this.timer);
    this.until = 0;
    if (this.button.textContent !== this.words) this.button.textContent = this.words;
  }
}

// What only holds the beam is sent at once, without a name, which is asked for afterwards.
const HOLDING = {hold: "operator_hold", disarm: "not_armed", end: null};
const HOLD_KEYS = [" ", "Escape"];
// How the answers end that ask for a confirmation.
const QUESTION = /type reference (\d+) confirm$|with confirm at its end$/;
const WHO = "Done without a name. Who was it? Enter your name above.";

function isTyping(field) {
  return field.matches?.("textarea, input:not([type=checkbox], [type=range], [type=button])");
}

// Call hold() on Space and Escape, wherever the page is; only a text field keeps its spaces.
export function holdOnKeys(hold) {
  document.addEventListener("keydown", (event) => {
    if (!HOLD_KEYS.includes(event.key) || event.defaultPrevented || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === " " && isTyping(event.target)) return;
    // Space would press the button that was clicked last, such as the one that releases the hold.
    if (event.target.matches?.("button, summary")) {
      event.preventDefault();
      event.target.blur();
    }
    hold();
  });
}

export function offerControls(box, steps) {
  const operator = new Operator(box), alarm = document.getElementById("alarm"), step = box.querySelector("#step");
  for (const name of steps) step.append(new Option(name));
  let unnamed = null, stands = false;
  box.hidden = false;
  const send = async (words, name) => {
    operator.answer.textContent = "…";
    try {
      const answer = await post("/ask", {command: words, operator: name});
      operator.answer.textContent = (answer.accepted ? "" : "Not done: ") + answer.note;
      if (words[0] in HOLDING) alarm.hidden = true;
      return answer.accepted;
    } catch {
      operator.answer.textContent = `Not done: ${NO_ANSWER}`;
      if (words[0] in HOLDING) {
        alarm.textContent = `NOT HELD: ${NO_ANSWER}`;
        alarm.hidden = false;
      }
      return false;
    }
  };
  const ask = async (word) => {
    const holds = word in HOLDING, name = holds ? operator.field.value.trim() : operator.name();
    if (name === null) return;
    if (name) sessionStorage.setItem("operator", operator.field.value);
    const done = await send(word === "mark" ? [word, step.value] : [word], name);
    const asked = done ? null : operator.answer.textContent.match(QUESTION);
    if (word === "arm" || word === "reference") offerConfirm(name, asked && (asked[1] ? ["reference", asked[1], "confirm"] : ["arm", "confirm"]));
    if (!holds) return;
    unnamed = done && !name ? word : null;
    stands = false;
    if (unnamed) operator.answer.textContent += `. ${WHO}`;
  };
  // What the session asks to be confirmed is typed, not clicked.
  const form = box.querySelector("#confirm"), typed = box.querySelector("#confirm-word");
  let confirming = null;
  const offerConfirm = (name, words) => {
    confirming = {name, words};
    form.hidden = !words;
    typed.value = "";
    if (words) typed.focus({preventScroll: true});
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (typed.value.trim().toLowerCase() !== "confirm") {
      operator.answer.textContent = "Not done: type the word confirm.";
      return;
    }
    form.hidden = true;
    const {name, words} = confirming;
    // A frame that is still being prepared is confirmed again.
    send(words, name).then((done) => { if (!done && operator.answer.textContent.includes("confirm it again")) offerConfirm(name, words); });
  });
  for (const button of box.querySelectorAll("[data-ask]")) {
    const press = () => ask(button.dataset.ask);
    if (button.dataset.twice) new Twice(button, press); else button.addEventListener("click", press);
  }
  holdOnKeys(() => ask("hold"));
  // The same once more, with the name, while it still stands.
  operator.field.addEventListener("change", () => {
    const word = unnamed;
    if (word && operator.name()) ask(word);
  });
  operator.show = ({reasons}) => {
    // A decision that was made before the hold is no sign that it has ended.
    if (unnamed && HOLDING[unnamed] && reasons.includes(HOLDING[unnamed])) stands = true;
    else if (stands) unnamed = null;
  };
  return operator;
}

// A page without control says so when somebody tries to hold on it.
export function refuseKeys() {
  const alarm = document.getElementById("alarm");
  holdOnKeys(() => {
    alarm.textContent = "NOT HELD: this page is read-only; hold at the terminal, on the page with control, or at the linac.";
    alarm.hidden = false;
  });
}
