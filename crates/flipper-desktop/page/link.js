// The socket to the desktop: commands and their answers, and everything that happens. It comes back by itself.

import {parse} from './json.js';
import {token} from './token.js';

// What waits here to be looked at, at most. Beyond that the oldest events go, and are counted.
const MAX_WAITING = 50_000;
const MAX_WAITING_CHARS = 64 * 2 ** 20;

// How long messages are looked at before the browser has its turn.
const TURN_MS = 8;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;

// Why a command failed: `name`, `message` and `hint` as the desktop has them.
export class Told extends Error {
  constructor({name, message, hint, cause}) {
    super(message);
    Object.assign(this, {name, hint, cause});
  }
}

const GONE = {
  name: 'Gone',
  message: 'the desktop is gone, and has not answered',
  hint: 'whether it did what was asked is not known',
};

export class Link {
  onEvent = () => {};
  onOpen = () => {};
  onChange = () => {};

  // `connecting`, `open`, `gone`, or `locked`: the desktop wants another token.
  state = 'connecting';
  // How many events went missing on their way to this page.
  missed = 0;

  #socket = null;
  #pause = FIRST_PAUSE_MS;
  #timer = 0;
  #nextId = 1;
  #asked = new Map();
  #waiting = new Queue();
  #turn = new MessageChannel();
  #turnIsDue = false;

  constructor() {
    this.#turn.port1.onmessage = () => this.#work();
  }

  open() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(`ws://${location.host}/api/v1/socket?token=${encodeURIComponent(token())}`);
    this.#socket = socket;
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = true;
      this.#pause = FIRST_PAUSE_MS;
      this.#become('open');
      this.onOpen();
    };
    socket.onmessage = ({data}) => this.#hear(data);
    socket.onclose = () => this.#end(wasOpen);
  }

  // Does it at once, and not after the pause.
  retry() {
    this.#become('connecting');
    this.open();
  }

  // Gives what the desktop answers, or throws `Told`.
  ask(command, of = {}) {
    return new Promise((resolve, reject) => {
      if (this.state !== 'open') return reject(new Told(GONE));
      const id = this.#nextId++;
      this.#asked.set(id, {resolve, reject});
      this.#socket.send(JSON.stringify({id, [command]: of}));
    });
  }

  // The same by HTTP, for what is no command.
  async fetch(method, path, body) {
    let answer;
    try {
      const headers = {authorization: `Bearer ${token()}`};
      const response = await fetch(`/api/v1/${path}`, {method, headers, body: body && JSON.stringify(body)});
      answer = parse(await response.text());
    } catch {
      throw new Told(GONE);
    }
    if (answer.error) throw new Told(answer.error);
    return answer;
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.onChange();
  }

  async #end(wasOpen) {
    this.#asked.forEach(({reject}) => reject(new Told(GONE)));
    this.#asked.clear();
    if (wasOpen) this.#become('gone');
    // A socket does not say why it was refused.
    const why = await this.fetch('GET', 'status').then(() => null, (error) => error.name);
    if (why === 'NoToken' || why === 'WrongToken') return this.#become('locked');
    this.#become('gone');
    this.#timer = setTimeout(() => this.open(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }

  #hear(text) {
    this.missed += this.#waiting.push(text);
    this.#goOn();
  }

  #goOn() {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    this.#turn.port2.postMessage(null);
  }

  #work() {
    this.#turnIsDue = false;
    const end = performance.now() + TURN_MS;
    for (let text; (text = this.#waiting.shift()) !== undefined; ) {
      try {
        this.#read(text);
      } catch (error) {
        // One message that is not understood takes no other with it.
        reportError(error);
      }
      if (performance.now() > end) return this.#goOn();
    }
  }

  #read(text) {
    const message = parse(text);
    if (message.event === 'missed') this.missed += message.count;
    if (message.event !== undefined) return this.onEvent(message, text.length);
    const asked = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if ('success' in message) asked?.resolve(message.success);
    else asked?.reject(new Told(message.error));
  }
}

// Messages that were not looked at yet. Answers are never thrown away.
class Queue {
  #texts = [];
  #first = 0;
  #chars = 0;

  // Gives how many events went for it.
  push(text) {
    this.#texts.push(text);
    this.#chars += text.length;
    const isTooMuch = this.#texts.length - this.#first > MAX_WAITING || this.#chars > MAX_WAITING_CHARS;
    return isTooMuch ? this.#thin() : 0;
  }

  // The oldest tenth goes, and not one at a time: each time all that waits is looked at.
  #thin() {
    const waiting = this.#texts.slice(this.#first);
    let surplus = waiting.length - 0.9 * MAX_WAITING;
    this.#texts = waiting.filter((text, at) => {
      const isSurplus = surplus > 0 || this.#chars > 0.9 * MAX_WAITING_CHARS;
      if (!isSurplus || at === waiting.length - 1 || !text.startsWith('{"event"')) return true;
      surplus -= 1;
      this.#chars -= text.length;
      return false;
    });
    this.#first = 0;
    return waiting.length - this.#texts.length;
  }

  shift() {
    if (this.#first === this.#texts.length) return undefined;
    const text = this.#texts[this.#first];
    this.#texts[this.#first++] = undefined;
    this.#chars -= text.length;
    if (this.#first > 1024 && this.#first * 2 > this.#texts.length) {
      this.#texts.splice(0, this.#first);
      this.#first = 0;
    }
    return text;
  }
}
