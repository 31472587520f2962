// A list of any length of which only what is seen is in the document.

/// Rows drawn beyond either edge of what is seen.
const BEYOND = 8;

/// `heightOf(item)` in pixels, `keyOf(item)` a name that stays, `make(item)` a row `{node, show(item, index)}`.
export class List {
  constructor(body, { heightOf, keyOf, make }) {
    Object.assign(this, { body, heightOf, keyOf, make });
    this.items = [];
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
    const first = Math.max(0, this.at(top) - BEYOND);
    const last = Math.min(this.items.length, this.at(top + window.innerHeight) + BEYOND + 1);
    const gone = new Map(this.rows);
    let place = this.body.firstChild;
    for (let index = first; index < last; index += 1) {
      const item = this.items[index];
      const key = this.keyOf(item);
      let row = this.rows.get(key);
      if (!row) {
        row = this.make(item);
        this.rows.set(key, row);
      }
      gone.delete(key);
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
    }
    for (const [key, row] of gone) {
      // Whoever has the focus keeps it while the list moves on.
      if (row.node.contains(document.activeElement) && this.items.some((item) => this.keyOf(item) === key)) {
        continue;
      }
      row.node.remove();
      this.rows.delete(key);
    }
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
