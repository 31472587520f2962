// The view of a log.

import { ask, get, pageOf, pathOf, spec } from "./api.js";
import { button, el, setText } from "./dom.js";
import { eventsOf } from "./events.js";
import { bytes, exit, moment } from "./format.js";
import { complain, frame } from "./frame.js";
import { Lines } from "./lines.js";

/// Characters that wait to be drawn; what is more is skipped.
const WAITING = 512 * 1024;

/// Bytes of an older piece.
const PIECE = 64 * 1024;

/// A stream says something every fifteen seconds; after this silence it is taken for dead.
const SILENCE = 40_000;

/// Found lines in which the words themselves are marked.
const MARKED = 1000;

/// How long a page may be hidden before its stream ends.
const HIDDEN = 20_000;

const query = new URLSearchParams(location.search);
const isMain = query.has("main");
const wanted = query.get("processname") ?? "";
const colon = wanted.indexOf(":");
const named = colon < 0 ? { group: wanted, name: wanted } : { group: wanted.slice(0, colon), name: wanted.slice(colon + 1) };
const stream = query.get("stream") === "stderr" ? "stderr" : "stdout";
const path = isMain ? "log" : `${pathOf(named)}/log`;
const about = (more) => new URLSearchParams(isMain ? more : { stream, ...more });

const box = el("div", { class: "log sheet", role: "log", "aria-live": "off", "aria-label": "Log", tabindex: 0 });
const lines = new Lines(box);
const status = el("span", { class: "faint", role: "status" });
const found = el("span", { class: "faint number", role: "status" });
const search = el("input", { type: "search", placeholder: "Search", "aria-label": "Search in what is shown", on: { input: () => mark(0) } });
const pause = button("Pause", () => hold(!paused), { "aria-pressed": "false" });

let waiting = [];
let size = 0;
let skipped = 0;
let came = 0;
let paused = false;
let atEnd = true;
let asked = false;
let reader = null;
let link = "connecting";
let last = null;
let hits = [];
let hit = 0;

// What the frame shows of the connection.
const listeners = [];
const store = { get link() { return link; }, trouble: null, on: (_, run) => listeners.push(run) };

function change(to) {
  link = to;
  listeners.forEach((run) => run());
}

function draw() {
  asked = false;
  if (paused || !atEnd) {
    tell();
    return;
  }
  const batch = waiting;
  waiting = [];
  size = 0;
  came = 0;
  for (const one of batch) {
    "note" in one ? lines.note(one.note) : lines.append(one);
  }
  box.scrollTop = box.scrollHeight;
  if (search.value && batch.length > 0) {
    mark(null);
  }
  tell();
}

function tell() {
  const parts = [];
  if (paused || !atEnd) {
    parts.push(`${paused ? "Paused" : "Not following"}${came > 0 ? `, ${bytes(came)} came` : ""}`);
  }
  if (skipped > 0) {
    parts.push(`${bytes(skipped)} skipped`);
  }
  setText(status, parts.join(" · "));
}

function later() {
  if (!asked) {
    asked = true;
    requestAnimationFrame(draw);
  }
}

function take({ name, id, data }) {
  last = id ?? last;
  const what = JSON.parse(data);
  if (name === "text") {
    waiting.push(what);
    size += what.text.length;
    came += what.next_offset - what.offset;
    let left = 0;
    while (size > WAITING && waiting.length > 1) {
      const first = waiting.shift();
      size -= first.text?.length ?? 0;
      left += (first.next_offset ?? 0) - (first.offset ?? 0);
    }
    if (left > 0) {
      skip(left);
    }
  } else if (name === "gap") {
    skip(what.to - what.from);
  } else if (name === "restart") {
    waiting.push({ note: "The log begins anew." });
  }
  later();
}

function skip(count) {
  skipped += count;
  const first = waiting[0];
  if (first && "gap" in first) {
    first.gap += count;
    first.note = `${bytes(first.gap)} skipped`;
  } else {
    waiting.unshift({ gap: count, note: `${bytes(count)} skipped` });
  }
}

