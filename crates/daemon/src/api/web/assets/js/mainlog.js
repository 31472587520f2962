// The end of supervisord's log, as it grows, for as long as the store of a page follows what happens.

import { ask } from "./api.js";
import { el } from "./dom.js";
import { eventsOf } from "./events.js";

/// Bytes that are shown at first, and lines at most.
const FIRST = 8192;
const LINES = 200;

/// How long before another try where the log alone cannot be followed.
const PATIENCE = 5000;

/// A node with the last lines.
export function mainLog(store) {
  const node = el("pre", { tabindex: 0, "aria-label": "The end of the log of supervisord" });
  let stream = null;
  let last = null;
  let retry = null;

  const write = (text) => {
    const atEnd = node.scrollTop + node.clientHeight >= node.scrollHeight - 4;
    const lines = (node.textContent + text).split("\n");
    node.textContent = lines.slice(-LINES - 1).join("\n");
    if (atEnd) {
      node.scrollTop = node.scrollHeight;
    }
  };

  const take = ({ name, id, data }) => {
    const what = JSON.parse(data);
    if (name === "text") {
      // What is shown at first begins within a line.
      write(last === null && what.offset > 0 ? what.text.slice(what.text.indexOf("\n") + 1) : what.text);
    } else if (name === "restart") {
      node.textContent = "";
    } else if (name === "gap") {
      write(`\n… ${what.to - what.from} bytes are left out …\n`);
    }
    last = id ?? last;
  };

  const close = () => {
    clearTimeout(retry);
    const open = stream;
    stream = null;
    open?.abort();
  };

  const open = async () => {
    close();
    const mine = new AbortController();
    stream = mine;
    try {
      const headers = last ? { "Last-Event-ID": last } : {};
      const response = await ask(`log/events?offset=-${FIRST}`, { signal: mine.signal, headers });
      for await (const event of eventsOf(response, () => {})) {
        take(event);
      }
    } catch {
      // The state of the connection is told at the top.
    }
    if (stream === mine) {
      retry = setTimeout(() => store.link === "live" && open(), PATIENCE);
    }
  };

  store.on("link", (link) => link === "live" && open()).on("closed", close);
  return node;
}
