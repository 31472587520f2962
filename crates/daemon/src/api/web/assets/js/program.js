// The page of one program.

import { get, keyOf, may, pageOf, pathOf, post, spec } from "./api.js";
import { actOn } from "./actions.js";
import { button, el, setText, sign } from "./dom.js";
import { Store } from "./events.js";
import { actionsOf, ago, bytes, exit, moment, percent, span, stateOf } from "./format.js";
import { complain, confirm, frame, say } from "./frame.js";
import { spark } from "./spark.js";
import { timeline } from "./timeline.js";

const HOUR = 3_600_000;
const VERBS = { start: "Start", stop: "Stop", restart: "Restart" };
const SIGNALS = ["HUP", "INT", "TERM", "QUIT", "USR1", "USR2", "WINCH", "CONT", "STOP", "KILL"];

/// How often what supervisord measured is asked for, where it keeps that.
const MEASURE = 10_000;

const wanted = new URLSearchParams(location.search).get("processname") ?? "";
const at = wanted.indexOf(":");
const named = at < 0 ? { group: wanted, name: wanted } : { group: wanted.slice(0, at), name: wanted.slice(at + 1) };
const key = keyOf(named);
const store = new Store({ usage: true });

let history = null;
let length = HOUR;
let busy = false;

const state = el("span", { class: "state" });
const facts = el("dl", { class: "facts" });
const deeds = el("div", { class: "deeds" });
const times = el("div");
const started = el("div");
const options = el("div");
const exits = el("div");
const spoken = el("p", { class: "unseen", role: "status" });
const error = el("p", { class: "trouble bad", hidden: true });

function section(words, node, ...tools) {
  return el("section", { class: "sheet part", "aria-label": words }, el("div", { class: "head" }, el("h2", {}, words), ...tools), node);
}

function wide(node) {
  node.classList.add("broad");
  return node;
}

const current = () => store.processes.get(key);

// Head.

let drawn = "";

function show() {
  const process = current();
  if (!process) {
    state.replaceChildren(store.known ? "Not in service" : "…");
    deeds.replaceChildren();
    drawn = "";
    return;
  }
  const seen = `${process.state} ${busy}`;
  if (seen !== drawn) {
    drawn = seen;
    const { word, tone } = stateOf(process.state);
    state.className = `state ${tone}`;
    state.replaceChildren(sign(process.state), word);
    state.dataset.state = process.state;
    setText(spoken, `${spec(process)}: ${word}`);
    drawDeeds(process);
  }
  error.hidden = !process.error;
  setText(error, process.error);
  const now = store.now();
  const all = {
    "In this state": process.since ? span(now - process.since) : "–",
    "PID": process.pid ?? "–",
    "Uptime": process.pid && process.start ? span(now - process.start * 1000) : "–",
    "Restarts": process.restarts,
    "Starts": process.starts,
    "Last exit": process.last_exit ? `${exit(process.last_exit)}, ${ago(now - process.last_exit.at)}` : "–",
  };
  if (facts.children.length === 0) {
    facts.append(...Object.keys(all).map((word) => el("div", {}, el("dt", {}, word), el("dd"))));
  }
  Object.values(all).forEach((value, index) => setText(facts.children[index].lastChild, String(value)));
}

function drawDeeds(process) {
  const held = deeds.contains(document.activeElement) ? document.activeElement.dataset.verb : null;
  const able = actionsOf(process.state);
  const verbs = Object.keys(VERBS).filter(may);
  const made = verbs.map((verb) => {
    const props = { data: { verb }, disabled: busy || !able.includes(verb), class: verb === able[0] ? "main" : null };
    const node = button(sign(verb), () => act(verb), props);
    node.append(VERBS[verb]);
    return node;
  });
  if (may("signal")) {
    const chosen = el("select", { "aria-label": "Signal" }, ...SIGNALS.map((name) => el("option", {}, name)));
    made.push(el("span", { class: "pair" }, chosen, button("Send signal", () => signal(chosen.value), { data: { verb: "signal" }, disabled: !process.pid })));
  }
  if (may("clearlog")) {
    made.push(button("Clear logs", clearLog, { data: { verb: "clearlog" } }));
  }
  if (may("logs")) {
    for (const stream of ["stdout", "stderr"]) {
      if (process[`${stream}_log`]) {
        made.push(el("a", { class: "button", href: pageOf("log.html", named, { stream }) }, sign("log"), stream));
      }
    }
  }
  deeds.replaceChildren(...made);
  deeds.querySelector(`[data-verb="${held}"]:enabled`)?.focus();
}

