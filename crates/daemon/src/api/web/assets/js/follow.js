// Following one log, again and again, as long as somebody looks.

import { ask } from "./api.js";
import { eventsOf } from "./events.js";

/// A stream says something every fifteen seconds; after this silence it is taken for dead.
const SILENCE = 40_000;

/// How long a page may be hidden before its stream ends.
const HIDDEN = 20_000;

/// Waits until somebody looks.
function seen() {
  return new Promise((done) => {
    const look = () => {
      if (!document.hidden) {
        document.removeEventListener("visibilitychange", look);
        done();
      }
    };
    document.addEventListener("visibilitychange", look);
    look();
  });
}

export class Follower {
  /// `address(offset)` is where the log is; `take` hears what comes, `changed` that the connection is another.
  constructor(address, take, changed) {
    Object.assign(this, { address, take, changed, link: "still", trouble: null, reader: null, last: null });
    let sleep = null;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(sleep);
      if (document.hidden) {
        sleep = setTimeout(() => this.reader?.stop(), HIDDEN);
      }
    });
    // A page that is kept for the way back would keep one of the few connections.
    window.addEventListener("pagehide", () => this.reader?.stop());
  }

  change(link) {
    this.link = link;
    this.changed();
  }

  /// Follows from an offset on until something else is asked for.
  async follow(offset) {
    this.still();
    const mine = { stop: null };
    this.reader = mine;
    this.change("connecting");
    for (let wait = 500; this.reader === mine; wait = Math.min(wait * 2, 15_000)) {
      const attempt = new AbortController();
      mine.stop = () => attempt.abort();
      let silence = null;
      const heard = () => {
        clearTimeout(silence);
        silence = setTimeout(mine.stop, SILENCE);
      };
      try {
        heard();
        const headers = this.last ? { "Last-Event-ID": this.last } : {};
        const response = await ask(this.address(offset), { signal: attempt.signal, headers });
        this.trouble = null;
        this.change("live");
        wait = 500;
        for await (const event of eventsOf(response, heard)) {
          this.last = event.id ?? this.last;
          this.take(event.name, JSON.parse(event.data));
        }
      } catch (error) {
        this.trouble = error.status ? error : null;
      }
      clearTimeout(silence);
      if (this.reader !== mine) {
        return;
      }
      this.change("lost");
      await new Promise((done) => setTimeout(done, wait));
      await seen();
    }
  }

  /// Ends following.
  still() {
    const was = this.reader;
    this.reader = null;
    was?.stop();
    this.last = null;
    this.trouble = null;
    this.change("still");
  }
}
