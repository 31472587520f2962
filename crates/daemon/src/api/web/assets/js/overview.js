// The overview: every program, live, and what can be done with it.

import { keyOf, may, pageOf, spec } from "./api.js";
import { button, el, setAttr, setText, sign } from "./dom.js";
import { Store } from "./events.js";
import { count, STATES, stateOf } from "./format.js";
import { List } from "./list.js";
import { COLUMNS, groupRow, processRow } from "./rows.js";
import { View } from "./view.js";

const store = new Store({ usage: true });
const view = new View();
const picked = new Set();
const pending = new Map();
/// The key of the row that keys act on, and the one that was picked last.
let cursor = null;
let anchor = null;

const host = {
  store,
  picked,
  pending,
  fold(group) {
    view.folded.delete(group) || view.folded.add(group);
    changed();
  },
  pick(process, event) {
    const key = keyOf(process);
    pickTo(key, event.shiftKey ? anchor : key, event.target.checked);
    anchor = key;
    cursor = key;
  },
  pickGroup(group, on) {
    for (const process of view.found(store).filter((found) => found.group === group)) {
      on ? picked.add(keyOf(process)) : picked.delete(keyOf(process));
    }
    changed();
  },
  act,
  actOnGroup: (verb, group) => actOnMany(verb, group, all().filter((process) => process.group === group)),
};

const all = () => view.order.map(({ key }) => store.processes.get(key)).filter(Boolean);

// What the first picture does without is loaded behind it.

const deeds = () => import("./actions.js");

async function act(verb, processes) {
  const { actOn } = await deeds();
  return actOn(store, verb, processes, mark);
}

async function actOnMany(verb, group, processes) {
  (await deeds()).actOnMany(store, verb, group, processes, mark);
}

function pickTo(key, from, on) {
  const keys = list.items.map((item) => item.key);
  const [a, b] = [keys.indexOf(from ?? key), keys.indexOf(key)].sort((one, other) => one - other);
  for (const item of list.items.slice(Math.max(a, 0), b + 1)) {
    if (item.process) {
      on ? picked.add(item.key) : picked.delete(item.key);
    }
  }
  changed();
}

/// Several things may be under way for one process.
function mark(keys, on) {
  for (const key of keys) {
    const number = (pending.get(key) ?? 0) + (on ? 1 : -1);
    number > 0 ? pending.set(key, number) : pending.delete(key);
  }
  list.ask();
}

// The page.

const filter = el("input", {
  type: "search",
  id: "filter",
  placeholder: "Filter by name, group or state",
  "aria-label": "Filter by name, group or state",
  autocomplete: "off",
  spellcheck: "false",
  value: view.text,
  on: {
    input() {
      view.text = filter.value;
      narrowed();
    },
    keydown(event) {
      if (event.key === "Escape") {
        view.text = filter.value = "";
        narrowed();
        filter.blur();
      } else if (event.key === "Enter" || event.key === "ArrowDown") {
        event.preventDefault();
        move(0);
      }
    },
  },
});
const chips = el("div", { class: "chips", role: "group", "aria-label": "States" });
const body = el("div", { class: "rows", role: "rowgroup" });
const nothing = el("div", { class: "nothing", hidden: true });
const spoken = el("div", { class: "unseen", role: "status", "aria-live": "polite" });
const pickedWords = el("strong");
const bar = el(
  "div",
  { class: "selection", role: "region", "aria-label": "Selected programs", hidden: true },
  pickedWords,
  ...["start", "restart", "stop"].filter(may).map((verb) => {
    const props = { data: { verb } };
    const made = button("", () => actOnPicked(verb), props);
    made.append(sign(verb), { start: "Start", stop: "Stop", restart: "Restart" }[verb]);
    return made;
  }),
  button("Clear", () => clear(), { class: "bare" }),
);
const heads = COLUMNS.map((column) => {
  const sort = button(column.words, () => sortBy(column), { class: "bare sort" });
  return { column, node: el("div", { class: `c-${column.name}`, role: "columnheader" }, sort) };
});
const everyone = el("input", { type: "checkbox", "aria-label": "Select all that are shown", on: { click: () => pickAll(everyone.checked) } });
const head = el(
  "div",
  { class: "head", role: "rowgroup" },
  el(
    "div",
    { class: "row", role: "row", "aria-rowindex": 1 },
    el("div", { class: "c-check", role: "columnheader" }, el("label", {}, everyone)),
    ...heads.map(({ node }) => node),
    el("div", { class: "c-acts", role: "columnheader" }, el("span", { class: "unseen" }, "Actions")),
  ),
);
const table = el("div", { class: "list sheet", role: "table", "aria-label": "Programs" }, head, body);
const wide = ["start", "restart", "stop"]
  .filter(may)
  .map((verb) => button(`${{ start: "Start", stop: "Stop", restart: "Restart" }[verb]} all`, () => actOnMany(verb, null, all()), { class: "wide" }));

