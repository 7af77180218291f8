// Numbers and times as text, and round steps for axes.

const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const ROUND = [1, 2, 2.5, 5, 10];
export const WANTED_TICKS = 5;

export function nice(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= step);
}

// Return the smallest round step in minutes and seconds that is at least this long.
export function timeStep(step) {
  return step < 1 ? nice(step) : TIME_STEPS.find((n) => n >= step) ?? nice(step);
}

// Return the step of an axis over a range: the largest round one with five values, or with as many as there is room for.
export function axisStep(low, high, most) {
  const wide = high - low, power = 10 ** Math.floor(Math.log10(wide));
  const steps = [10, 1, 0.1, 0.01].flatMap((scale) => ROUND.slice(0, -1).reverse().map((one) => one * power * scale));
  const count = (step) => Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1;
  const fitting = steps.filter((step) => count(step) <= Math.max(most, 2) && count(step) > 0);
  return fitting.find((step) => count(step) >= WANTED_TICKS) ?? fitting.at(-1);
}

// Format a multiple of a step with the digits that the step needs.
export function short(value, step) {
  const digits = [0, 1, 2, 3].find((n) => Math.abs(step * 10 ** n - Math.round(step * 10 ** n)) < 1e-6) ?? 3;
  return number(value, digits);
}

export function clock(seconds, step = 1) {
  const minutes = Math.floor(seconds / 60);
  const rest = seconds - 60 * minutes;
  return `${minutes}:${rest.toFixed(step < 1 ? 1 : 0).padStart(step < 1 ? 4 : 2, "0")}`;
}

// Format a value, without a sign where it rounds to 0.
export function number(value, digits, unit = "") {
  if (value === null || value === undefined) return "–";
  const text = value.toFixed(digits);
  return `${Number(text) === 0 ? text.replace("-", "") : text}${unit}`;
}

// Format a limit with the digits that it has.
export function limitOf(value, unit) {
  return `${Number(value.toFixed(2))}${unit && ` ${unit}`}`;
}
