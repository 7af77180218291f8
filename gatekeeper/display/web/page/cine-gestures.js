// Pointer, wheel and keys on the cine view: drag to move, wheel and pinch to zoom about the pointer, and window and level as a
// tool of its own. The tool of the view, which draws, takes what it uses before.

const KEY_PX = 20;

export class Gestures {
  constructor(cine) {
    this.cine = cine;
    this.levels = false;  // whether a drag changes window and level
    this.pointers = new Map();
    this.taken = false;  // whether the view's own tool has the drag
    const {canvas} = cine;
    for (const [name, act] of [["pointerdown", "down"], ["pointermove", "moved"], ["pointerup", "up"], ["pointercancel", "up"], ["keydown", "key"]]) {
      canvas.addEventListener(name, (event) => this[act](event));
    }
    canvas.addEventListener("dblclick", () => this.tool?.twice());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.shiftKey) cine.move(-event.deltaX - event.deltaY, 0);
      else cine.zoomBy(Math.exp(-event.deltaY / 500), event.offsetX, event.offsetY);
    }, {passive: false});
  }

  get tool() {
    return this.cine.view?.arrays.image ? this.cine.tool : null;
  }

  down(event) {
    const {cine} = this;
    cine.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    if (this.pointers.size > 1) {
      if (this.taken) this.tool?.leave();
      this.taken = false;
      return;
    }
    // Shift and the middle button move the image with any tool.
    this.taken = event.button === 0 && !event.shiftKey && !this.levels && this.tool?.down(cine.spot(event)) === true;
  }

  moved(event) {
    const {cine, pointers} = this, before = pointers.get(event.pointerId), now = [event.offsetX, event.offsetY];
    if (!before || this.taken) {
      this.tool?.move(cine.spot(event));
      return;
    }
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    const by = [now[0] - before[0], now[1] - before[1]];
    if (other) {
      const apart = (point) => Math.max(Math.hypot(point[0] - other[0], point[1] - other[1]), 1);
      cine.move(by[0] / 2, by[1] / 2);
      cine.zoomBy(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else if (this.levels && !event.shiftKey && event.buttons !== 4) cine.windowBy(...by);
    else cine.move(...by);
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    if (this.taken) {
      if (event.type === "pointerup") this.tool?.up(this.cine.spot(event)); else this.tool?.leave();
    }
    this.taken = false;
  }

  key(event) {
    const {cine} = this;
    if (this.tool?.key(event)) {
      event.preventDefault();
      return;
    }
    const keys = {
      "+": () => cine.zoomBy(1.25), "-": () => cine.zoomBy(0.8), "0": () => { cine.fit(); cine.autoLevel(); cine.again(); },
      ...Object.fromEntries([["ArrowLeft", [1, 0]], ["ArrowRight", [-1, 0]], ["ArrowUp", [0, 1]], ["ArrowDown", [0, -1]]].map(([name, by]) => [name, () => {
        const [right, down] = by.map((one) => KEY_PX * one);
        if (this.levels) cine.windowBy(right, down); else cine.move(right, down);
      }])),
    };
    if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    keys[event.key]();
    event.preventDefault();
  }
}
