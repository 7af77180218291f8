// Buttons and legend of the cine view. Each entry of the legend shows or hides what it names.

import {colorOf} from "./strip-ink.js";
import {isTyping} from "./page.js";
import {t} from "./words.js";

const at = (id) => document.getElementById(id);

export function offerTools(cine) {
  const level = () => {
    cine.gestures.levels = !cine.gestures.levels;
    at("window-level").setAttribute("aria-pressed", String(cine.gestures.levels));
    cine.canvas.classList.toggle("levels", cine.gestures.levels);
  };
  const clicks = {
    closer: () => cine.zoomBy(1.25), further: () => cine.zoomBy(0.8), fit: () => { cine.fit(); cine.draw(); }, whole: () => { cine.whole(); cine.draw(); },
    level: () => { cine.autoLevel(); cine.again(); }, "window-level": level,
  };
  for (const [id, act] of Object.entries(clicks)) at(id).addEventListener("click", act);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
    if (event.key === "w") level();
    else if (event.key === "v" && !at("arrows").hidden) at("arrows").click();
  });
}

export class Legend {
  constructor(list, cine) {
    this.list = list;
    this.cine = cine;
    this.known = "";
    this.arrows = false;
    at("arrows").addEventListener("click", () => {
      this.arrows = !this.arrows;
      at("arrows").setAttribute("aria-pressed", String(this.arrows));
    });
  }

  // Name what the view shows: each structure in its colour, its zone, and the prediction.
  know({structures, arrays}) {
    const all = structures ?? [], several = all.length > 1, [first] = all;
    const entries = several
      ? all.map(({name, color}) => [name, name, color, "", color])
      : [[first?.name ?? "target", first?.name ?? t("legend.target"), colorOf("target"), ""], ["envelope", t("legend.envelope"), colorOf("envelope"), ""]];
    if (arrays.predicted) entries.push(["predicted", t("legend.predicted"), several ? first.color : colorOf("target"), "predicted"]);
    const known = JSON.stringify(entries);
    if (known === this.known) return;
    this.known = known;
    for (const item of this.list.querySelectorAll(".one")) item.remove();
    this.list.prepend(...entries.map((entry) => this.entry(...entry)));
  }

  entry(name, words, color, kind, zone) {
    const item = document.createElement("li"), button = document.createElement("button"), line = document.createElement("i");
    item.className = "one";
    button.type = "button";
    button.title = t("legend.toggle");
    button.setAttribute("aria-pressed", String(!this.cine.hidden.has(name)));
    line.className = `line ${kind}`;
    line.style.borderTopColor = color;
    button.append(line);
    if (zone) {
      const dashed = document.createElement("i");
      dashed.className = "line zone";
      dashed.style.borderTopColor = zone;
      button.append(dashed);
    }
    button.append(words);
    button.addEventListener("click", () => {
      const {hidden} = this.cine;
      if (!hidden.delete(name)) hidden.add(name);
      button.setAttribute("aria-pressed", String(!hidden.has(name)));
      this.cine.draw();
    });
    item.append(button);
    return item;
  }
}