const list = new List(body, {
  heightOf: (item) => (item.group ? heights.group : heights.row),
  keyOf: (item) => item.key,
  kindOf: (item) => (item.group ? "group" : "process"),
  make: (kind) => (kind === "group" ? groupRow(host) : processRow(host)),
});
const heights = { row: 34, group: 34 };

function readHeights() {
  const style = getComputedStyle(table);
  heights.row = parseFloat(style.getPropertyValue("--row")) || 34;
  heights.group = parseFloat(style.getPropertyValue("--group")) || 34;
}

// What is shown.

let asked = false;
let drawn = false;

/// Everything is looked at anew before the next picture.
function changed() {
  if (!asked) {
    asked = true;
    requestAnimationFrame(refresh);
  }
}

function refresh() {
  asked = false;
  for (const key of picked) {
    if (!store.processes.has(key)) {
      picked.delete(key);
    }
  }
  const items = view.items(store);
  list.set(items);
  list.draw();
  if (store.known && !drawn) {
    drawn = true;
    performance.mark("drawn");
  }
  showChips();
  showPicked(items);
  setAttr(table, "aria-rowcount", String(items.length + 1));
  table.hidden = items.length === 0;
  nothing.hidden = items.length > 0 || !store.known;
  if (!nothing.hidden) {
    showNothing();
  }
  for (const made of wide) {
    made.disabled = store.processes.size === 0;
  }
}

function showNothing() {
  if (store.processes.size > 0) {
    nothing.replaceChildren(el("p", {}, "No program matches."), button("Show all", showAll));
    return;
  }
  nothing.replaceChildren(
    el("h2", {}, "No programs to manage"),
    el("p", { class: "faint" }, "Add a [program:…] section to the configuration, then run supervisorctl update. It appears here at once."),
  );
}

function showAll() {
  view.text = filter.value = "";
  view.state = null;
  narrowed();
  filter.focus();
}

const chipOf = new Map();

function chip(state) {
  const { word, tone } = state ? stateOf(state) : { word: "All", tone: "" };
  const number = el("span", { class: "number" });
  const node = button("", () => {
    view.state = view.state === state ? null : state;
    narrowed();
  }, { class: `chip ${tone}` });
  node.append(...(state ? [sign(state)] : []), word, number);
  chips.append(node);
  return { node, number };
}

for (const state of [null, ...Object.keys(STATES)]) {
  chipOf.set(state, chip(state));
}

function showChips() {
  const counts = view.counts(store);
  counts.set(null, [...counts.values()].reduce((sum, number) => sum + number, 0));
  for (const [state, { node, number }] of chipOf) {
    const here = counts.get(state) ?? 0;
    setText(number, count(here));
    node.hidden = state !== null && here === 0 && view.state !== state;
    setAttr(node, "aria-pressed", String(view.state === state));
  }
}

function showPicked(items) {
  bar.hidden = picked.size === 0;
  document.body.classList.toggle("selecting", picked.size > 0);
  const shown = items.flatMap((item) => item.members ?? (item.inGroup ? [] : [item.process]));
  const here = shown.filter((process) => picked.has(keyOf(process))).length;
  const away = picked.size - here;
  setText(pickedWords, `${count(picked.size)} selected${away > 0 ? `, ${count(away)} not shown` : ""}`);
  everyone.checked = here > 0 && here === shown.length;
  everyone.indeterminate = here > 0 && here < shown.length;
}

function narrowed() {
  view.write();
  window.scrollTo(0, 0);
  changed();
}

function sortBy(column) {
  view.back = view.column === column ? !view.back : Boolean(column.falls);
  view.column = column;
  showSort();
  narrowed();
}

function showSort() {
  for (const { column, node } of heads) {
    setAttr(node, "aria-sort", view.column === column ? (view.back ? "descending" : "ascending") : null);
  }
}

// What is picked, and where the keys are.

function clear() {
  picked.clear();
  changed();
}

function pickAll(on) {
  for (const process of view.found(store)) {
    on ? picked.add(keyOf(process)) : picked.delete(keyOf(process));
  }
  changed();
}

async function actOnPicked(verb) {
  const processes = all().filter((process) => picked.has(keyOf(process)));
  if (processes.length > 0 && (await act(verb, processes))) {
    clear();
  }
}

function here() {
  const focused = document.activeElement?.closest(".row")?.dataset.key;
  const at = list.items.findIndex((item) => item.key === (focused ?? cursor));
  return at < 0 ? null : at;
}

