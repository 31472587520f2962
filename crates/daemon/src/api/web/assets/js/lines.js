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

/// Lines of one log, or of several: each of those says which it is of. Where the lines begin and end is kept for one only.
export class Lines {
  /// `address(at, of)` is that of the line at a byte of a log.
  constructor(node, address) {
    this.node = node;
    this.address = address;
    this.clear();
  }

  clear() {
    this.node.replaceChildren();
    this.logs = new Map();
    this.chars = 0;
    this.start = null;
    this.end = null;
  }

  /// What goes on from text to text of a log: colours, and a line without its end.
  log(of) {
    if (!this.logs.has(of)) {
      this.logs.set(of, { colours: new Colours(), open: null });
    }
    return this.logs.get(of);
  }

  /// Puts text at the end. A line without its end goes on with the next text of its log, in its place.
  append({ text, offset, next_offset: next }, of = "") {
    const log = this.log(of);
    const { open } = log;
    this.start ??= offset;
    this.end = next;
    const each = eachOf(text, next - offset);
    const pieces = text.split("\n");
    const sizes = pieces.map((piece) => sizeOf(piece, each) + 1);
    let at = offset;
    let from = offset;
    if (open) {
      from = open.at;
      pieces[0] = open.text + pieces[0];
      log.colours = open.colours;
    }
    const rest = pieces.pop();
    const nodes = pieces.map((line, index) => {
      const node = this.line(line, from, of, log.colours);
      at += sizes[index];
      from = at;
      return node;
    });
    log.open = null;
    if (rest) {
      const colours = log.colours.copy();
      const node = this.line(rest, from, of, log.colours);
      nodes.push(node);
      // A line that does not end is broken in two.
      log.open = rest.length < 65_536 ? { at: from, text: rest, node, colours } : null;
    }
    if (open?.node.isConnected) {
      open.node.before(...nodes.splice(0, 1));
      this.drop(open.node);
    }
    nodes.slice(0, -LINES).forEach((node) => this.drop(node));
    this.node.append(...nodes.slice(-LINES));
    this.trim();
  }

  /// Puts whole older lines before all others.
  prepend(text, offset, bytes) {
    const colours = new Colours();
    const each = eachOf(text, bytes);
    let at = offset;
    const nodes = text.replace(/\n$/, "").split("\n").map((line) => {
      const node = this.line(line, at, "", colours);
      at += sizeOf(line, each) + 1;
      return node;
    });
    this.start = offset;
    this.node.prepend(...nodes);
  }

  /// Words of our own, and perhaps a link; no line goes on after them.
  note(words, kind = "note", link = null) {
    this.logs.forEach((log) => (log.open = null));
    this.node.append(el("div", { class: `ln ${kind}` }, words, link));
    this.trim();
  }

  line(text, at, of, colours) {
    const ended = text.endsWith("\r") ? text.slice(0, -1) : text;
    // As a terminal shows it: what comes behind the return stands in the place of what was there.
    const whole = ended.slice(ended.lastIndexOf("\r") + 1);
    this.chars += text.length;
    const words = el("span", { class: "tx" }, ...colours.nodes(whole.slice(0, LONG)));
    if (whole.length > LONG) {
      const more = button(`… ${whole.length - LONG} more characters`, () => more.replaceWith(...new Colours().nodes(whole.slice(LONG))), { class: "bare" });
      words.append(more);
    }
    const link = el("a", { class: "at", href: this.address(at, of), tabindex: -1, "aria-label": `Link to byte ${at}`, title: "Link to this line" });
    const from = of && el("span", { class: `of ${of}`, title: of }, of.slice(3));
    return el("div", { class: "ln", data: { at, size: text.length } }, link, from, words);
  }

  /// Whether so many lines, and their characters, are too much.
  isTooMuch(number) {
    return number > LINES || (this.chars > CHARS && number > 1);
  }

  drop(node) {
    this.chars -= Number(node.dataset.size ?? 0);
    node.remove();
  }

  /// Leaves out the oldest lines of too many.
  trim() {
    // To count them anew after each is dear.
    for (let number = this.node.childElementCount; this.isTooMuch(number); number -= 1) {
      this.drop(this.node.firstElementChild);
      this.start = Number(this.node.firstElementChild.dataset.at ?? this.start);
    }
  }

  /// Leaves out the newest; answers whether there were too many.
  trimEnd() {
    let number = this.node.childElementCount;
    const wereTooMany = this.isTooMuch(number);
    for (; this.isTooMuch(number); number -= 1) {
      const last = this.node.lastElementChild;
      this.end = Number(last.dataset.at ?? this.end);
      this.drop(last);
      this.logs.clear();
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
