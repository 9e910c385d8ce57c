// What the address says is to be shown: `#/app/ID/PLUGIN/…` or `#/recordings/…`. Each part is percent-encoded.

export class Route {
  onChange = () => {};
  parts = [];

  constructor() {
    this.#read();
    addEventListener('hashchange', () => {
      this.#read();
      this.onChange();
    });
  }

  #read() {
    this.parts = location.hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decoded);
  }

  // Goes elsewhere, as a click on a link does.
  go(...parts) {
    location.hash = address(...parts);
  }

  // Names another row of what is shown. That is nothing to come back to.
  replace(...parts) {
    history.replaceState(null, '', address(...parts));
    this.#read();
  }
}

export function address(...parts) {
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
