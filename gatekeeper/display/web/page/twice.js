// Let a button act only when it is clicked twice within a few seconds.

const TWICE_MS = 4000;

export class Twice {
  constructor(button, again, act) {
    this.button = button;
    this.again = again;
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
    this.button.textContent = this.again;
    this.timer = setTimeout(() => this.calm(), TWICE_MS);
  }

  // Return to the state before the first click.
  calm() {
    clearTimeout(this.timer);
    this.until = 0;
    if (this.button.textContent !== this.words) this.button.textContent = this.words;
  }
}
