// Colours of terminals, as spans with classes. All other orders to terminals are left out.

import { el } from "./dom.js";

const ORDERS = /\u001b(?:\[([0-9;:]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;

/// Keeps what is set from line to line.
export class Colours {
  constructor() {
    this.reset();
  }

  reset() {
    this.front = null;
    this.marks = new Set();
  }

  copy() {
    return Object.assign(new Colours(), { front: this.front, marks: new Set(this.marks) });
  }

  set(codes) {
    const all = codes.split(/[;:]/).map(Number);
    for (let index = 0; index < all.length; index += 1) {
      const code = all[index];
      if (code === 0) {
        this.reset();
      } else if (code === 1) {
        this.marks.add("bold");
      } else if (code === 3) {
        this.marks.add("slant");
      } else if (code === 4) {
        this.marks.add("under");
      } else if (code >= 22 && code <= 24) {
        this.marks.delete(["bold", "slant", "under"][code - 22]);
      } else if (code >= 30 && code <= 37) {
        this.front = code - 30;
      } else if (code >= 90 && code <= 97) {
        this.front = code - 90;
      } else if (code === 39) {
        this.front = null;
      } else if (code === 38 || code === 48) {
        // One of 256 colours, or one of all: only the first sixteen have a place here.
        const isOne = all[index + 1] === 5;
        if (code === 38) {
          this.front = isOne && all[index + 2] < 16 ? all[index + 2] % 8 : null;
        }
        index += isOne ? 2 : 4;
      }
    }
  }

  piece(text) {
    const shown = text.replaceAll(/[\u0000-\u0008\u000b-\u001f]/g, (sign) => String.fromCharCode(0x2400 + sign.charCodeAt(0)));
    const names = [...this.marks, this.front === null ? "" : `f${this.front}`].filter(Boolean);
    return names.length > 0 ? el("span", { class: names.join(" ") }, shown) : shown;
  }

  /// The nodes of a line.
  nodes(text) {
    const nodes = [];
    let from = 0;
    for (const found of text.matchAll(ORDERS)) {
      if (found.index > from) {
        nodes.push(this.piece(text.slice(from, found.index)));
      }
      if (found[2] === "m") {
        this.set(found[1] || "0");
      }
      from = found.index + found[0].length;
    }
    if (from < text.length) {
      nodes.push(this.piece(text.slice(from)));
    }
    return nodes;
  }
}
