import {offerShifts, showBreathHolds} from "./breath-holds.js";
import {Cine} from "./cine.js";
import {offerControls, refuseKeys} from "./control.js";
import {Drawing} from "./contour-panel.js";
import {Legend, offerTools} from "./cine-tools.js";
import {offerDownloads} from "./downloads.js";
import {follow, hello} from "./live.js";
import {Numbers} from "./numbers.js";
import {offerPage} from "./page.js";
import {Panel, say, showBeam, showMode, showWarnings, translated} from "./panel.js";
import {offerPatient} from "./patient-operator.js";
import {review} from "./review.js";
import {showRisk} from "./risk.js";
import {Structures} from "./structures.js";
import {Trace} from "./trace.js";
import {offerWhatIf} from "./what-if.js";
import {t} from "./words.js";

const REVIEW_MS = 1500;
const at = (id) => document.getElementById(id);
export const cine = new Cine(at("cine"));
export let trace = null;  // of a live session
const legend = new Legend(at("lines"), cine);
offerTools(cine);
offerPage(cine);

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
    say("new-frame", t("reference.title", {frame: reference.frame}));
    say("new-words", reference.words);
    const own = (name) => arrays[`reference_${name}`];
    const further = (structures ?? []).slice(1).map((_, number) => number);
    const outlines = Object.fromEntries(further.flatMap((number) => [[`other${number}`, own(`other${number}`)], [`zone${number}`, arrays[`zone${number}`]]]));
    this.cine.window = null;
    this.cine.show({...reference, structures, axes, arrays: {image: arrays.reference, target: own("target"), envelope: arrays.envelope, ...outlines}});
  }
}

function live(told) {
  const facts = translated(told.facts), reference = new NewReference();
  const panel = new Panel(facts, true), numbers = new Numbers(facts);
  trace = new Trace(at("strip"), at("told"), facts, true);
  const structures = new Structures((shown) => trace.choose(shown));
  let newest = null;
  const operator = told.control ? offerControls(facts) : null;
  const drawing = new Drawing(facts.name, cine, operator);
  if (!operator) refuseKeys();
  const showShifts = operator ? offerShifts(operator) : () => {};
  offerPatient(facts.phrases, operator);
  const age = () => {
    if (newest?.draw?.fixed) say("frame", t("frame.reference"));
    if (newest?.age_s === null || newest?.age_s === undefined) return;
    const ms = 1000 * newest.age_s + performance.now() - newest.arrived;
    cine.stale(newest.silent || ms > 1000 * (facts.max_age_s ?? 1));
    say("frame", t(newest.silent ? "frame.silent" : "frame.age", {frame: newest.sequence, age: ms < 9950 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(0)} s`}));
  };
  setInterval(age, 100);
  showMode(facts.mode);
  let ended = false;
  // A session that has ended is opened for review as soon as its record is served at the same address.
  const end = () => {
    ended = true;
    showMode("ended");
    offerDownloads(trace, facts.name, false);
    setInterval(async () => {
      const told = await hello().catch(() => null);
      if (told && told.mode !== "live") location.reload();
    }, REVIEW_MS);
  };
  follow(() => ({arrows: legend.arrows}), (view) => {
    newest = view;
    trace.name(view.axes, view.columns);
    if (view.phase !== "drawing") {
      trace.know(view.structures);
      structures.know(view.structures);
    }
    trace.add(view.arrays.recent, view.arrays.structures);
    trace.expect(view.arrays.ahead);
    const last = trace.data.t.length - 1;
    showRisk(view);
    showBreathHolds(view, facts);
    if (view.phase === "ended" && !ended) end();
    panel.show(view, trace.holders(last));
    numbers.show(view, trace, last);
    structures.show(trace, last);
    showWarnings(view.warnings);
    operator?.show(view);
    showShifts(view);
    reference.show(view);
    legend.know(view);
    cine.show(view);
    drawing.show(view);
    trace.drawLive();
    age();
    Object.assign(document.body.dataset, {count: view.count, sequence: view.sequence, phase: view.phase, margin: trace.strip.limits.margin});
  }, (why) => {
    cine.stale(true);
    if (ended) return;
    panel.alarms.lost();
    showBeam("none", why, t("next.none"));
  });
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
    showMode("recorded");
    showBeam("none", told.total ? t("preparing.of", {done: told.done, total: told.total}) : t("preparing.opens"));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

showMode("connecting");
showBeam("none", t("why.waiting"));
say("frame", t("frame.none"));
try {
  const told = await prepared();
  showWarnings(told.facts?.warnings);
  if (told.mode === "live") live(told);
  else {
    at("hold").hidden = true;
    showMode("recorded");
    offerWhatIf(await review({...told, facts: translated(told.facts)}, cine, legend), cine);
  }
} catch (error) {
  at("preparing").hidden = true;
  showBeam("none", error.message);
}
