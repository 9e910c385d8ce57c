// Who wanted to connect and could not: one entry for each app, or for each address where nobody said who it is. And devices
// whose apps cannot, because the device is not ready.

const MAX = 20;

// Certificates are asked for again and again; what is older than this is of no interest any more.
const MAX_AGE_MS = 10 * 60_000;

const KINDS = new Set([
  'certificate-refused', 'pairing-locked', 'exchange-acknowledged', 'connection-refused', 'handshake-failed', 'accept-failed',
]);

export class Failures {
  #entries = new Map();

  // What happened before this page was there.
  begin(events) {
    this.#entries.clear();
    events.forEach((event) => this.take(event));
  }

  // All devices that there are.
  devices(all) {
    for (const key of [...this.#entries.keys()]) {
      if (key.startsWith('device ')) this.#entries.delete(key);
    }
    all.forEach((device) => this.#device(device));
  }

  take(event) {
    if (event.event === 'device-disconnected') this.#entries.delete(keyOf(event.device));
    if (event.event === 'device-connected' || event.event === 'device-changed') this.#device(event.device);
    if (!KINDS.has(event.event) || (event.event === 'exchange-acknowledged' && !event.failed)) return;
    const entry = entryOf(event);
    const before = this.#entries.get(entry.key);
    entry.count = (before?.count ?? 0) + 1;
    this.#entries.delete(entry.key);
    this.#entries.set(entry.key, entry);
    if (this.#entries.size > MAX) this.dismiss(this.#entries.keys().next().value);
  }

  #device(device) {
    this.#entries.delete(keyOf(device));
    const trouble = troubleOf(device);
    if (trouble) this.#entries.set(keyOf(device), {...trouble, key: keyOf(device), name: device.name, os: device.os, device: device.id, lasts: true, time: Date.now(), count: 1});
  }

  // An app that has connected has no trouble any more, nor had the nameless ones from its address, most likely.
  connected(app) {
    for (const [key, {name, host}] of this.#entries) {
      if (name ? name === app.name : host === hostOf(app.peer)) this.#entries.delete(key);
    }
  }

  dismiss(key) {
    this.#entries.delete(key);
  }

  // The newest first.
  list() {
    const since = Date.now() - MAX_AGE_MS;
    return [...this.#entries.values()].filter((entry) => entry.lasts || entry.time >= since).reverse();
  }
}

function entryOf(event) {
  const {applicant, time, hint} = event;
  const host = hostOf(event.peer);
  const common = {time, hint, host, kind: event.name ?? event.event, text: event.error ?? event.cause};
  if (applicant) {
    const text = common.text ?? `the app could not take its certificate: ${event.logs?.at(-1) ?? 'it does not say why'}`;
    return {...common, text, key: JSON.stringify(applicant.name), name: applicant.name, os: applicant.os, device: applicant.device};
  }
  if (event.event === 'pairing-locked') {
    const text = `too many wrong proofs of the pairing ${event.pairing}; no more are taken for ${event.wait_ms / 1000} s`;
    return {...common, text, kind: 'PairingLocked', key: `pairing ${host}`, hint: 'run `flipper pair`, and give the app the new link'};
  }
  if (event.event === 'accept-failed') {
    return {...common, key: 'accept', hint: 'close programs that have many files open, or raise their limit (ulimit -n)'};
  }
  return {...common, port: event.port, key: `${event.port} ${host} ${common.kind}`};
}

function keyOf(device) {
  return `device ${device.id}`;
}

// Why the apps of a device cannot connect, if they cannot.
function troubleOf({not_ready: state, forwards = []}) {
  if (state?.includes('unauthorized')) {
    return {kind: 'NotReady', text: `the device is ${state}`, hint: "allow this computer on the device's screen"};
  }
  if (state) {
    return {kind: 'NotReady', text: `the device is ${state}`, hint: 'wait until `adb devices` shows the device as `device`, or plug it in again'};
  }
  const failed = forwards.find(({error}) => error !== undefined);
  if (!failed) return null;
  const text = `its apps do not reach port ${failed.port}: ${failed.error}`;
  return {kind: 'NotForwarded', text, hint: 'plug the device in again, or run `adb reconnect`'};
}

// An address without its port.
function hostOf(peer) {
  return (peer ?? '').replace(/:\d+$/, '');
}