/// Follows from an offset on until something else is shown.
async function follow(offset) {
  still();
  const mine = { stop: null };
  reader = mine;
  change("connecting");
  for (let wait = 500; reader === mine; wait = Math.min(wait * 2, 15_000)) {
    const attempt = new AbortController();
    mine.stop = () => attempt.abort();
    let silence = null;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(mine.stop, SILENCE);
    };
    try {
      heard();
      const headers = last ? { "Last-Event-ID": last } : {};
      const response = await ask(`${path}/events?${about({ offset })}`, { signal: attempt.signal, headers });
      store.trouble = null;
      change("live");
      wait = 500;
      for await (const event of eventsOf(response, heard)) {
        take(event);
      }
    } catch (error) {
      store.trouble = error.status ? error : null;
    }
    clearTimeout(silence);
    if (reader !== mine) {
      return;
    }
    change("lost");
    await new Promise((done) => setTimeout(done, wait));
    await seen();
  }
}

/// Ends following.
function still() {
  const was = reader;
  reader = null;
  was?.stop();
  waiting = [];
  size = came = 0;
  last = null;
  store.trouble = null;
  change("still");
}

/// Waits until somebody looks.
function seen() {
  return new Promise((done) => {
    const look = () => {
      if (!document.hidden) {
        document.removeEventListener("visibilitychange", look);
        done();
      }
    };
    document.addEventListener("visibilitychange", look);
    look();
  });
}

let sleep = null;
document.addEventListener("visibilitychange", () => {
  clearTimeout(sleep);
  if (document.hidden) {
    sleep = setTimeout(() => reader?.stop(), HIDDEN);
  }
});
// A page that is kept for the way back would keep one of the few connections.
window.addEventListener("pagehide", () => reader?.stop());

function hold(on) {
  paused = on;
  pause.setAttribute("aria-pressed", String(on));
  setText(pause, on ? "Go on" : "Pause");
  later();
}

function toEnd() {
  if (!reader) {
    lines.clear();
    follow(-65_536);
  }
  atEnd = true;
  hold(false);
}

// Older parts, and places.

let loading = false;

/// Loads more at one end, unless that is under way.
async function more(run) {
  if (loading) {
    return;
  }
  loading = true;
  try {
    await run();
  } catch (error) {
    complain(error.message);
  }
  loading = false;
}

const older = () => more(async () => {
  const to = lines.start;
  if (!to) {
    return;
  }
  const from = Math.max(0, to - PIECE);
  const { text, at } = whole(await get(`${path}?${about({ offset: from, length: to - from })}`));
  const before = box.scrollHeight;
  lines.prepend(text, at, to - at);
  box.scrollTop += box.scrollHeight - before;
  if (lines.trimEnd()) {
    still();
  }
});

const newer = () => more(async () => {
  if (reader || lines.end === null) {
    return;
  }
  const piece = await get(`${path}?${about({ offset: lines.end, length: PIECE })}`);
  if (piece.text) {
    // Older lines may go: what is looked at stays where it is.
    const anchor = box.lastElementChild?.previousElementSibling;
    const before = anchor?.getBoundingClientRect().top;
    lines.append(piece);
    if (anchor?.isConnected) {
      box.scrollTop += anchor.getBoundingClientRect().top - before;
    }
  }
  if (piece.next_offset >= piece.size) {
    follow(piece.next_offset);
  }
});

/// A piece from the beginning of a line on.
function whole({ text, offset }) {
  const cut = offset > 0 ? text.indexOf("\n") + 1 : 0;
  return { text: text.slice(cut), at: offset + new TextEncoder().encode(text.slice(0, cut)).length };
}

async function jump(byte) {
  still();
  atEnd = false;
  await more(async () => {
    const piece = await get(`${path}?${about({ offset: Math.max(0, byte - PIECE), length: 2 * PIECE })}`);
    const { text, at } = whole(piece);
    lines.clear();
    lines.append({ text, offset: at, next_offset: piece.next_offset });
    const node = lines.at(byte);
    node?.classList.add("marked");
    node?.scrollIntoView({ block: "center" });
  });
  tell();
}

