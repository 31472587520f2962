// One store of what happens: all processes as they are now, and what they take. Pages look at it and hear of changes.

import { ask, get, keyOf, Trouble } from "./api.js";
import { moment } from "./format.js";

/// Samples that are kept for each process.
export const SAMPLES = 60;

/// A stream says something every fifteen seconds; after this silence it is taken for dead.
const SILENCE = 20_000;

/// How long a page may be hidden before its stream ends.
const HIDDEN = 20_000;

/// The longest wait before another try.
const PATIENCE = 15_000;

/// Text that comes in pieces, as events: `{name, id, data}`.
export async function* eventsOf(response, heard) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pieces = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    heard();
    // Long events come in many pieces, which are joined once.
    pieces.push(value);
    if (!value.includes("\n\n") && !(value.startsWith("\n") && pieces.length > 1)) {
      continue;
    }
    const blocks = pieces.join("").split("\n\n");
    pieces = [blocks.pop()];
    for (const block of blocks) {
      const event = { name: "message", id: null, data: "" };
      for (const line of block.split("\n")) {
        const at = line.indexOf(": ");
        const field = line.slice(0, Math.max(at, 0));
        if (field === "event") {
          event.name = line.slice(at + 2);
        } else if (field === "id" || field === "data") {
          event[field] = line.slice(at + 2);
        }
      }
      if (event.data) {
        yield event;
      }
    }
  }
}

/// See above. Kinds of what is heard with `on`: `snapshot` (everything may differ), `process` (process, before), `added`,
/// `removed`, `usage`, `link` (`connecting`, `live`, `stalled`, `lost`), `closed` (nothing is followed at present).
export class Store {
  constructor({ usage = false } = {}) {
    this.processes = new Map();
    /// By key: `{pid, stamp, cpu: [...], rss: [...]}`, oldest first, null where nothing was measured; the stamp grows.
    this.usage = new Map();
    this.link = "connecting";
    this.trouble = null;
    this.known = false;
    this.listeners = new Map();
    this.lag = 0;
    this.last = null;
    this.failed = 0;
    this.recalls = usage;
    this.path = usage ? "events?usage=1" : "events";
    this.begin();
    // The page is drawn before anything else is asked for.
    this.retry = setTimeout(() => this.open());
    document.addEventListener("visibilitychange", () => this.watch());
    // A page that is kept for the way back would keep one of the few connections.
    window.addEventListener("pagehide", () => this.close());
    window.addEventListener("pageshow", () => this.watch());
  }

  /// Takes what the page brought along, unless it was kept by the browser since it was loaded.
  begin() {
    const first = document.getElementById("first");
    const [load] = performance.getEntriesByType("navigation");
    if (first && load?.transferSize !== 0) {
      this.take({ name: "snapshot", id: first.dataset.id, data: first.textContent });
    }
    first?.remove();
  }

  /// Calls `run` at each event of a kind.
  on(kind, run) {
    const listeners = this.listeners.get(kind) ?? [];
    this.listeners.set(kind, [...listeners, run]);
    return this;
  }

  tell(kind, ...what) {
    for (const run of this.listeners.get(kind) ?? []) {
      run(...what);
    }
  }

  /// What the clock of supervisord shows, in milliseconds since 1970.
  now() {
    return Date.now() + this.lag;
  }

  /// Nobody looks at a hidden page; one that is seen again goes on where it was.
  watch() {
    clearTimeout(this.sleep);
    if (document.hidden) {
      this.sleep = setTimeout(() => this.close(), HIDDEN);
    } else if (!this.stream) {
      this.open();
    }
  }

  close() {
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    const stream = this.stream;
    this.stream = null;
    stream?.abort();
    this.tell("closed");
  }

  async open() {
    this.close();
    const stream = new AbortController();
    this.stream = stream;
    let trouble = null;
    const heard = () => {
      clearTimeout(this.silence);
      this.silence = setTimeout(() => {
        trouble = new Trouble("supervisord does not answer", 0, "SILENT");
        stream.abort();
      }, SILENCE);
    };
    try {
      heard();
      const headers = this.last ? { "Last-Event-ID": this.last } : {};
      const response = await ask(this.path, { signal: stream.signal, headers });
      this.failed = 0;
      this.trouble = null;
      this.change("live");
      if (this.recalls) {
        this.recalls = false;
        this.recall();
      }
      for await (const event of eventsOf(response, heard)) {
        this.take(event);
      }
    } catch (error) {
      trouble ??= error.status ? error : null;
    }
    if (this.stream !== stream) {
      return;
    }
    this.close();
    this.trouble = trouble;
    this.change("lost");
    const wait = Math.min(500 * 2 ** this.failed, PATIENCE);
    this.failed += 1;
    this.retry = setTimeout(() => this.open(), wait);
  }

  change(link) {
    this.link = link;
    this.tell("link", link);
  }

  take({ name, id, data }) {
    const what = JSON.parse(data);
    this.last = id ?? this.last;
    switch (name) {
      case "snapshot":
        this.lag = what.now - Date.now();
        this.known = true;
        this.processes = new Map(what.processes.map((process) => [keyOf(process), process]));
        break;
      case "process":
      case "added": {
        const key = keyOf(what);
        const before = this.processes.get(key);
        this.processes.set(key, what);
        this.tell(before ? "process" : "added", what, before);
        return;
      }
      case "removed":
        this.processes.delete(keyOf(what));
        this.usage.delete(keyOf(what));
        break;
      case "usage":
        this.measure(what);
        break;
      case "stalled":
        this.trouble = new Trouble(`it has not answered since ${moment(what.since).slice(11)}`, 0, "STALLED");
        this.change("stalled");
        return;
      case "recovered":
        this.trouble = null;
        this.change("live");
        return;
      default:
        return;
    }
    this.tell(name, what);
  }

  measure(sample) {
    for (const { group, name, pid, cpu_percent, rss_bytes } of sample.processes) {
      const key = keyOf({ group, name });
      let usage = this.usage.get(key);
      if (!usage) {
        usage = { pid, stamp: 0, cpu: [], rss: [] };
        this.usage.set(key, usage);
      }
      usage.pid = pid;
      usage.stamp += 1;
      usage.cpu.push(cpu_percent);
      usage.rss.push(rss_bytes);
      if (usage.cpu.length > SAMPLES) {
        usage.cpu.shift();
        usage.rss.shift();
      }
    }
  }

  /// What was measured before anybody looked, where supervisord keeps that.
  async recall() {
    let history;
    try {
      history = await get("usage");
    } catch {
      return;
    }
    for (const { group, name, cpu, rss } of history.processes) {
      const key = keyOf({ group, name });
      const usage = this.usage.get(key) ?? { pid: null, stamp: 0, cpu: [], rss: [] };
      usage.cpu = [...cpu, ...usage.cpu].slice(-SAMPLES);
      usage.rss = [...rss, ...usage.rss].slice(-SAMPLES);
      usage.stamp += 1;
      this.usage.set(key, usage);
    }
    this.tell("usage");
  }
}
