// Recordings that are open: their apps are shown like those that are here, only that nothing can be asked of them.

import {Feed} from './feed.js';

// The id of a recorded app, which no app that is here can have: those have `#` in theirs.
export function recordedId(name, app) {
  return `recording/${name}/${app}`;
}

export function recordingOf(id) {
  return id?.match(/^recording\/([^/]+)\/\d+$/)?.[1];
}

export class Recordings {
  // What is known of each that was opened: `about`, `read` (how many events), `isWhole`, `failed`.
  open = new Map();
  #store;
  #link;

  constructor(store, link) {
    this.#store = store;
    this.#link = link;
  }

  // Reads one, unless that has been done. What can be read of a damaged one is shown.
  async read(name) {
    if (this.open.has(name)) return;
    const reading = {about: null, read: 0, isWhole: false, failed: null};
    this.open.set(name, reading);
    const path = `recordings/${encodeURIComponent(name)}`;
    try {
      reading.about = await this.#link.fetch('GET', path);
      for (const app of reading.about.apps) this.#add(name, app);
      let next = null;
      do {
        const page = await this.#link.fetch('GET', `${path}/events${next === null ? '' : `?after=${next}`}`);
        if (this.open.get(name) !== reading) return;
        for (const event of page.events) this.#store.take({...event, event: 'message', app: recordedId(name, event.app)}, sizeOf(event));
        reading.read += page.events.length;
        next = page.next;
        this.#store.onChange();
      } while (next !== null);
      reading.isWhole = true;
    } catch (error) {
      reading.failed = error;
    }
    this.#store.onChange();
  }

  close(name) {
    const {about} = this.open.get(name) ?? {};
    this.open.delete(name);
    for (const app of about?.apps ?? []) this.#store.forget(recordedId(name, app.id));
    this.#store.onChange();
  }

  #add(name, app) {
    const id = recordedId(name, app.id);
    const goneSince = app.disconnected_at;
    this.#store.apps.set(id, {
      ...app, id, recording: name, here: false, goneSince, since: app.connected_at, feeds: new Map(), errors: new Feed(), pending_requests: 0, queued_bytes: 0,
    });
  }
}

// About what it took on its way.
function sizeOf({params}) {
  return 100 + (params === undefined ? 0 : JSON.stringify(params).length);
}
