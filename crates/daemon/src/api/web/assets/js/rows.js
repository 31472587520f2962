// The rows of the overview: one for a process, one above each group.

import { keyOf, may, pageOf, spec } from "./api.js";
import { button, el, setAttr, setText, sign } from "./dom.js";
import { actionsOf, ago, bytes, count, exit, moment, percent, span, stateOf } from "./format.js";
import { spark } from "./spark.js";

const VERBS = { start: "Start", stop: "Stop", restart: "Restart" };

/// The columns: name in classes and in the address, words, whether big values come first, what they are sorted by.
export const COLUMNS = [
  { name: "name", words: "Name" },
  { name: "state", words: "State", by: (process) => process.state },
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
  let [shownOf, stamp] = [null, -1];
  const show = (usage, values) => {
    if (usage === shownOf && usage?.stamp === stamp) {
      return;
    }
    [shownOf, stamp] = [usage, usage?.stamp];
    if (!usage) {
      setText(words, "");
      line.show([]);
      return;
    }
    const value = values.at(-1);
    setText(words, value === null || value === undefined ? "" : shown(value));
    line.show(values, { least: least(values) });
  };
  return { node, show };
}

function act(verb, run) {
  return button(sign(verb), run, { class: "bare act", title: VERBS[verb], data: { verb } });
}

function check(run) {
  const box = el("input", { type: "checkbox", tabindex: -1, on: { click: run } });
  // The whole cell can be hit.
  return { box, node: cell("check", el("label", {}, box)) };
}

/// A row for a process. `host` has `store`, `picked`, `pending`, `pick(process, event)`, `act(verb, processes)`.
export function processRow(host) {
  let current = null;
  const { box, node: boxes } = check((event) => host.pick(current, event));
  const link = el("a", { class: "name" });
  const state = el("span", { class: "state" });
  const age = el("span", { class: "faint age" });
  const [pid, uptime, restarts, ended] = ["pid", "uptime", "restarts", "exit"].map((name) => cell(name));
  const cpu = meter("cpu", percent, { least: () => 10 });
  const memory = meter("memory", bytes, { least: (values) => 1.25 * Math.max(...values) });
  const buttons = ["start", "restart", "stop"].filter(may).map((verb) => act(verb, () => host.act(verb, [current])));
  const log = may("logs") ? el("a", { class: "button bare act", title: "Log" }, sign("log")) : null;
  const deeds = cell("acts", ...buttons, log);
  const cells = [boxes, cell("name", link), cell("state", state, age), pid, uptime, restarts, ended, cpu.node, memory.node, deeds];
  const node = el("div", { class: "row", role: "row", tabindex: -1 }, ...cells);
  let drawn = null;
  let inGroup = null;

  /// What stays as long as the row is for the same process.
  const bind = (process) => {
    const what = spec(process);
    node.dataset.key = keyOf(process);
    setAttr(box, "aria-label", `Select ${what}`);
    setAttr(link, "href", pageOf("program.html", process));
    setAttr(link, "title", what);
    for (const each of buttons) {
      setAttr(each, "aria-label", `${VERBS[each.dataset.verb]} ${what}`);
    }
    if (log) {
      setAttr(log, "href", pageOf("log.html", process, { stream: "stdout" }));
      setAttr(log, "aria-label", `Log of ${what}`);
    }
    inGroup = null;
  };

  const drawState = (busy) => {
    if (node.dataset.state !== current.state) {
      const { word, tone } = stateOf(current.state);
      state.className = `state ${tone}`;
      state.replaceChildren(sign(current.state), word);
      node.dataset.state = current.state;
    }
    setAttr(node, "aria-busy", busy ? "true" : null);
    const offered = actionsOf(current.state);
    const held = deeds.contains(document.activeElement);
    for (const each of buttons) {
      each.hidden = !offered.includes(each.dataset.verb);
      each.disabled = busy;
    }
    if (held && !document.activeElement.checkVisibility()) {
      node.focus({ preventScroll: true });
    }
  };

  const show = (item, index) => {
    const isOther = current === null || keyOf(current) !== item.key;
    current = item.process;
    if (isOther) {
      bind(current);
    }
    const busy = host.pending.has(item.key);
    if (drawn !== `${current.state} ${busy}`) {
      drawn = `${current.state} ${busy}`;
      drawState(busy);
    }
    if (inGroup !== item.inGroup) {
      inGroup = item.inGroup;
      setText(link, inGroup ? current.name : spec(current));
      node.classList.toggle("inside", inGroup);
    }
    setText(pid, current.pid ? String(current.pid) : "–");
    setText(restarts, current.restarts ? count(current.restarts) : "–");
    const now = host.store.now();
    setText(age, current.since ? span(now - current.since) : "");
    setText(uptime, current.pid && current.start ? span(now - current.start * 1000) : "–");
    showEnd(ended, current, now);
    const usage = current.pid ? host.store.usage.get(item.key) : null;
    cpu.show(usage, usage?.cpu ?? []);
    memory.show(usage, usage?.rss ?? []);
    const isPicked = host.picked.has(item.key);
    box.checked = isPicked;
    node.classList.toggle("picked", isPicked);
    setAttr(node, "aria-rowindex", String(index + 2));
  };
  return { node, show };
}

