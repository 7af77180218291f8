// One decision in words: every value and every reason.

import {clock, number} from "./format.js";
import {filled} from "./strip-words.js";

// Format the values of one decision as a line of text.
export function told({data, axes, structures, shown, words}, index) {
  const state = data.on[index] ? words.enabled : filled(words.hold, {why: data.why[index]});
  const moved = ({rows, cols}) => `${axes[0]} ${number(rows[index], 1)}, ${axes[1]} ${number(cols[index], 1, " mm")}`;
  const sure = ({confidence}) => `${words.confidence} ${number(confidence[index], 2)}`;
  const ahead = data.predicted[index] === null ? [] : [`${words.ahead} ${number(data.predicted[index], 1, " %")}`];
  const parts = structures.length > 1
    ? structures.map((one, place) => [one, data.parts[place], place]).filter(([, , place]) => shown.has(place))
      .map(([{name, measure, unit}, one]) => `${name}: ${moved(one)}, ${measure} ${number(one.value[index], 1, ` ${unit}`)}, ${sure(one)}`)
    : [moved(data), `${words.outside} ${number(data.outside[index], 1, " %")}`, ...ahead, sure(data)];
  return [`${clock(data.t[index], 0.1)}  ${state}`, ...parts].join(" · ");
}
