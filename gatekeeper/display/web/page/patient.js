// The patient's page: where the target is beside its window, what to do, and the time left to hold.

import {get} from "./link.js";
import {follow} from "./live.js";
import {Coach} from "./patient-cue.js";
import {Sound} from "./patient-sound.js";
import {language, languages, speak, t} from "./words.js";

const SHOWN_S = 20;  // a message of an operator stands for this long
const UNSEEN_S = 1;
const UP = "patient.up";
const CUES = ["in", "hold", "out", "rest", "normal"];
const MOVING = ["ready", "delivery", "paused"];  // phases in which the target is shown
const at = (id) => document.getElementById(id);
const put = (id, words) => { if (at(id).textContent !== words) at(id).textContent = words; };

const sound = new Sound();
let again = () => {};  // shows the newest once more, the other way up

// Show what is to be done: a cue, or a sentence while there is nothing to do.
function say(key, more = "", left = null) {
  const told = t(`cue.${key}`);
  Object.assign(document.body.dataset, {cue: CUES.includes(key) ? key : "none", said: key});
  put("cue", told);
  put("more", more);
  at("count").hidden = left === null;
  if (left !== null) put("seconds", Math.ceil(left).toString());
  const label = t("bar.label", {cue: told});
  if (at("bar").getAttribute("aria-label") !== label) at("bar").setAttribute("aria-label", label);
}

function blank(key) {
  document.body.dataset.place = "none";
  document.body.removeAttribute("data-over");
  say(key);
  sound.cue(null);
  again = () => {};
}

function showMessage([phrase, at_s], now_s) {
  const stands = phrase !== "" && now_s - at_s < SHOWN_S;
  if (stands) put("message", t(`say.${phrase.replaceAll(" ", "-")}`));
  at("message").hidden = !stands;
}

// The window lies in the middle third of the bar.
function draw([low, high], mm, inside) {
  const middle = (low + high) / 2, reach = 3 * Math.max((high - low) / 2, 2), up = at("up").value === "in" ? 1 : -1;
  const top = (at_mm) => 50 - 50 * up * Math.min(Math.max((at_mm - middle) / reach, -0.95), 0.95);
  at("window").style.top = `${Math.min(top(low), top(high))}%`;
  at("window").style.bottom = `${100 - Math.max(top(low), top(high))}%`;
  at("marker").style.top = `${top(mm)}%`;
  Object.assign(document.body.dataset, {place: inside ? "in" : "out", margin: Math.round((high - low) / 2)});
}

function begin({breath_hold_s, breath_hold}) {
  const coach = new Coach(breath_hold_s, breath_hold);
  let seen_s = -Infinity;
  const show = (view) => {
    showMessage(view.message, view.now_s);
    for (const row of view.rows) coach.add(row);
    const now = coach.now;
    if (view.phase === "ended") return blank("ended");
    if (!MOVING.includes(view.phase) || view.window_mm === null || now === null) return blank("preparing");
    if (view.silent || now.mm === null) {
      // A frame without the target leaves the page as it is; more of them do not.
      if (view.silent || view.now_s - seen_s > UNSEEN_S) blank("unseen");
      return undefined;
    }
    seen_s = now.t;
    again = () => show(view);
    draw(view.window_mm, now.mm, now.inside);
    const key = coach.cue(view.wanted, view.window_mm);
    const wanted = key === "in" || key === "out" ? t("hold.wanted", {n: Math.round(breath_hold_s)}) : "";
    document.body.toggleAttribute("data-over", coach.over);
    say(key, coach.over ? t("hold.over") : wanted, key === "hold" ? coach.left() : null);
    sound.cue(coach.over ? "over" : key);
    return undefined;
  };
  follow(() => ({}), show, () => blank("lost"), "/patient/views");
}

document.title = t("title.page");
for (const code of languages) at("language").append(new Option(new Intl.DisplayNames([code], {type: "language"}).of(code), code));
at("language").value = language;
at("language").addEventListener("change", () => speak(at("language").value));
at("up").value = (new URLSearchParams(location.search).get("up") ?? localStorage.getItem(UP)) === "out" ? "out" : "in";
at("up").addEventListener("change", () => { localStorage.setItem(UP, at("up").value); again(); });
at("sound").addEventListener("change", () => sound.turn(at("sound").checked));
blank("connecting");
try {
  const told = await get("/patient/hello");
  if (told.mode === "live") begin(told); else blank("recorded");
} catch {
  blank("closed");
}
