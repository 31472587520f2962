// The page of supervisord itself.

import { get, may, post } from "./api.js";
import { button, el, setText } from "./dom.js";
import { Store } from "./events.js";
import { bytes, percent, span } from "./format.js";
import { complain, frame, say } from "./frame.js";
import { mainLog } from "./mainlog.js";

/// How often its figures are asked for while somebody looks: one answer of less than a kilobyte, and nothing of programs.
const EVERY = 10_000;

const store = new Store();
const facts = el("dl", { class: "facts" });
const files = el("div", { class: "quiet" });
const pools = el("div", { class: "quiet" });
const plan = el("div", { class: "quiet", "aria-live": "polite" }, el("p", { class: "faint" }, "Nothing is changed before you press Update."));
let daemon = null;
let taken = null;
let load = null;
/// What was begun here: `restart` or `shutdown`.
let ending = null;

function section(words, node, ...tools) {
  return el("section", { class: `sheet part${words === "Log" ? " broad" : ""}`, "aria-label": words }, el("div", { class: "head" }, el("h2", {}, words), ...tools), node);
}

function table(heads, rows) {
  const head = el("tr", {}, ...heads.map((words) => el("th", { scope: "col" }, words)));
  const body = rows.map((row) => el("tr", {}, ...row.map((one) => el("td", {}, String(one)))));
  return el("div", { class: "wide", tabindex: 0, role: "group", "aria-label": heads.join(", ") }, el("table", {}, el("thead", {}, head), el("tbody", {}, ...body)));
}

function lines(all, none, tone) {
  return all.length > 0 ? el("ul", { class: tone }, ...all.map((line) => el("li", { class: "mono" }, line))) : el("p", { class: "faint" }, none);
}

function showFacts() {
  if (daemon === null) {
    return;
  }
  const all = {
    State: daemon.state,
    Identifier: daemon.identifier,
    Version: `${daemon.version} (Supervisor ${daemon.supervisor_version})`,
    PID: daemon.pid,
    Uptime: span(store.now() - daemon.start),
    CPU: load === null ? "–" : percent(load),
    Memory: bytes(daemon.rss_bytes),
    "Open files": daemon.open_fds ?? "–",
  };
  if (facts.children.length === 0) {
    facts.append(...Object.keys(all).map((word) => el("div", {}, el("dt", {}, word), el("dd"))));
  }
  Object.values(all).forEach((value, index) => setText(facts.children[index].lastChild, String(value)));
}

async function look() {
  const before = taken;
  const known = daemon;
  daemon = await get("daemon");
  taken = { at: performance.now(), cpu: daemon.cpu_seconds };
  const isSame = known?.pid === daemon.pid && known.start === daemon.start;
  load = before && isSame ? Math.max(0, ((taken.cpu - before.cpu) / (taken.at - before.at)) * 100_000) : null;
  showFacts();
  files.replaceChildren(lines(daemon.config_files, may("config") ? "None." : "You may not read the configuration."), lines(daemon.warnings, "No warnings.", "warn"));
  const rows = daemon.pools.map((pool) => [pool.name, pool.listeners.length, `${pool.queued} of ${pool.buffer_size}`, pool.spooled ?? "–", pool.delivered, pool.rejected, pool.dropped]);
  pools.replaceChildren(rows.length > 0 ? table(["Pool", "Listeners", "Queued", "Spooled", "Delivered", "Rejected", "Dropped"], rows) : el("p", { class: "faint" }, "There are none."));
}

let next = null;

/// Looks now, and again from time to time.
async function again() {
  clearTimeout(next);
  try {
    if (!document.hidden && store.link === "live") {
      await look();
    }
  } catch {
    // The state of the connection is told at the top.
  }
  clearTimeout(next);
  // The second look tells what it takes.
  next = setTimeout(again, load === null ? 1000 : EVERY);
}

/// What is to be mended, each with its place; what supervisord says alone where no check finds anything.
function refused(error) {
  const findings = error.findings.map(({ severity, code, file, line, column, message, help }) => {
    const place = [file, line, column].filter(Boolean).join(":");
    const isError = severity === "error";
    return el(
      "li",
      { class: isError ? "wrong" : null },
      place && el("div", { class: "mono faint" }, place),
      el("div", {}, el("strong", { class: isError ? "bad" : "warn" }, `${isError ? "Error" : "Warning"} ${code}: `), message),
      help && el("div", { class: "faint" }, help),
    );
  });
  const isFound = error.findings.some(({ severity }) => severity === "error");
  plan.replaceChildren(
    el("p", {}, el("strong", { class: "bad" }, "The configuration was refused."), " Nothing that runs was touched."),
    ...(isFound ? [] : [el("pre", { tabindex: 0 }, error.message)]),
    ...(findings.length > 0 ? [el("ul", { class: "findings" }, ...findings)] : []),
  );
}

