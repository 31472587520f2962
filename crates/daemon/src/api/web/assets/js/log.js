// The view of a log, or of both logs of a program at once.

import { get, pageOf, pathOf, spec, urlOf } from "./api.js";
import { button, el, setText } from "./dom.js";
import { Follower } from "./follow.js";
import { bytes, exit, moment } from "./format.js";
import { complain, frame } from "./frame.js";
import { Lines } from "./lines.js";
import { Search } from "./search.js";

/// Characters that wait to be drawn; what is more is skipped.
const WAITING = 512 * 1024;

/// Bytes of an older piece.
const PIECE = 64 * 1024;

/// Bytes of the end of a log that are shown at first; of each where both are shown.
const END = 64 * 1024;
const END_OF_EACH = 8 * 1024;

const app = document.getElementById("app");
const query = new URLSearchParams(location.search);
const isMain = query.has("main");
const wanted = query.get("processname") ?? "";
const colon = wanted.indexOf(":");
const named = colon < 0 ? { group: wanted, name: wanted } : { group: wanted.slice(0, colon), name: wanted.slice(colon + 1) };
const path = isMain ? "log" : `${pathOf(named)}/log`;

/// The logs that the program has, and those that are shown.
const streams = isMain ? [] : app.dataset.streams.split(" ").filter(Boolean);
const choice = query.get("stream");
const isBoth = choice === "both" && streams.length > 1;
const stream = choice === "stderr" ? "stderr" : "stdout";
const shown = isMain ? [""] : isBoth ? streams : [stream];
const about = (of, more) => new URLSearchParams(of ? { stream: of, ...more } : more);
const ask = (of, more) => get(`${path}?${about(of, more)}`);

const box = el("div", { class: "log sheet", role: "log", "aria-live": "off", "aria-label": "Log", tabindex: 0 });
// Where both are shown nobody knows what stood beside a line in the other: it is shown in its own log.
const lines = new Lines(box, (at, of) => `${isBoth ? pageOf("log.html", named, { stream: of }) : ""}#byte=${at}`);
const search = new Search(box);
const status = el("span", { class: "faint", role: "status" });
const pause = button("Pause", () => hold(!paused), { "aria-pressed": "false" });

let waiting = [];
let size = 0;
let skipped = 0;
let came = 0;
let paused = false;
let atEnd = true;
let asked = false;

