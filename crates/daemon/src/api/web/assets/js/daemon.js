// The page of supervisord itself.

import { get, may, post } from "./api.js";
import { button, el, setText } from "./dom.js";
import { Store } from "./events.js";
import { bytes, percent, span } from "./format.js";
import { complain, frame, say } from "./frame.js";

/// How often its figures are asked for.
const EVERY = 3000;

const facts = el("dl", { class: "facts" });
const files = el("div");
const pools = el("div");
const plan = el("div", { "aria-live": "polite" }, el("p", { class: "faint" }, "Nothing is changed before you press Update."));
const log = el("pre", { tabindex: 0 });
let daemon = null;
let taken = null;

function section(words, node, ...tools) {
  return el("section", { class: "sheet part", "aria-label": words }, el("div", { class: "head" }, el("h2", {}, words), ...tools), node);
}

function table(heads, rows) {
  return el("div", { class: "wide", tabindex: 0, role: "group", "aria-label": heads.join(", ") }, el("table", {}, el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((one) => el("td", {}, String(one))))))));
}

function lines(all, none, tone) {
  return all.length > 0 ? el("ul", { class: tone }, ...all.map((line) => el("li", { class: "mono" }, line))) : el("p", { class: "faint" }, none);
}

async function look() {
  const at = performance.now();
  daemon = await get("daemon");
  const cpu = taken && ((daemon.cpu_seconds - taken.cpu) / (at - taken.at)) * 100_000;
  taken = { at, cpu: daemon.cpu_seconds };
  const all = {
    State: daemon.state, Identifier: daemon.identifier, Version: `${daemon.version} (Supervisor ${daemon.supervisor_version})`, PID: daemon.pid,
    Uptime: span(daemon.uptime_seconds * 1000), CPU: cpu === null ? "–" : percent(Math.max(cpu, 0)), Memory: bytes(daemon.rss_bytes), "Open files": daemon.open_fds ?? "–",
  };
  if (facts.children.length === 0) {
    facts.append(...Object.keys(all).map((word) => el("div", {}, el("dt", {}, word), el("dd"))));
  }
  Object.values(all).forEach((value, index) => setText(facts.children[index].lastChild, String(value)));
  files.replaceChildren(lines(daemon.config_files, may("config") ? "None." : "You may not read the configuration."), lines(daemon.warnings, "No warnings.", "warn"));
  const rows = daemon.pools.map((pool) => [pool.name, pool.listeners.length, `${pool.queued} of ${pool.buffer_size}`, pool.spooled ?? "–", pool.delivered, pool.rejected, pool.dropped]);
  pools.replaceChildren(rows.length > 0 ? table(["Pool", "Listeners", "Queued", "Spooled", "Delivered", "Rejected", "Dropped"], rows) : el("p", { class: "faint" }, "There are none."));
  if (may("mainlog")) {
    const { text } = await get("log?offset=-8192");
    const shown = text.slice(text.indexOf("\n") + 1);
    if (log.textContent !== shown) {
      setText(log, shown);
      log.scrollTop = log.scrollHeight;
    }
  }
}

async function again() {
  try {
    if (!document.hidden) {
      await look();
    }
  } catch {
    // The state of the connection is told at the top.
  }
  setTimeout(again, EVERY);
}

async function reread() {
  try {
    const { changes } = await post("reread");
    const rows = changes.map((one) => [one.action, one.group, one.starts.join(" ") || "–", one.stops.join(" ") || "–", [one.reason, one.options.join(", ")].filter(Boolean).join(": ")]);
    plan.replaceChildren(rows.length > 0 ? table(["What", "Group", "Starts", "Stops", "Why"], rows) : el("p", {}, "Nothing differs."));
  } catch (error) {
    plan.replaceChildren(el("p", { class: "bad" }, "The configuration was refused."), el("pre", { tabindex: 0 }, error.message));
  }
}

async function update() {
  try {
    const done = await post("update");
    const parts = ["added", "removed", "restarted"].filter((word) => done[word].length > 0).map((word) => `${word}: ${done[word].join(", ")}`);
    plan.replaceChildren(el("p", {}, parts.length > 0 ? `Done. ${parts.join("; ")}.` : "Done. Nothing differed."));
    say("Updated.");
  } catch (error) {
    complain(`Not updated. ${error.message}`);
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
  if (await typed(title, text)) {
    try {
      await post(verb);
      say("It was begun.");
    } catch (error) {
      complain(error.message);
    }
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
    ...(may("mainlog") ? [section("Log", log, el("a", { href: "log.html?main=1" }, "Whole log"))] : [])),
);
frame(new Store());
again();
