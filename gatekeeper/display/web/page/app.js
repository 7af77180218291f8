import {Cine} from "./cine.js";
import {offerControls, refuseKeys} from "./control.js";
import {Drawing} from "./contour-panel.js";
import {follow, hello} from "./live.js";
import {Panel, showBeam, showWarnings} from "./panel.js";
import {review} from "./review.js";
import {showRisk} from "./risk.js";
import {Structures} from "./structures.js";
import {Trace} from "./trace.js";
import {offerWhatIf} from "./what-if.js";

const at = (id) => document.getElementById(id);
export const cine = new Cine(at("cine"));
at("level").addEventListener("click", () => { cine.autoLevel(); cine.again(); });
at("fit").addEventListener("click", () => { cine.fit(); cine.draw(); });

// The lines of one structure; several have their colours in the list of structures.
function showLegend({arrays, structures}) {
  const several = structures?.length > 1;
  for (const id of ["one-target", "one-envelope"]) at(id).hidden = several;
  for (const id of ["each-outline", "each-zone"]) at(id).hidden = !several;
  at("predicted").hidden = !arrays.predicted;
}

// Show the frame that is to become the reference, for as long as it can be confirmed.
class NewReference {
  constructor() {
    this.cine = new Cine(at("new-cine"));
    this.asked = "";
  }

  show({reference, arrays, structures, axes}) {
    at("new-reference").hidden = !reference;
    const asked = reference ? `${reference.frame} ${reference.words}` : "";
    if (asked === this.asked) return;
    this.asked = asked;
    if (!reference) return;
    at("new-frame").textContent = `New reference: frame ${reference.frame}?`;
    at("new-words").textContent = reference.words;
    const own = (name) => arrays[`reference_${name}`];
    const further = (structures ?? []).slice(1).map((_, number) => number);
    const outlines = Object.fromEntries(further.flatMap((number) => [[`other${number}`, own(`other${number}`)], [`zone${number}`, arrays[`zone${number}`]]]));
    this.cine.fit();
    this.cine.window = null;
    this.cine.show({...reference, structures, axes, arrays: {image: arrays.reference, target: own("target"), envelope: arrays.envelope, ...outlines}});
    // The frame and where it is confirmed, in view together.
    if (!at("confirm").hidden) at("confirm").scrollIntoView({block: "end"});
  }
}

function live(told) {
  const reference = new NewReference();
  const panel = new Panel(told.facts), trace = new Trace(at("strip"), at("told"), told.facts, true);
  const structures = new Structures((shown) => trace.choose(shown));
  let newest = null;
  const operator = told.control ? offerControls(at("controls"), told.facts.steps) : null;
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
    trace.name(view.axes, view.columns);
    if (view.phase !== "drawing") {
      trace.know(view.structures);
      structures.know(view.structures);
    }
    trace.add(view.arrays.recent, view.arrays.structures);
    trace.expect(view.arrays.ahead);
    showRisk(view);
    panel.show(view, trace.holders(trace.data.t.length - 1));
    structures.show(trace, trace.data.t.length - 1);
    showWarnings(view.warnings);
    operator?.show(view);
    reference.show(view);
    showLegend(view);
    cine.show(view);
    drawing.show(view);
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
