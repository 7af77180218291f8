import {Cine} from "./cine.js";
import {offerControls, refuseKeys} from "./control.js";
import {Drawing} from "./contour-panel.js";
import {follow, hello} from "./live.js";
import {Panel, showBeam, showWarnings} from "./panel.js";
import {review} from "./review.js";
import {Trace} from "./trace.js";
import {offerWhatIf} from "./what-if.js";

const at = (id) => document.getElementById(id);
export const cine = new Cine(at("cine"));
at("level").addEventListener("click", () => { cine.autoLevel(); cine.again(); });
at("fit").addEventListener("click", () => { cine.fit(); cine.draw(); });

function showLegend(view) {
  at("predicted").hidden = !view.arrays.predicted;
  at("avoid").hidden = !(view.others ?? []).some((other) => other.avoid);
}

// Show the frame that is to become the reference, for as long as it can be confirmed.
class NewReference {
  constructor() {
    this.cine = new Cine(at("new-cine"));
    this.asked = "";
  }

  show({reference, arrays, others, axes}) {
    at("new-reference").hidden = !reference;
    const asked = reference ? `${reference.frame} ${reference.words}` : "";
    if (asked === this.asked) return;
    this.asked = asked;
    if (!reference) return;
    at("new-frame").textContent = `New reference: frame ${reference.frame}?`;
    at("new-words").textContent = reference.words;
    const own = (name) => arrays[`reference_${name}`];
    const outlines = Object.fromEntries((others ?? []).map((_, number) => [`other${number}`, own(`other${number}`)]));
    this.cine.fit();
    this.cine.window = null;
    this.cine.show({...reference, others, axes, arrays: {image: arrays.reference, target: own("target"), envelope: arrays.envelope, ...outlines}});
    // The frame and where it is confirmed, in view together.
    if (!at("confirm").hidden) at("confirm").scrollIntoView({block: "end"});
  }
}

function live(told) {
  const reference = new NewReference();
  const panel = new Panel(told.facts), trace = new Trace(at("strip"), at("told"), told.facts, true);
  let newest = null;
  const operator = told.control ? offerControls(at("controls")) : null;
  const drawing = new Drawing(told.facts.name, cine, operator);
  if (!operator) refuseKeys();
  const age = () => {
    if (newest?.draw?.fixed) at("frame").textContent = "reference image";
    if (newest?.age_s === null || newest?.age_s === undefined) return;
    const ms = 1000 * newest.age_s + performance.now() - newest.arrived;
    at("frame").textContent = `frame ${newest.sequence} · ${ms < 9950 ? ms.toFixed(0) + " ms" : (ms / 1000).toFixed(0) + " s"} old${newest.silent ? " · source is silent" : ""}`;
  };
  setInterval(age, 100);
  follow(() => ({arrows: at("arrows").checked}), (view) => {
    newest = view;
    panel.show(view);
    showWarnings(view.warnings);
    operator?.show(view);
    reference.show(view);
    showLegend(view);
    cine.show(view);
    drawing.show(view);
    trace.name(view.axes, view.columns);
    trace.add(view.arrays.recent);
    // The target may have limits of its own, or the operator who draws it set the margin.
    trace.strip.limits.margin = view.margin_mm ?? told.facts.margin_mm;
    trace.strip.limits.outside = view.outside_limit ?? told.facts.outside_percent;
    trace.drawLive();
    age();
    Object.assign(document.body.dataset, {sequence: view.sequence, phase: view.phase, margin: trace.strip.limits.margin});
  }, (why) => showBeam("none", why));
}

// A finished session is tracked once before it can be reviewed.
async function prepared() {
  const bar = at("preparing");
  for (;;) {
    const told = await hello();
    if (told.mode === "failed") throw new Error(told.why);
    bar.hidden = told.mode !== "preparing";
    if (bar.hidden) return told;
    bar.max = Math.max(told.total, 1);
    bar.value = told.done;
    showBeam("none", told.total ? `the session is being tracked: ${told.done} of ${told.total} frames` : "the session is being opened");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

try {
  const told = await prepared();
  showWarnings(told.facts?.warnings);
  if (told.mode === "live") live(told); else offerWhatIf(await review(told, cine, showLegend));
} catch (error) {
  at("preparing").hidden = true;
  showBeam("none", error.message);
}
