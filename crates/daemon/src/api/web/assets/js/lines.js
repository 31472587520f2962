// The lines of a log that are shown: never more than a page can hold.

import { Colours } from "./ansi.js";
import { button, el } from "./dom.js";

/// Lines that are kept, and characters.
const LINES = 5000;
const CHARS = 2_000_000;

/// Characters of a line that are shown unfolded.
const LONG = 2000;

const coder = new TextEncoder();

/// Bytes of a text in its file; `each` is how many of them a sign stands for that replaces what is no UTF-8.
function sizeOf(text, each) {
  const bytes = coder.encode(text).length;
  return each === REPLACED ? bytes : Math.round(bytes - replaced(text) * (REPLACED - each));
}

/// Bytes of the sign that stands for what is no UTF-8.
const REPLACED = 3;

const replaced = (text) => text.split("\ufffd").length - 1;

/// How many bytes each such sign in a text stands for, on the average.
function eachOf(text, bytes) {
  const signs = replaced(text);
  return signs > 0 ? REPLACED - (coder.encode(text).length - bytes) / signs : REPLACED;
}

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
    const each = eachOf(text, next - offset);
    const pieces = text.split("\n");
    const sizes = pieces.map((piece) => sizeOf(piece, each) + 1);
    let at = offset;
    let from = offset;
    if (this.open) {
      from = this.open.at;
      pieces[0] = this.open.text + pieces[0];
      this.chars -= this.open.text.length;
      this.open.node.remove();
      this.colours = this.open.colours;
    }
    const rest = pieces.pop();
    const nodes = pieces.map((line, index) => {
      const node = this.line(line, from);
      at += sizes[index];
      from = at;
      return node;
    });
    this.open = null;
    if (rest) {
      const colours = this.colours.copy();
      const node = this.line(rest, from);
      nodes.push(node);
      // A line that does not end is broken in two.
      this.open = rest.length < 65_536 ? { at: from, text: rest, node, colours } : null;
    }
    this.node.append(...nodes.slice(-LINES));
    this.trim();
  }

  /// Puts whole older lines before all others.
  prepend(text, offset, bytes) {
    const kept = this.colours;
    this.colours = new Colours();
    const each = eachOf(text, bytes);
    let at = offset;
    const nodes = text.replace(/\n$/, "").split("\n").map((line) => {
      const node = this.line(line, at);
      at += sizeOf(line, each) + 1;
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
    const ended = text.endsWith("\r") ? text.slice(0, -1) : text;
    // As a terminal shows it: what comes behind the return stands in the place of what was there.
    const whole = ended.slice(ended.lastIndexOf("\r") + 1);
    this.chars += text.length;
    const words = el("span", { class: "tx" }, ...this.colours.nodes(whole.slice(0, LONG)));
    if (whole.length > LONG) {
      const more = button(`… ${whole.length - LONG} more characters`, () => more.replaceWith(...new Colours().nodes(whole.slice(LONG))), { class: "bare" });
      words.append(more);
    }
    const link = el("a", { class: "at", href: `#byte=${at}`, tabindex: -1, "aria-label": `Link to byte ${at}`, title: "Link to this line" });
    return el("div", { class: "ln", data: { at, size: text.length } }, link, words);
  }

  get isTooMuch() {
    const number = this.node.children.length;
    return number > LINES || (this.chars > CHARS && number > 1);
  }

  drop(node) {
    this.chars -= Number(node.dataset.size ?? 0);
    node.remove();
  }

  /// Leaves out the oldest lines of too many.
  trim() {
    while (this.isTooMuch) {
      this.drop(this.node.firstElementChild);
      this.start = Number(this.node.firstElementChild.dataset.at ?? this.start);
    }
  }

  /// Leaves out the newest; answers whether there were too many.
  trimEnd() {
    const wereTooMany = this.isTooMuch;
    while (this.isTooMuch) {
      const last = this.node.lastElementChild;
      this.end = Number(last.dataset.at ?? this.end);
      this.drop(last);
      this.open = null;
    }
    return wereTooMany;
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
