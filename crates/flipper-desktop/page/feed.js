// What a plugin of an app told, up to a limit.

// Rows of one plugin, and characters of all that is kept together.
export const MAX_ROWS = 20_000;
export const MAX_CHARS = 64 * 2 ** 20;

export class Feed {
  // How many rows are not here any more.
  leftOut = 0;
  chars = 0;
  // Grows with every change.
  version = 0;
  #rows = [];
  #first = 0;
  #next = 1;

  get length() {
    return this.#rows.length - this.#first;
  }

  at(index) {
    return this.#rows[this.#first + index];
  }

  // Each row has a number that stays.
  find(key) {
    for (let index = this.length - 1; index >= 0; index--) {
      if (String(this.at(index).key) === key) return this.at(index);
    }
    return undefined;
  }

  take({time, method, params}, size) {
    this.add({time, method, params}, size);
  }

  add(row, size) {
    row.key ??= this.#next++;
    row.size = size;
    this.#rows.push(row);
    this.chars += size;
    this.version += 1;
    if (this.length > MAX_ROWS) this.drop();
  }

  // Lets go of the oldest.
  drop() {
    const row = this.at(0);
    this.#rows[this.#first++] = undefined;
    this.chars -= row.size;
    this.leftOut += 1;
    this.version += 1;
    this.dropped(row);
    if (this.#first > 1024 && this.#first * 2 > this.#rows.length) {
      this.#rows.splice(0, this.#first);
      this.#first = 0;
    }
  }

  dropped() {}

  clear() {
    while (this.length > 0) this.drop();
    this.leftOut = 0;
  }
}
