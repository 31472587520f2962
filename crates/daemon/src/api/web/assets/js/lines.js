// The lines of a log that are shown: never more than a page can hold.

import { Colours } from "./ansi.js";
import { button, el } from "./dom.js";

/// Lines that are kept, and characters.
const LINES = 5000;
const CHARS = 2_000_000;

/// Characters of a line that are shown unfolded.
const LONG = 2000;

const coder = new TextEncoder();
const sizeOf = (text) => coder.encode(text).length;

export class Lines {
  constructor(node) {
    this.node = node;
    this.clear();
  }

  clear() {
    this.node.replaceChildren();
    this.colours = new Colours();
    this.chars = 0;
    this.open = null;
    this.start = null;
    this.end = null;
  }

  /// Puts text at the end. A line without its end goes on with the next text.
  append({ text, offset, next_offset: next }) {
    this.start ??= offset;
    this.end = next;
    let at = offset;
    let pieces = text.split("\n");
    if (this.open) {
      at = this.open.at;
      pieces[0] = this.open.text + pieces[0];
      this.chars -= this.open.text.length;
      this.open.node.remove();
      this.colours = this.open.colours;
    }
    const rest = pieces.pop();
    const nodes = [];
    for (const line of pieces) {
      nodes.push(this.line(line, at));
      at += sizeOf(line) + 1;
    }
    this.open = null;
    if (rest) {
      const colours = Object.assign(new Colours(), { front: this.colours.front, marks: new Set(this.colours.marks) });
      const node = this.line(rest, at);
      nodes.push(node);
      // A line that does not end is broken in two.
      this.open = rest.length < 65_536 ? { at, text: rest, node, colours } : null;
    }
    this.node.append(...nodes.slice(-LINES));
    this.trim();
  }

  /// Puts whole older lines before all others.
  prepend(text, offset) {
    const kept = this.colours;
    this.colours = new Colours();
    let at = offset;
    const nodes = text.replace(/\n$/, "").split("\n").map((line) => {
      const node = this.line(line, at);
      at += sizeOf(line) + 1;
      return node;
    });
    this.colours = kept;
    this.start = offset;
    this.node.prepend(...nodes);
  }

  note(words) {
    this.open = null;
    this.node.append(el("div", { class: "ln note" }, words));
    this.trim();
  }

  line(text, at) {
    const whole = text.endsWith("\r") ? text.slice(0, -1) : text;
    this.chars += text.length;
    const words = el("span", { class: "tx" }, ...this.colours.nodes(whole.slice(0, LONG)));
    if (whole.length > LONG) {
      const more = button(`… ${whole.length - LONG} more characters`, () => more.replaceWith(...new Colours().nodes(whole.slice(LONG))), { class: "bare" });
      words.append(more);
    }
    const link = el("a", { class: "at", href: `#byte=${at}`, tabindex: -1, "aria-label": `Link to byte ${at}`, title: "Link to this line" });
    return el("div", { class: "ln", data: { at, size: text.length } }, link, words);
  }

  get full() {
    return this.node.children.length >= LINES || this.chars >= CHARS;
  }

  trim() {
    while (this.node.children.length > LINES || (this.chars > CHARS && this.node.children.length > 1)) {
      const first = this.node.firstElementChild;
      this.chars -= Number(first.dataset.size ?? 0);
      first.remove();
      this.start = Number(this.node.firstElementChild?.dataset.at ?? this.start);
    }
  }

  /// The line that a byte is in.
  at(byte) {
    let found = null;
    for (const node of this.node.children) {
      if (Number(node.dataset.at) <= byte) {
        found = node;
      }
    }
    return found;
  }
}