async function act(verb) {
  await actOn(store, verb, [current()], (_, on) => {
    busy = on;
    show();
  });
}

async function signal(name) {
  const strong = name === "KILL" || name === "STOP";
  if (strong && !(await confirm({ title: `Send SIG${name} to ${spec(named)}?`, text: "It cannot tidy up or refuse.", yes: "Send", danger: true }))) {
    return;
  }
  await told(`SIG${name} sent.`, "Signal not sent.", () => post(`${pathOf(named)}/signal`, { signal: name }));
}

async function clearLog() {
  if (await confirm({ title: `Clear the logs of ${spec(named)}?`, text: "What they hold is lost.", yes: "Clear", danger: true })) {
    await told("Logs cleared.", "Logs not cleared.", () => post(`${pathOf(named)}/clearlog`));
  }
}

async function told(fine, bad, run) {
  try {
    await run();
    say(fine);
  } catch (trouble) {
    complain(`${bad} ${trouble.message}`);
  }
}

// States and ends.

const spans = [["Hour", HOUR], ["Day", 24 * HOUR]].map(([words, value]) => {
  const node = button(words, () => {
    length = value;
    showTimes();
  }, { "aria-pressed": String(value === length) });
  return { node, value };
});

function showTimes() {
  for (const { node, value } of spans) {
    node.setAttribute("aria-pressed", String(value === length));
  }
  if (history) {
    const lines = [...history.changes].reverse().map((change) => {
      const again = change.count > 1 ? `${change.count} times until ${moment(change.until)}` : change.code !== null || change.signal ? exit({ ...change, core_dumped: false }) : "";
      return el("tr", {}, el("td", {}, moment(change.at)), el("td", {}, stateOf(change.state).word), el("td", {}, again));
    });
    const open = times.querySelector("details")?.open ?? false;
    times.replaceChildren(timeline(history, length), el("details", { open }, el("summary", {}, "As a list"), table(["Time", "State", "How"], lines)));
  }
}

function table(heads, rows) {
  return el("div", { class: "wide", tabindex: 0, role: "group", "aria-label": heads.join(", ") }, el("table", {}, el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, ...rows)));
}

/// Ends that somebody has opened or closed, by their moments.
const turned = new Map();

function showExits() {
  const parts = [...history.exits].reverse().map((end, index) => {
    const turn = ({ currentTarget }) => turned.set(end.at, !currentTarget.parentNode.open);
    const title = el("summary", { on: { click: turn } }, el("span", { class: end.expected ? "" : "bad" }, el("strong", {}, exit(end)), end.expected ? "" : ", unexpected"), el("span", { class: "faint" }, moment(end.at)));
    const said = ["stderr", "stdout"].filter((stream) => end[stream]).map((stream) => {
      const { text, offset } = end[stream];
      const link = el("a", { href: `${pageOf("log.html", named, { stream })}#byte=${offset}` }, `Last words on ${stream}`);
      return el("div", {}, el("p", { class: "faint" }, link), el("pre", { tabindex: 0 }, text || "(nothing)"));
    });
    const none = may("logs") ? "It said nothing, or its log is gone." : "You may not read logs.";
    // The last one says why by itself.
    const open = turned.get(end.at) ?? (index === 0 && !end.expected);
    return el("details", { data: { at: end.at }, open }, title, ...(said.length > 0 ? said : [el("p", { class: "faint" }, none)]));
  });
  exits.replaceChildren(...(parts.length > 0 ? parts : [el("p", { class: "faint" }, "It has not ended yet.")]));
}

// What it was started with.

function shown(value) {
  return value === null ? "–" : typeof value === "object" ? Object.entries(value).map(([name, one]) => (Array.isArray(value) ? one : `${name}=${one}`)).join("\n") || "–" : String(value);
}

