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

export function offerControls(box) {
  const operator = new Operator(box);
  box.hidden = false;
  for (const button of box.querySelectorAll("[data-ask]")) {
    const ask = async () => {
      const name = operator.name();
      if (name === null) return;
      operator.answer.textContent = "…";
      try {
        const answer = await post("/ask", {command: [button.dataset.ask], operator: name});
        operator.answer.textContent = (answer.accepted ? "" : "Not done: ") + answer.note;
      } catch {
        operator.answer.textContent = `Not done: ${NO_ANSWER}`;
      }
    };
    if (button.dataset.twice) new Twice(button, ask); else button.addEventListener("click", ask);
  }
  return operator;
}
