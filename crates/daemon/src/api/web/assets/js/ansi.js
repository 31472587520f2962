// Colours of terminals, as spans with classes. All other orders to terminals are left out.
//
// A colour of the text is one of the few of our own that can be read on light and dark paper. On a background the text is
// black or white, whichever can be read there.

import { el } from "./dom.js";

const ORDERS = /\u001b(?:\[([0-9;:]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;

/// What is set by a code, and what unset.
const MARKS = { 1: "bold", 2: "dim", 3: "slant", 4: "under", 7: "turned", 9: "struck" };
const ENDS = { 22: ["bold", "dim"], 23: ["slant"], 24: ["under"], 27: ["turned"], 29: ["struck"] };

/// Levels of each part of a colour in the cube of 216.
const LEVELS = [0, 95, 135, 175, 215, 255];

/// A colour of 256: the number of one of the first sixteen, or its parts.
function ofTable(number) {
  if (!(number >= 16 && number < 256)) {
    return number >= 0 && number < 16 ? number : null;
  }
  if (number >= 232) {
    return Array(3).fill(8 + 10 * (number - 232));
  }
  const at = number - 16;
  return [Math.floor(at / 36), Math.floor(at / 6) % 6, at % 6].map((level) => LEVELS[level]);
}

/// How bright a colour is to the eye, from 0 to 1.
function luminance(parts) {
  const [red, green, blue] = parts.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/// The nearest of our own colours for text; null is that of all text.
function nearest([red, green, blue]) {
  const most = Math.max(red, green, blue);
  const width = most - Math.min(red, green, blue);
  if (width < 40) {
    return most >= 200 ? null : 7;
  }
  const sixth = most === red ? (green - blue) / width : most === green ? 2 + (blue - red) / width : 4 + (red - green) / width;
  const hue = (sixth * 60 + 360) % 360;
  return [[20, 1], [70, 3], [160, 2], [200, 6], [260, 4], [335, 5], [360, 1]].find(([end]) => hue <= end)[1];
}

/// Keeps what is set from line to line.
export class Colours {
  constructor() {
    this.reset();
  }

  reset() {
    this.front = null;
    this.back = null;
    this.marks = new Set();
  }

  copy() {
    return Object.assign(new Colours(), { front: this.front, back: this.back, marks: new Set(this.marks) });
  }

  set(codes) {
    const all = codes.split(";");
    for (let index = 0; index < all.length; index += 1) {
      const parts = all[index].split(":");
      const code = Number(parts[0]);
      if (code === 38 || code === 48) {
        index += this.wide(code, parts, all.slice(index + 1));
      } else {
        this.one(code, parts[1]);
      }
    }
  }

  /// A colour of 256 or of all: `38;5;n` and `38;2;r;g;b`, or with colons. Answers how many further words it took.
  wide(code, parts, rest) {
    const joined = parts.length > 1;
    const [kind, ...given] = (joined ? parts.slice(1) : rest).map(Number);
    const taken = kind === 5 ? 1 : 3;
    // With colons there may be the number of a colour space before the colours.
    const from = joined && kind === 2 && given.length > 3 ? 1 : 0;
    const values = given.slice(from, from + taken);
    const isWhole = values.length === taken && values.every((value) => value >= 0 && value < 256);
    const colour = !isWhole ? null : kind === 5 ? ofTable(values[0]) : kind === 2 ? values : null;
    this[code === 38 ? "front" : "back"] = colour;
    return joined ? 0 : 1 + taken;
  }

  one(code, kind) {
    if (code === 0) {
      this.reset();
    } else if (code === 4 && kind === "0") {
      this.marks.delete("under");
    } else if (MARKS[code]) {
      this.marks.add(MARKS[code]);
    } else if (ENDS[code]) {
      ENDS[code].forEach((mark) => this.marks.delete(mark));
    } else if (code >= 30 && code <= 37) {
      this.front = code - 30;
    } else if (code >= 90 && code <= 97) {
      this.front = code - 82;
    } else if (code === 39) {
      this.front = null;
    } else if (code >= 40 && code <= 47) {
      this.back = code - 40;
    } else if (code >= 100 && code <= 107) {
      this.back = code - 92;
    } else if (code === 49) {
      this.back = null;
    }
  }

  piece(text) {
    const shown = text.replaceAll(/[\u0000-\u0008\u000b-\u001f]/g, (sign) => String.fromCharCode(0x2400 + sign.charCodeAt(0)));
    const isTurned = this.marks.has("turned");
    const back = isTurned ? this.front : this.back;
    const names = [...this.marks].filter((mark) => mark !== "turned" && (mark !== "dim" || (this.front === null && back === null)));
    const node = el("span", {}, shown);
    if (Array.isArray(back)) {
      names.push(luminance(back) > 0.179 ? "on-light" : "on-dark");
      node.style.setProperty("background-color", `rgb(${back.join(" ")})`);
    } else if (back !== null) {
      names.push(`b${back}`);
    } else if (isTurned) {
      names.push("turned");
    } else {
      const front = Array.isArray(this.front) ? nearest(this.front) : this.front;
      names.push(...(front === null ? [] : [`f${front % 8}`]));
    }
    if (names.length === 0) {
      return shown;
    }
    node.className = names.join(" ");
    return node;
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
