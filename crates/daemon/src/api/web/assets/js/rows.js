// The rows of the overview: one for a process, one above each group.

import { keyOf, may, pageOf, spec } from "./api.js";
import { button, el, setAttr, setText, sign } from "./dom.js";
import { actionsOf, ago, bytes, count, exit, moment, percent, span, stateOf } from "./format.js";
import { spark } from "./spark.js";

const VERBS = { start: "Start", stop: "Stop", restart: "Restart" };

/// The columns: name in classes and in the address, words, whether big values come first, what they are sorted by.
export const COLUMNS = [
  { name: "name", words: "Name" },
  { name: "state", words: "State", by: (process) => process.state, },
  { name: "pid", words: "PID", by: (process) => process.pid ?? Infinity },
  { name: "uptime", words: "Uptime", by: (process) => (process.pid ? -process.start : Infinity) },
  { name: "restarts", words: "Restarts", falls: true, by: (process) => process.restarts },
  { name: "exit", words: "Last exit", falls: true, by: (process) => process.last_exit?.at ?? 0 },
  { name: "cpu", words: "CPU", falls: true, by: (process, usage) => (process.pid ? (usage?.cpu.at(-1) ?? -1) : -2) },
  { name: "memory", words: "Memory", falls: true, by: (process, usage) => (process.pid ? (usage?.rss.at(-1) ?? -1) : -2) },
];

function cell(name, ...children) {
  return el("div", { class: `c-${name}`, role: "cell" }, ...children);
}

/// A number with the line of its last values.
function meter(name, shown, { least }) {
  const words = el("span", { class: "number" });
  const line = spark({ width: 56, height: 18 });
  const node = cell(name, line.node, words);
  let stamp = -1;
  const show = (usage, values) => {
    if (!usage) {
      if (stamp !== -1) {
        stamp = -1;
        setText(words, "");
        line.show([]);
      }
      return;
    }
    if (usage.stamp === stamp) {
      return;
    }
    stamp = usage.stamp;
    const value = values.at(-1);
    setText(words, value === null || value === undefined ? "" : shown(value));
    line.show(values, { least: least(values) });
  };
  return { node, show };
}

function act(host, verb, what, run) {
  const props = { class: "bare act", "aria-label": `${VERBS[verb]} ${what}`, title: VERBS[verb], data: { verb } };
  return button(sign(verb), run, props);
}

function check(host, words, run) {
  const box = el("input", { type: "checkbox", "aria-label": words, tabindex: -1, on: { click: run } });
  // The whole cell can be hit.
  return { box, node: cell("check", el("label", {}, box)) };
}

/// A row for a process. `host` has `store`, `picked`, `pending`, `pick(process, event)`, `act(verb, processes)`.
export function processRow(host, process) {
  const what = spec(process);
  const { box, node: boxes } = check(host, `Select ${what}`, (event) => host.pick(current, event));
  const link = el("a", { href: pageOf("program.html", process), class: "name", title: what });
  const state = el("span", { class: "state" });
  const age = el("span", { class: "faint age" });
  const pid = cell("pid");
  const uptime = cell("uptime");
  const restarts = cell("restarts");
  const ended = cell("exit");
  const cpu = meter("cpu", percent, { least: () => 10 });
  const memory = meter("memory", bytes, { least: (values) => 1.25 * Math.max(...values) });
  const deeds = cell("acts");
  const node = el(
    "div",
    { class: "row", role: "row", tabindex: -1, data: { key: keyOf(process) } },
    boxes,
    cell("name", link),
    cell("state", state, age),
    pid,
    uptime,
    restarts,
    ended,
    cpu.node,
    memory.node,
    deeds,
  );
  let current = process;
  let drawn = "";
  let named = "";

  const draw = (busy) => {
    const { word, tone } = stateOf(current.state);
    state.className = `state ${tone}`;
    state.replaceChildren(sign(current.state), word);
    node.dataset.state = current.state;
    setAttr(node, "aria-busy", busy ? "true" : null);
    setText(pid, current.pid ? String(current.pid) : "–");
    setText(restarts, current.restarts ? count(current.restarts) : "–");
    const held = deeds.contains(document.activeElement) ? document.activeElement.dataset.verb : null;
    const buttons = actionsOf(current.state)
      .filter(may)
      .map((verb) => act(host, verb, what, () => host.act(verb, [current])));
    const log = may("logs") && el("a", { class: "button bare act", href: pageOf("log.html", current, { stream: "stdout" }), "aria-label": `Log of ${what}`, title: "Log" }, sign("log"));
    deeds.replaceChildren(...buttons, ...(log ? [log] : []));
    for (const each of buttons) {
      each.disabled = busy;
    }
    if (held) {
      // The button that was pressed may have made place for another.
      (deeds.querySelector(`button[data-verb="${held}"]:enabled`) ?? node).focus({ preventScroll: true });
    }
  };

  const show = (item, index) => {
    current = item.process;
    const busy = host.pending.has(keyOf(current));
    const seen = `${current.state} ${current.pid} ${current.restarts} ${busy}`;
    if (seen !== drawn) {
      drawn = seen;
      draw(busy);
    }
    const name = item.inGroup ? current.name : what;
    if (name !== named) {
      named = name;
      setText(link, name);
    }
    const now = host.store.now();
    setText(age, current.since ? span(now - current.since) : "");
    setText(uptime, current.pid && current.start ? span(now - current.start * 1000) : "–");
    showEnd(ended, current, now);
    const usage = current.pid ? host.store.usage.get(keyOf(current)) : null;
    cpu.show(usage, usage?.cpu ?? []);
    memory.show(usage, usage?.rss ?? []);
    const isPicked = host.picked.has(keyOf(current));
    box.checked = isPicked;
    node.classList.toggle("picked", isPicked);
    node.classList.toggle("inside", item.inGroup);
    setAttr(node, "aria-rowindex", String(index + 2));
  };
  return { node, show };
}