async function reread() {
  try {
    const { changes } = await post("reread");
    const rows = changes.map((one) => [one.action, one.group, one.starts.join(" ") || "–", one.stops.join(" ") || "–", one.reason]);
    plan.replaceChildren(rows.length > 0 ? table(["What", "Group", "Starts", "Stops", "Why"], rows) : el("p", {}, "Nothing differs."));
  } catch (error) {
    failed("Not read", error);
  }
  again();
}

async function update() {
  try {
    const done = await post("update");
    const parts = ["added", "removed", "restarted"].filter((word) => done[word].length > 0).map((word) => `${word}: ${done[word].join(", ")}`);
    plan.replaceChildren(el("p", {}, parts.length > 0 ? `Done. ${parts.join("; ")}.` : "Done. Nothing differed."));
    say("Updated.");
  } catch (error) {
    failed("Not updated", error);
  }
  again();
}

function failed(what, error) {
  if (error.code === "CANT_REREAD") {
    refused(error);
  } else {
    complain(`${what}. ${error.message}`);
  }
}

/// Asks for the identifier, typed.
function typed(title, text) {
  return new Promise((answer) => {
    const word = daemon?.identifier ?? "supervisor";
    const yes = button(title, () => node.close("yes"), { class: "danger main", disabled: true });
    const field = el("input", { type: "text", class: "typed", id: "typed", autocomplete: "off", on: { input: () => (yes.disabled = field.value !== word) } });
    const node = el("dialog", { "aria-labelledby": "typed-title" }, el("h2", { id: "typed-title" }, `${title} supervisord?`), el("p", {}, text), el("label", { for: "typed" }, "Type ", el("strong", {}, word), " to go on"), field, el("p", { class: "choice" }, yes, button("Cancel", () => node.close("no"))));
    node.addEventListener("close", () => {
      node.remove();
      answer(node.returnValue === "yes");
    });
    document.body.append(node);
    node.showModal();
  });
}

async function end(verb, title, text) {
  if (!(await typed(title, text))) {
    return;
  }
  try {
    await post(verb);
    ending = verb;
    say(verb === "restart" ? "supervisord stops all programs and starts anew." : "supervisord stops all programs and ends.");
  } catch (error) {
    failed("Nothing was done", error);
  }
}

/// Tells how that went on: the connection goes, and after a restart it comes back.
function follow(link) {
  if (link === "live") {
    if (ending !== null) {
      say("supervisord was started anew and answers again.");
      ending = null;
    }
    again();
  } else if (link === "lost" && ending === "shutdown") {
    plan.replaceChildren(el("p", {}, "supervisord has ended. This page goes on when somebody starts it."));
    say("supervisord has ended.");
  }
}

const reading = may("config") && button("Read the configuration again", reread, { data: { verb: "reread" } });
const updating = may("update") && button("Update", update, { class: "main", data: { verb: "update" } });
const ends = [
  may("reload") && button("Restart", () => end("restart", "Restart", "All programs are stopped and started anew."), { data: { verb: "restart" } }),
  may("shutdown") && button("Shut down", () => end("shutdown", "Shut down", "All programs are stopped, and nothing starts them again."), { class: "danger", data: { verb: "shutdown" } }),
].filter(Boolean);
document.getElementById("app").replaceChildren(
  el("div", { class: "title" }, el("h1", {}, "supervisord"), ...ends),
  facts,
  el("div", { class: "parts" },
    ...(reading ? [section("Configuration", el("div", {}, files, plan), el("div", { class: "chips" }, reading, updating))] : []),
    section("Event listeners", pools),
    ...(may("mainlog") ? [section("Log", mainLog(store), el("a", { href: "log.html?main=1" }, "Whole log"))] : [])),
);
store.on("link", follow);
setInterval(showFacts, 1000);
document.addEventListener("visibilitychange", () => document.hidden || again());
frame(store);
