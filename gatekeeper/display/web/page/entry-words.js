// What the list and the comparison say of a session.

import {t} from "./words.js";

// Return a time in minutes and seconds.
export function lasted(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.round(seconds), minutes = Math.floor(whole / 60), two = (value) => String(value).padStart(2, "0");
  return minutes < 60 ? `${minutes}:${two(whole % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

// Return label and fraction in words; empty where no facts of a course are known.
export function courseOf({label, fraction, fractions}) {
  if (!label) return "";
  return fraction ? t(fractions ? "course.of" : "course.fraction", {label, fraction, fractions}) : label;
}
