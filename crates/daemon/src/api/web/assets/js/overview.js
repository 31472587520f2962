// The overview.

import { keyOf, pageOf, spec } from "./api.js";
import { el, setText, sign } from "./dom.js";
import { Store } from "./events.js";
import { span, stateOf } from "./format.js";
import { frame } from "./frame.js";
import { List } from "./list.js";

const store = new Store({ usage: true });
frame(store);
const body = el("div", { class: "rows" });
document.getElementById("app").replaceChildren(body);

function make() {
  const state = el("span");
  const name = el("a");
  const node = el("div", { class: "row" }, state, name);
  const show = (process) => {
    const { word, tone } = stateOf(process.state);
    state.className = `state ${tone}`;
    state.replaceChildren(sign(process.state), word);
    name.href = pageOf("program.html", process);
    setText(name, `${spec(process)} ${process.since ? span(store.now() - process.since) : ""}`);
  };
  return { node, show };
}

const list = new List(body, { heightOf: () => 36, keyOf, make });
const again = () => list.set([...store.processes.values()]);
for (const kind of ["snapshot", "process", "added", "removed"]) {
  store.on(kind, again);
}
