// Follow a live session: show the newest view as soon as the last one has been drawn.

import {Link, hello} from "./link.js";
import {t} from "./words.js";

const GONE_MS = 1500;
const AGAIN_MS = 1000;

// Call show(view) with every view of a path, and lost(why) whenever the view is out of date.
export async function follow(asked, show, lost, path = "/views") {
  let last = -Infinity;
  setInterval(() => { if (performance.now() - last > GONE_MS) lost(t("lost.nothing-new")); }, 250);
  for (;;) {
    const link = new Link(path);
    try {
      await link.open();
      let after = -1;
      for (;;) {
        const view = await link.ask({after, ...asked()});
        if (view.kind === "silent") continue;
        after = view.count;
        view.arrived = last = performance.now();
        show(view);
        await painted();
      }
    } catch (error) {
      last = -Infinity;
      lost(t("lost.link", {why: error.message}));
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

// Ask for the next view only after this one is drawn, so that a slow or hidden page does not queue views.
function painted() {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, 200);
    requestAnimationFrame(() => { clearTimeout(late); resolve(); });
  });
}

export {hello};