const place = () => /^#byte=(\d+)$/.exec(location.hash)?.[1];

// Search.

function mark(step) {
  box.querySelectorAll(".found, .current").forEach((node) => node.classList.remove("found", "current"));
  const text = search.value.toLowerCase();
  hits = text ? [...box.children].filter((node) => node.textContent.toLowerCase().includes(text)) : [];
  hits.forEach((node) => node.classList.add("found"));
  highlight(text);
  hit = hits.length > 0 ? (hit + (step ?? 0) + hits.length) % hits.length : 0;
  setText(found, text ? (hits.length > 0 ? `${hit + 1} of ${hits.length}` : "nothing found") : "");
  if (step !== null && hits.length > 0) {
    hits[hit].classList.add("current");
    hits[hit].scrollIntoView({ block: "nearest" });
  }
}

/// Marks the words themselves, without touching what is shown, where the browser can do that.
function highlight(text) {
  if (!window.Highlight) {
    return;
  }
  const ranges = hits.slice(-MARKED).flatMap((line) => places(line, text));
  CSS.highlights.set("found", new Highlight(...ranges));
}

/// Where a text stands in a line, which may be in several colours.
function places(line, text) {
  const nodes = [];
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  let all = "";
  while (walker.nextNode()) {
    nodes.push({ node: walker.currentNode, from: all.length });
    all += walker.currentNode.data.toLowerCase();
  }
  const point = (at) => {
    const { node, from } = nodes.findLast((one) => one.from <= at);
    return [node, Math.min(at - from, node.length)];
  };
  const ranges = [];
  for (let at = all.indexOf(text); at >= 0; at = all.indexOf(text, at + text.length)) {
    const range = new Range();
    range.setStart(...point(at));
    range.setEnd(...point(at + text.length - 1));
    range.setEnd(range.endContainer, range.endOffset + 1);
    ranges.push(range);
  }
  return ranges;
}

search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    mark(event.shiftKey ? -1 : 1);
  }
});
box.addEventListener("scroll", () => {
  const was = atEnd;
  atEnd = Boolean(reader) && box.scrollHeight - box.scrollTop - box.clientHeight < 8;
  if (was !== atEnd) {
    later();
  }
  if (box.scrollTop < 100 && !atEnd) {
    older();
  } else if (!reader && box.scrollHeight - box.scrollTop - box.clientHeight < 100) {
    newer();
  }
});
window.addEventListener("hashchange", () => place() && jump(Number(place())));

const download = button("Download", async () => {
  const piece = await get(`${path}?${about({ offset: -1_048_576 })}`);
  const address = URL.createObjectURL(new Blob([piece.text], { type: "text/plain" }));
  el("a", { href: address, download: `${isMain ? "supervisord" : `${named.name}-${stream}`}.log` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}, { title: "The last 1 MiB" });

const exits = el("select", { "aria-label": "Go to the time of an exit", hidden: true, on: { change: () => exits.value && (location.hash = `byte=${exits.value}`) } });

async function listExits() {
  const history = await get(`${pathOf(named)}/history`);
  const known = history.exits.filter((end) => end[stream]).reverse();
  exits.replaceChildren(el("option", { value: "" }, "Go to an exit…"), ...known.map((end) => el("option", { value: end[stream].offset }, `${exit(end)}, ${moment(end.at)}`)));
  exits.hidden = known.length === 0;
}

const ways = isMain ? [] : ["stdout", "stderr"].map((name) => el("a", { class: "button", href: pageOf("log.html", named, { stream: name }), "aria-current": name === stream ? "page" : null }, name));
const title = isMain ? "supervisord" : el("a", { href: pageOf("program.html", named) }, spec(named));
document.getElementById("app").replaceChildren(
  el("div", { class: "tools" }, el("h1", {}, title), ...ways, search, button("Previous", () => mark(-1)), button("Next", () => mark(1)), found, pause, button("To the end", toEnd), exits, download, status),
  box,
);
frame(store);
place() ? jump(Number(place())) : follow(-65_536);
if (!isMain) {
  listExits().catch(() => {});
}
