// A picture of the states of a process over a span of time.

import { el, svg } from "./dom.js";
import { exit, moment, span, stateOf } from "./format.js";

const WIDTH = 1000;
const HEIGHT = 28;

/// The stretches of a span: `{state, from, to, count}`, the oldest first.
export function stretches(changes, from, now) {
  const all = changes.map((change, index) => ({
    state: change.state,
    count: change.count,
    from: Math.max(change.at, from),
    to: Math.min(changes[index + 1]?.at ?? now, now),
  }));
  return all.filter((one) => one.to > one.from);
}

/// Draws it; the picture tells in words what it shows.
export function timeline(history, length) {
  const now = history.now;
  const from = now - length;
  const x = (at) => ((at - from) / length) * WIDTH;
  const parts = stretches(history.changes, from, now);
  const picture = svg("svg", { class: "timeline", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": words(parts, history.exits, from) });
  for (const part of parts) {
    const { word, tone } = stateOf(part.state);
    const title = `${word}, ${span(part.to - part.from)}${part.count > 1 ? `, ${part.count} times` : ""}, from ${moment(part.from)}`;
    const props = { class: `stretch ${tone} ${part.state.toLowerCase()}`, x: x(part.from), y: 4, width: Math.max(x(part.to) - x(part.from), 1.5), height: HEIGHT - 8 };
    picture.append(svg("rect", props, svg("title", {}, title)));
  }
  for (const end of history.exits.filter((one) => one.at >= from)) {
    const mark = svg("path", { class: `end ${end.expected ? "calm" : "bad"}`, d: `M${x(end.at)} 0V${HEIGHT}` });
    mark.append(svg("title", {}, `${exit(end)}, ${moment(end.at)}`));
    picture.append(mark);
  }
  const axis = el("div", { class: "axis faint", "aria-hidden": "true" });
  for (const part of [1, 0.75, 0.5, 0.25, 0]) {
    axis.append(el("span", {}, part === 0 ? "now" : moment(now - length * part).slice(11, 16)));
  }
  return el("div", {}, picture, axis);
}

function words(parts, exits, from) {
  const sums = new Map();
  for (const part of parts) {
    sums.set(part.state, (sums.get(part.state) ?? 0) + part.to - part.from);
  }
  const states = [...sums].map(([state, sum]) => `${stateOf(state).word} for ${span(sum)}`);
  const ends = exits.filter((one) => one.at >= from);
  return `States: ${states.join(", ") || "nothing known"}. Ends: ${ends.map(exit).join(", ") || "none"}.`;
}
