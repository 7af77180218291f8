// The operator's buttons; there only where the console was started with --control.

import {post} from "./link.js";

const TWICE_MS = 4000;
export const NO_ANSWER = "the console does not answer; use the machine itself.";

// Who asks, as the field by the buttons says.
export class Operator {
  constructor(box) {
    this.field = box.querySelector("#operator");
    this.answer = box.querySelector("#answer");
    this.field.value = sessionStorage.getItem("operator") ?? "";
  }

  // The name; null, and the field to write it in, when nobody has said it.
  name() {
    const name = this.field.value.trim();
    if (name) {
      sessionStorage.setItem("operator", this.field.value);
      return name;
    }
    this.answer.textContent = "Say who you are first.";
    this.field.focus();
    return null;
  }
}

// Let a button do something only when it is clicked again soon.
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

  // As if it had not been clicked.
  calm() {
    clearTimeout(this.timer);
    this.until = 0;
    if (this.button.textContent !== this.words) this.button.textContent = this.words;
  }
}

export function offerControls(box) {
  const operator = new Operator(box);
  box.hidden = false;
  for (const button of box.querySelectorAll("[data-ask]")) {
    const ask = async () => {
      const name = operator.name();
      if (name === null) return;
      operator.answer.textContent = "…";
      try {
        const said = await post("/ask", {command: [button.dataset.ask], operator: name});
        operator.answer.textContent = (said.accepted ? "" : "Not done: ") + said.note;
      } catch {
        operator.answer.textContent = `Not done: ${NO_ANSWER}`;
      }
    };
    if (button.dataset.twice) new Twice(button, ask); else button.addEventListener("click", ask);
  }
  return operator;
}