/// How it ended last, and what keeps it from running; that comes first, unless it only says that the end came too quickly.
function showEnd(node, process, now) {
  const end = process.last_exit;
  const trouble = (process.state === "FATAL" || process.state === "BACKOFF") && process.error;
  const text = end ? exit(end) : "";
  const ended = end && `${text} · ${ago(now - end.at)}`;
  const words = trouble && !trouble.startsWith("Exited too quickly") ? [trouble, ended] : [ended, trouble];
  setText(node, words.filter(Boolean).join(" · ") || "–");
  node.classList.toggle("bad", Boolean(trouble || (end && !end.expected)));
  const whole = end ? `${text}${end.expected ? "" : ", unexpected"}, ${moment(end.at)}` : "";
  setAttr(node, "title", [trouble, whole].filter(Boolean).join("\n") || null);
}

/// The row above a group.
export function groupRow(host) {
  let name = null;
  const { box, node: boxes } = check(() => host.pickGroup(name, box.checked));
  const title = el("strong");
  const fold = button("", () => host.fold(name), { class: "bare fold", tabindex: -1 });
  fold.append(sign("fold"), title);
  const states = el("span", { class: "faint states" });
  const cpu = el("span", { class: "number" });
  const memory = el("span", { class: "number" });
  const buttons = ["start", "restart", "stop"].filter(may).map((verb) => act(verb, () => host.actOnGroup(verb, name)));
  const cells = [boxes, cell("name", fold), cell("states", states), cell("cpu", cpu), cell("memory", memory), cell("acts", ...buttons)];
  const node = el("div", { class: "row group", role: "row", tabindex: -1 }, ...cells);

  const bind = (item) => {
    name = item.group;
    node.dataset.key = item.key;
    setText(title, name);
    setAttr(box, "aria-label", `Select all of group ${name}`);
    for (const each of buttons) {
      setAttr(each, "aria-label", `${VERBS[each.dataset.verb]} group ${name}`);
    }
  };

  const show = (item, index) => {
    if (name !== item.group) {
      bind(item);
    }
    const { members, isOpen } = item;
    setAttr(fold, "aria-expanded", String(isOpen));
    node.classList.toggle("folded", !isOpen);
    const { words, load, rss } = sums(host, members);
    setText(states, words);
    setText(cpu, load === null ? "" : percent(load));
    setText(memory, rss === null ? "" : bytes(rss));
    const picked = members.filter((process) => host.picked.has(keyOf(process))).length;
    box.checked = picked === members.length;
    box.indeterminate = picked > 0 && picked < members.length;
    setAttr(node, "aria-rowindex", String(index + 2));
  };
  return { node, show };
}

/// How many of a group are in which state, and what they take together.
function sums(host, members) {
  const counts = new Map();
  let [load, rss] = [null, null];
  for (const process of members) {
    counts.set(process.state, (counts.get(process.state) ?? 0) + 1);
    const usage = process.pid ? host.store.usage.get(keyOf(process)) : null;
    if (usage) {
      load = usage.cpu.at(-1) === null ? load : (load ?? 0) + usage.cpu.at(-1);
      rss = (rss ?? 0) + usage.rss.at(-1);
    }
  }
  const running = counts.get("RUNNING") ?? 0;
  counts.delete("RUNNING");
  const others = [...counts].map(([state, number]) => `${number} ${stateOf(state).word.toLowerCase()}`);
  return { words: [`${running} of ${members.length} running`, ...others].join(", "), load, rss };
}