// What the frame shows of the connections: the worst.
const listeners = [];
const followers = shown.map((of) => new Follower((offset) => `${path}/events?${about(of, { offset })}`, (name, what) => take(of, name, what), () => listeners.forEach((run) => run())));
const store = {
  get link() {
    return ["lost", "connecting", "live"].find((link) => followers.some((one) => one.link === link)) ?? "still";
  },
  get trouble() {
    return followers.find((one) => one.trouble)?.trouble;
  },
  on: (_, run) => listeners.push(run),
};
const isFollowed = () => followers.some((one) => one.reader);

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
    "note" in one ? lines.note(one.note) : lines.append(one.piece, one.of);
  }
  box.scrollTop = box.scrollHeight;
  if (batch.length > 0) {
    search.refresh();
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

const lengthOf = (piece) => piece.next_offset - piece.offset;

function take(of, name, what) {
  if (name === "text") {
    waiting.push({ of: isBoth ? of : "", piece: what });
    size += what.text.length;
    came += lengthOf(what);
    let left = 0;
    while (size > WAITING && waiting.length > 1) {
      const { piece } = waiting.shift();
      if (piece) {
        size -= piece.text.length;
        left += lengthOf(piece);
      }
    }
    if (left > 0) {
      skip(left);
    }
  } else if (name === "gap") {
    skip(what.to - what.from);
  } else if (name === "restart") {
    waiting.push({ note: `${isBoth ? of : "The log"} begins anew.` });
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

/// Shows the end, and follows.
async function begin() {
  lines.clear();
  if (!isBoth) {
    followers[0].follow(-END);
    return;
  }
  // Logs tell no times: which of two older lines was the first is not known.
  const ends = await Promise.all(shown.map((of) => endOf(of)));
  shown.forEach((of, index) => {
    const { text, at, next, why } = ends[index];
    // Older lines are in the view of the one log, around the first line here.
    const link = at > 0 && el("a", { href: lines.address(at, of) }, `Older lines of ${of}`);
    lines.note(why ?? `${of} up to now${text ? "" : ": nothing"}`, "seam", link);
    lines.append({ text, offset: at, next_offset: next }, of);
  });
  lines.note("From here on as it comes", "seam");
  ends.forEach(({ from }, index) => followers[index].follow(from));
  later();
}

/// The last lines of a log, and from where it is followed.
async function endOf(of) {
  try {
    const piece = await ask(of, { offset: -END_OF_EACH });
    const next = piece.next_offset;
    return { ...whole(piece), next, from: next };
  } catch (error) {
    const isNone = error.code === "NO_FILE";
    return { text: "", at: 0, next: 0, from: isNone ? 0 : -END_OF_EACH, why: isNone ? null : `${of}: ${error.message}` };
  }
}

/// Ends following.
function still() {
  followers.forEach((one) => one.still());
  waiting = [];
  size = came = 0;
}

function hold(on) {
  paused = on;
  pause.setAttribute("aria-pressed", String(on));
  setText(pause, on ? "Go on" : "Pause");
  later();
}

function toEnd() {
  if (!isFollowed()) {
    begin();
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
  if (!to || isBoth) {
    return;
  }
  const from = Math.max(0, to - PIECE);
  const { text, at } = whole(await ask(shown[0], { offset: from, length: to - from }));
  const before = box.scrollHeight;
  lines.prepend(text, at, to - at);
  box.scrollTop += box.scrollHeight - before;
  if (lines.trimEnd()) {
    still();
  }
});

const newer = () => more(async () => {
  if (isFollowed() || lines.end === null) {
    return;
  }
  const piece = await ask(shown[0], { offset: lines.end, length: PIECE });
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
    followers[0].follow(piece.next_offset);
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
    const piece = await ask(shown[0], { offset: Math.max(0, byte - PIECE), length: 2 * PIECE });
    const { text, at } = whole(piece);
    lines.clear();
    lines.append({ text, offset: at, next_offset: piece.next_offset });
    const node = lines.at(byte);
    node?.classList.add("marked");
    node?.scrollIntoView({ block: "center" });
  });
  tell();
}

const place = () => !isBoth && /^#byte=(\d+)$/.exec(location.hash)?.[1];

box.addEventListener("scroll", () => {
  const was = atEnd;
  const below = box.scrollHeight - box.scrollTop - box.clientHeight;
  atEnd = isFollowed() && below < 8;
  if (was !== atEnd) {
    later();
  }
  if (box.scrollTop < 100 && !atEnd) {
    older();
  } else if (!isFollowed() && below < 100) {
    newer();
  }
});
window.addEventListener("hashchange", () => place() && jump(Number(place())));

// Ends of the program, and what stands above the lines.

const exits = el("select", { "aria-label": "Go to the time of an exit", hidden: true, on: { change: () => exits.value && location.assign(exits.value) } });

async function listExits() {
  const history = await get(`${pathOf(named)}/history`);
  const placeOf = (end) => {
    const of = (isBoth ? ["stderr", "stdout"] : shown).find((one) => end[one]);
    return of && lines.address(end[of].offset, of);
  };
  const known = history.exits.filter(placeOf).reverse();
  exits.replaceChildren(el("option", { value: "" }, "Go to an exit…"), ...known.map((end) => el("option", { value: placeOf(end) }, `${exit(end)}, ${moment(end.at)}`)));
  exits.hidden = known.length === 0;
}

const current = isBoth ? "both" : stream;
const ways = streams.length > 1 && el("div", { class: "ways", role: "group", "aria-label": "Which log" }, ...[...streams, "both"].map((name) => el("a", { class: "button", href: pageOf("log.html", named, { stream: name }), "aria-current": name === current ? "page" : null }, name)));
const files = shown.map((of) => el("a", { class: "button", href: urlOf(`${path}/file?${about(of, {})}`), download: "", title: "All of the file" }, isBoth ? `Download ${of}` : "Download"));
const title = isMain ? "supervisord" : el("a", { href: pageOf("program.html", named) }, spec(named));
app.replaceChildren(
  el("div", { class: "tools" },
    el("h1", {}, title), ways,
    el("div", { class: "seek" }, search.field, button("Previous", () => search.mark(-1)), button("Next", () => search.mark(1)), search.found),
    el("div", { class: "deeds" }, pause, button("To the end", toEnd), exits, ...files), status),
  box,
);
frame(store);
place() ? jump(Number(place())) : begin();
if (!isMain) {
  listExits().catch(() => {});
}