function showDetail(detail) {
  const lines = [["Command", detail.command], ["User id", detail.uid ?? "that of supervisord"], ["Directory", detail.directory ?? "that of supervisord"]];
  const list = el("dl", { class: "with" }, ...lines.filter(([, value]) => value !== null).map(([word, value]) => el("div", {}, el("dt", {}, word), el("dd", { class: "mono" }, String(value)))));
  const config = detail.config && Object.entries(detail.config).map(([name, value]) => {
    const origin = detail.origins?.[name];
    const from = origin ? `${origin.file}:${origin.line}` : detail.origins ? "default" : "–";
    return el("tr", { class: origin ? "" : "faint" }, el("td", { class: "mono" }, name), el("td", { class: "mono value" }, shown(value)), el("td", { class: "mono" }, from));
  });
  started.replaceChildren(list);
  options.replaceChildren(config ? table(["Option", "Value", "Where"], config) : el("p", { class: "faint" }, "You may not read the configuration."));
}

let asked = null;
let isNew = false;

/// Asks what became of it; what it was started with only when that may differ, since the files are read for it.
function reload(anew) {
  isNew ||= anew;
  clearTimeout(asked);
  asked = setTimeout(async () => {
    try {
      history = await get(`${pathOf(named)}/history`);
      showTimes();
      showExits();
      if (isNew) {
        isNew = false;
        showDetail(await get(pathOf(named)));
      }
    } catch (trouble) {
      setText(times, trouble.message);
    }
  }, 150);
}

// What it takes.

const plots = ["CPU", "Memory", "Open files"].map((words) => {
  const line = spark({ width: 300, height: 64, label: words });
  const value = el("strong", { class: "number" });
  return { line, value, node: el("div", { class: "plot" }, el("div", {}, el("span", { class: "faint" }, words), value), line.node) };
});
const [cpu, memory, files] = plots;
const resting = el("p", { class: "faint resting" });

/// Shows what there is to be seen, and words where there is nothing.
function showPlots() {
  for (const { node, value } of [cpu, memory, files]) {
    node.hidden = ["", "–"].includes(value.textContent);
  }
  setText(resting, current()?.pid ? "Measuring…" : "It does not run, and takes nothing.");
  resting.hidden = plots.some(({ node }) => !node.hidden);
}

function draw(plot, values, least, words) {
  const last = values.at(-1);
  setText(plot.value, last === null || last === undefined ? "–" : words(last));
  plot.line.show(values, { least });
}

function showUsage() {
  const usage = current()?.pid ? store.usage.get(key) : null;
  draw(cpu, usage?.cpu ?? [], 5, percent);
  draw(memory, usage?.rss ?? [], 1024 * 1024, bytes);
  showPlots();
}

async function measure() {
  if (!document.hidden) {
    try {
      const { processes } = await get(`usage?${new URLSearchParams(named)}`);
      const values = processes[0]?.fds ?? [];
      draw(files, current()?.pid ? values : [], 8, String);
      showPlots();
    } catch (trouble) {
      if (trouble.status) {
        return;
      }
    }
  }
  setTimeout(measure, MEASURE);
}

const ours = (anew) => (process) => {
  if (keyOf(process) === key) {
    show();
    reload(anew);
  }
};
store
  .on("snapshot", () => {
    show();
    reload(true);
  })
  .on("added", ours(true))
  .on("removed", ours(false))
  .on("process", ours(false))
  .on("usage", showUsage);
setInterval(show, 1000);
document.getElementById("app").replaceChildren(
  el("div", { class: "title" }, el("h1", {}, spec(named)), state),
  error,
  facts,
  deeds,
  el("div", { class: "parts about" },
    section("States", times, el("div", { class: "chips" }, ...spans.map(({ node }) => node))),
    el("div", { class: "beside" },
      section("Use", el("div", { class: "plots" }, resting, ...plots.map(({ node }) => node))),
      section("Started with", started)),
    section("Ends", exits),
    wide(section("Options", options))),
  spoken,
);
frame(store);
showUsage();
measure();
