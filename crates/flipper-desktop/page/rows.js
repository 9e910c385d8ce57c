// The rows of a feed that a filter lets pass, in an order.

// How long a filtered table may show what was there before.
const PAUSE_MS = 100;

export class Rows {
  #feed;
  #version = -1;
  #at = 0;
  #filter = null;
  #compare = null;
  #found = [];

  constructor(feed) {
    this.#feed = feed;
  }

  // `filter` is a function, or null for all; `compare` likewise.
  narrow(filter, compare = null) {
    this.#filter = filter;
    this.#compare = compare;
    this.#version = -1;
  }

  // What is to be shown now.
  current() {
    if (!this.#filter && !this.#compare) return this.#feed;
    const isFresh = this.#version === this.#feed.version;
    const isEarly = this.#version >= 0 && performance.now() - this.#at < PAUSE_MS;
    if (!isFresh && !isEarly) this.#find();
    return this.#found;
  }

  // Whether `current` was not quite so.
  get isBehind() {
    return (this.#filter || this.#compare) && this.#version !== this.#feed.version;
  }

  #find() {
    const found = [];
    for (let index = 0; index < this.#feed.length; index++) {
      const row = this.#feed.at(index);
      if (!this.#filter || this.#filter(row)) found.push(row);
    }
    if (this.#compare) found.sort(this.#compare);
    this.#found = found;
    this.#version = this.#feed.version;
    this.#at = performance.now();
  }
}
