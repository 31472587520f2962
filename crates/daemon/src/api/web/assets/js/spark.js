// A line of the last samples, small enough for a row.

import { svg } from "./dom.js";

/// The fewest values that fill the width: before there are as many, the line begins further right.
const FEWEST = 12;

/// Makes a line of this size in pixels. `show` draws values, oldest first, at most `room` of them; null leaves a gap.
export function spark({ width = 64, height = 18, room = 60, label = "" } = {}) {
  const area = svg("path", { class: "spark-area" });
  const line = svg("path", { class: "spark-line", fill: "none" });
  const props = { class: "spark", width, height, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" };
  const named = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  const node = svg("svg", { ...props, ...named }, area, line);
  let shown = "";
  const show = (values, { floor = 0, least = 1 } = {}) => {
    const last = values.slice(-room);
    const places = Math.min(Math.max(last.length, FEWEST), room);
    const [outline, filled] = paths(last, { width, height, room: places, floor, least });
    if (outline !== shown) {
      shown = outline;
      line.setAttribute("d", outline);
      area.setAttribute("d", filled);
    }
  };
  return { node, show };
}

/// The outline, and what is below it. The newest value is at the right end; `least` is the least height of the scale.
export function paths(values, { width, height, room, floor, least }) {
  const known = values.filter((value) => value !== null && value !== undefined);
  const top = Math.max(least, ...known) - floor;
  const step = width / Math.max(room - 1, 1);
  const x = (index) => (width - (values.length - 1 - index) * step).toFixed(1);
  const y = (value) => (height - 1.5 - ((value - floor) / top) * (height - 3)).toFixed(1);
  let outline = "";
  let filled = "";
  let from = null;
  const end = (index) => {
    if (from !== null) {
      filled += `L${x(index - 1)} ${height}L${from} ${height}Z`;
    }
    from = null;
  };
  values.forEach((value, index) => {
    if (value === null || value === undefined) {
      end(index);
      return;
    }
    const point = `${x(index)} ${y(value)}`;
    outline += `${from === null ? "M" : "L"}${point}`;
    filled += `${from === null ? "M" : "L"}${point}`;
    from ??= x(index);
  });
  end(values.length);
  return [outline, filled];
}
