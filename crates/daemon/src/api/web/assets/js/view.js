// Which processes the overview shows, and in which order.

import { keyOf, spec } from "./api.js";
import { stateOf } from "./format.js";
import { COLUMNS } from "./rows.js";

const names = new Intl.Collator("en", { numeric: true });

/// What somebody looks for; it is kept in the address, behind `#`.
export class View {
  constructor() {
    this.folded = new Set();
    this.order = [];
    this.read();
  }

  read() {
    const given = new URLSearchParams(location.hash.slice(1));
    this.text = given.get("q") ?? "";
    this.state = given.get("state");
    const sort = given.get("sort") ?? "name";
    this.back = sort.startsWith("-");
    this.column = COLUMNS.find(({ name }) => name === sort.replace("-", "")) ?? COLUMNS[0];
  }

  write() {
    const entries = { q: this.text, state: this.state, sort: (this.back ? "-" : "") + this.column.name };
    const kept = Object.entries(entries).filter(([, value]) => value && value !== "name");
    const hash = new URLSearchParams(kept).toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  /// Whether less than everything is shown.
  get narrows() {
    return this.text.trim() !== "" || this.state !== null;
  }

  /// Another set of processes: by group, then by name, with what each is searched by.
  know(processes) {
    this.order = [...processes.values()]
      .map((process) => ({ key: keyOf(process), group: process.group, name: process.name, words: spec(process).toLowerCase() }))
      .sort((a, b) => names.compare(a.group, b.group) || names.compare(a.name, b.name));
  }

  /// How many are in each state, whatever is looked for in states.
  counts(store) {
    const counts = new Map();
    for (const process of this.found(store, { anyState: true })) {
      counts.set(process.state, (counts.get(process.state) ?? 0) + 1);
    }
    return counts;
  }

  found(store, { anyState = false } = {}) {
    const terms = this.text.toLowerCase().split(/\s+/).filter(Boolean);
    const out = [];
    for (const { key, words } of this.order) {
      const process = store.processes.get(key);
      if (!process || (this.state && !anyState && process.state !== this.state)) {
        continue;
      }
      const state = stateOf(process.state).word.toLowerCase();
      if (terms.every((term) => words.includes(term) || state.startsWith(term))) {
        out.push(process);
      }
    }
    return out;
  }

  /// What is in the list: `{key, process, inGroup}` and `{key, group, members, isOpen}`.
  items(store) {
    const found = this.found(store);
    if (this.column.by || this.back) {
      return this.sorted(found, store).map((process) => ({ key: keyOf(process), process, inGroup: false }));
    }
    const items = [];
    for (let at = 0; at < found.length; ) {
      const group = found[at].group;
      const from = at;
      while (at < found.length && found[at].group === group) {
        at += 1;
      }
      const members = found.slice(from, at);
      if (members.length === 1 && members[0].name === group) {
        items.push({ key: keyOf(members[0]), process: members[0], inGroup: false });
        continue;
      }
      const isOpen = this.narrows || !this.folded.has(group);
      // No name of a process has a blank at its beginning.
      items.push({ key: ` ${group}`, group, members, isOpen });
      if (isOpen) {
        items.push(...members.map((process) => ({ key: keyOf(process), process, inGroup: true })));
      }
    }
    return items;
  }

  sorted(found, store) {
    const { by } = this.column;
    const way = this.back ? -1 : 1;
    if (!by) {
      return found.reverse();
    }
    const keys = found.map((process, place) => ({ process, place, key: by(process, store.usage.get(keyOf(process))) }));
    keys.sort((a, b) => (a.key < b.key ? -way : a.key > b.key ? way : a.place - b.place));
    return keys.map(({ process }) => process);
  }
}
