// A list of any length of which only what is seen is in the document.

/// Rows drawn beyond either edge of what is seen.
const BEYOND = 8;

/// `heightOf(item)` in pixels, `keyOf(item)` a name that stays, `kindOf(item)` a word, `make(kind)` a row
/// `{node, show(item, index)}` that can show one such item after the other.
export class List {
  constructor(body, { heightOf, keyOf, kindOf, make }) {
    Object.assign(this, { body, heightOf, keyOf, kindOf, make });
    this.items = [];
    this.keys = new Set();
    this.tops = [0];
    this.rows = new Map();
    this.asked = false;
    const again = () => this.ask();
    document.addEventListener("scroll", again, { passive: true });
    window.addEventListener("resize", () => this.measure());
  }

  /// Shows other items, or the same in another order.
  set(items) {
    this.items = items;
    this.keys = new Set(items.map(this.keyOf));
    this.measure();
  }

  /// Heights may have changed.
  measure() {
    let top = 0;
    this.tops = [0, ...this.items.map((item) => (top += this.heightOf(item)))];
    this.body.style.height = `${top}px`;
    this.ask();
  }

  /// Draws before the next picture.
  ask() {
    if (!this.asked) {
      this.asked = true;
      requestAnimationFrame(() => this.draw());
    }
  }

  /// The index of the item at a height.
  at(height) {
    let [low, high] = [0, this.items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.tops[middle + 1] <= height) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  draw() {
    this.asked = false;
    const top = -this.body.getBoundingClientRect().top;
    // What is not seen can wait for a moment.
    const beyond = this.rows.size > 0 ? BEYOND : 0;
    const first = Math.max(0, this.at(top) - beyond);
    const last = Math.min(this.items.length, this.at(top + window.innerHeight) + beyond + 1);
    const seen = this.items.slice(first, last);
    const free = this.free(new Set(seen.map(this.keyOf)));
    let place = this.body.firstChild;
    seen.forEach((item, offset) => {
      const index = first + offset;
      const row = this.rows.get(this.keyOf(item)) ?? this.take(item, free);
      row.show(item, index);
      if (row.top !== this.tops[index]) {
        row.top = this.tops[index];
        row.node.style.transform = `translateY(${row.top}px)`;
      }
      if (place === row.node) {
        place = place.nextSibling;
      } else {
        this.body.insertBefore(row.node, place);
      }
    });
    for (const row of [...free.values()].flat()) {
      row.node.remove();
    }
  }

  /// Rows that show nothing any more, by kind: to be used again.
  free(seen) {
    const free = new Map();
    for (const [key, row] of this.rows) {
      // Whoever has the focus keeps it while the list moves on.
      if (seen.has(key) || (row.node.contains(document.activeElement) && this.keys.has(key))) {
        continue;
      }
      this.rows.delete(key);
      free.set(row.kind, [...(free.get(row.kind) ?? []), row]);
    }
    return free;
  }

  /// A row for an item: one of those, or a new one.
  take(item, free) {
    const kind = this.kindOf(item);
    // In the order of the document, so that as few as can be are moved in it.
    const row = free.get(kind)?.shift() ?? { ...this.make(kind), kind };
    this.rows.set(this.keyOf(item), row);
    return row;
  }

  /// Brings an item into view, below what covers the upper edge; gives its node the focus.
  reveal(index, covered) {
    const box = this.body.getBoundingClientRect().top;
    const [top, bottom] = [box + this.tops[index], box + this.tops[index + 1]];
    if (top < covered) {
      window.scrollBy(0, top - covered);
    } else if (bottom > window.innerHeight) {
      window.scrollBy(0, bottom - window.innerHeight + 8);
    }
    this.draw();
    return this.rows.get(this.keyOf(this.items[index]))?.node;
  }
}