/// How it ended last; what keeps it from running comes first.
function showEnd(node, process, now) {
  const end = process.last_exit;
  const trouble = (process.state === "FATAL" || process.state === "BACKOFF") && process.error;
  const text = end ? exit(end) : "";
  const words = trouble || (end ? `${text} · ${ago(now - end.at)}` : "–");
  setText(node, words);
  node.classList.toggle("bad", Boolean(trouble || (end && !end.expected)));
  const whole = end ? `${text}${end.expected ? "" : ", unexpected"}, ${moment(end.at)}` : "";
  setAttr(node, "title", [trouble, whole].filter(Boolean).join("\n") || null);
}

/// The row above a group.
export function groupRow(host, item) {
  const name = item.group;
  const { box, node: boxes } = check(host, `Select all of group ${name}`, () => host.pickGroup(name, box.checked));
  const fold = button("", () => host.fold(name), { class: "bare fold", tabindex: -1 });
  fold.append(sign("fold"), el("strong", {}, name));
  const states = el("span", { class: "faint states" });
  const cpu = el("span", { class: "number" });
  const memory = el("span", { class: "number" });
  const buttons = ["start", "restart", "stop"].filter(may).map((verb) => act(host, verb, `group ${name}`, () => host.actOnGroup(verb, name)));
  const node = el(
    "div",
    { class: "row group", role: "row", tabindex: -1, data: { key: item.key } },
    boxes,
    cell("name", fold),
    cell("states", states),
    cell("cpu", cpu),
    cell("memory", memory),
    cell("acts", ...buttons),
  );
  const show = (shown, index) => {
    const { members, isOpen } = shown;
    fold.setAttribute("aria-expanded", String(isOpen));
    node.classList.toggle("folded", !isOpen);
    const counts = new Map();
    let [load, rss] = [null, null];
    for (const process of members) {
      counts.set(process.state, (counts.get(process.state) ?? 0) + 1);
      const usage = process.pid ? host.store.usage.get(keyOf(process)) : null;
      load = usage?.cpu.at(-1) == null ? load : (load ?? 0) + usage.cpu.at(-1);
      rss = usage ? (rss ?? 0) + (usage.rss.at(-1) ?? 0) : rss;
    }
    const running = counts.get("RUNNING") ?? 0;
    counts.delete("RUNNING");
    const others = [...counts].map(([state, number]) => `${number} ${stateOf(state).word.toLowerCase()}`);
    setText(states, [`${running} of ${members.length} running`, ...others].join(", "));
    setText(cpu, load === null ? "" : percent(load));
    setText(memory, rss === null ? "" : bytes(rss));
    const picked = members.filter((process) => host.picked.has(keyOf(process))).length;
    box.checked = picked === members.length;
    box.indeterminate = picked > 0 && picked < members.length;
    setAttr(node, "aria-rowindex", String(index + 2));
  };
  return { node, show };
}