function move(step, to = null) {
  if (list.items.length === 0) {
    return false;
  }
  const at = here();
  const next = to ?? (at === null ? 0 : at + step);
  const index = Math.min(Math.max(next, 0), list.items.length - 1);
  cursor = list.items[index].key;
  list.reveal(index, head.getBoundingClientRect().bottom)?.focus({ preventScroll: true });
  return true;
}

function withItem(run) {
  const at = here();
  return at === null ? false : run(list.items[at]);
}

/// Acts on what is picked, else on the row of the keys.
function actByKey(verb) {
  if (!may(verb)) {
    return false;
  }
  if (picked.size > 0) {
    actOnPicked(verb);
    return true;
  }
  return withItem((item) => {
    item.group ? host.actOnGroup(verb, item.group) : pending.has(item.key) || host.act(verb, [item.process]);
    return true;
  });
}

const inList = () => document.activeElement?.closest(".rows") !== null;

const KEYS = [
  { keys: ["/"], words: "Filter", run: () => filter.select() ?? filter.focus() },
  { keys: ["j"], words: "Next row", run: () => move(1), shown: ["j", "↓"] },
  { keys: ["k"], words: "Row before", run: () => move(-1), shown: ["k", "↑"] },
  { keys: ["g"], words: "First row", run: () => move(0, 0) },
  { keys: ["G"], words: "Last row", run: () => move(0, Infinity) },
  { keys: ["Enter"], words: "Open the program, or fold the group", run: () => withItem(open) },
  { keys: ["l"], words: "Open its log", run: () => withItem((item) => (item.process && may("logs") ? go(pageOf("log.html", item.process, { stream: "stdout" })) : false)) },
  { keys: [" ", "v"], words: "Select or not", run: () => withItem(toggle) },
  { keys: ["a"], words: "Select all that are shown", run: () => pickAll(true) },
  { keys: ["s"], words: "Start", run: () => actByKey("start") },
  { keys: ["x"], words: "Stop", run: () => actByKey("stop") },
  { keys: ["r"], words: "Restart", run: () => actByKey("restart") },
  { keys: ["Escape"], words: "Select nothing, show all", run: () => (picked.size > 0 ? clear() : view.narrows ? showAll() : false) },
];
document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && inList() && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    move(step);
  }
});

function go(address) {
  location.href = address;
  return true;
}

function open(item) {
  if (item.group) {
    host.fold(item.group);
    return true;
  }
  return go(pageOf("program.html", item.process));
}

function toggle(item) {
  if (item.group) {
    host.pickGroup(item.group, !item.members.every((process) => picked.has(keyOf(process))));
  } else {
    pickTo(item.key, item.key, !picked.has(item.key));
    anchor = item.key;
  }
  return true;
}

// What is heard.

let said = 0;

/// Tells those who do not see the screen of what goes wrong, not faster than it can be heard.
function speak(process, before) {
  const { word, tone } = stateOf(process.state);
  if (tone === "bad" && before?.state !== process.state && Date.now() - said > 2000) {
    said = Date.now();
    setText(spoken, `${spec(process)}: ${word}`);
  }
}

const resorted = () => {
  view.know(store.processes);
  changed();
};
store
  .on("snapshot", resorted)
  .on("added", resorted)
  .on("removed", resorted)
  .on("process", changed)
  .on("process", speak)
  .on("usage", changed);
setInterval(() => list.ask(), 1000);
window.addEventListener("hashchange", () => {
  view.read();
  filter.value = view.text;
  showSort();
  changed();
});
window.matchMedia("(max-width: 45rem)").addEventListener("change", () => {
  readHeights();
  changed();
});

let keys = null;
const help = button("?", () => keys?.showHelp(), { class: "bare", "aria-label": "Keyboard shortcuts", title: "Keyboard shortcuts" });
const tools = el(
  "div",
  { class: "tools" },
  el("h1", { class: "unseen" }, "Programs"),
  el("label", { class: "search" }, sign("search"), filter, el("kbd", { "aria-hidden": "true" }, "/")),
  chips,
  el("div", { class: "everything" }, ...wide, help),
);
document.getElementById("app").replaceChildren(tools, table, nothing, bar, spoken);
// The heads of the columns stay below the tools, however many lines these take.
new ResizeObserver(() => table.style.setProperty("--covered", `${tools.offsetHeight}px`)).observe(tools);
readHeights();
showSort();
if (store.known) {
  // The page brought along what it shows first.
  view.know(store.processes);
  refresh();
}
const [{ frame }, { listen }] = await Promise.all([import("./frame.js"), import("./keys.js"), deeds()]);
keys = listen(KEYS);
frame(store);
