// Words that are looked for in the lines that are shown.

import { el, setText } from "./dom.js";

/// Found lines in which the words themselves are marked.
const MARKED = 1000;

/// What a line says, without what stands before it; none for words of our own.
const wordsOf = (line) => line.lastElementChild;

export class Search {
  constructor(box) {
    this.box = box;
    this.hits = [];
    this.hit = 0;
    this.found = el("span", { class: "faint number found-count", role: "status" });
    this.field = el("input", { type: "search", placeholder: "Search", "aria-label": "Search in what is shown", on: { input: () => this.mark(0) } });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        this.mark(event.shiftKey ? -1 : 1);
      }
    });
  }

  /// Other lines are shown.
  refresh() {
    if (this.field.value) {
      this.mark(null);
    }
  }

  /// Marks what is found, and goes so many places on from the one before; null for staying where the reader is.
  mark(step) {
    this.box.querySelectorAll(".found, .current").forEach((node) => node.classList.remove("found", "current"));
    const text = this.field.value.toLowerCase();
    this.hits = text ? [...this.box.children].filter((line) => wordsOf(line)?.textContent.toLowerCase().includes(text)) : [];
    this.hits.forEach((node) => node.classList.add("found"));
    this.highlight(text);
    const all = this.hits.length;
    this.hit = all > 0 ? (this.hit + (step ?? 0) + all) % all : 0;
    setText(this.found, text ? (all > 0 ? `${this.hit + 1} of ${all}` : "nothing found") : "");
    if (step !== null && all > 0) {
      this.hits[this.hit].classList.add("current");
      this.hits[this.hit].scrollIntoView({ block: "nearest" });
    }
  }

  /// Marks the words themselves, without touching what is shown, where the browser can do that.
  highlight(text) {
    if (window.Highlight) {
      const ranges = this.hits.slice(-MARKED).flatMap((line) => places(wordsOf(line), text));
      CSS.highlights.set("found", new Highlight(...ranges));
    }
  }
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
