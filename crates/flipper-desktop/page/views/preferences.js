// Preferences: the app's settings as a tree whose leaves can be changed, and what became of them.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {isBranch, isExact, parse} from '../json.js';
import {live} from '../lib/lit-html/directives/live.js';
import {asText, clock, count, failure, line, summary, told} from '../text.js';

// Changes that are shown.
const MAX_SHOWN = 200;

export class PreferencesView {
  element = document.createElement('div');
  #context;
  // By store, then by name.
  #stores = {};
  #store = null;
  #failed = null;
  // The last change that was taken in.
  #seen = 0;

  constructor(context) {
    this.#context = context;
    this.element.className = 'inner';
  }

  open([store]) {
    if (store !== undefined) this.#store = store;
  }

  async begin() {
    try {
      this.#stores = asObject(await this.#context.call('getAllSharedPreferences'));
      this.#failed = null;
    } catch (error) {
      this.#failed = error;
    }
    this.#context.update();
  }

  update(runs) {
    const feed = this.#context.feed();
    this.#takeIn(feed);
    const names = Object.keys(this.#stores);
    const store = names.includes(this.#store) ? this.#store : names[0];
    render(
      html`<div class="tools">
          ${names.length > 1
            ? html`<label>Store <select @change=${(event) => this.#choose(event.target.value)}>${names.map((name) => html`<option value=${name} ?selected=${name === store}>${told(name, 80)}</option>`)}</select></label>`
            : html`<span class="of">${names.length === 0 ? 'The app has no settings.' : told(store, 80)}</span>`}
          <button ?disabled=${!runs} @click=${() => this.begin()}>Read again</button>
        </div>
        ${this.#failed ? failure(this.#failed) : nothing}
        ${store === undefined ? nothing : html`<ul class="settings">${Object.entries(asObject(this.#stores[store])).map(([name, value]) => this.#setting(store, name, value, runs))}</ul>`}
        ${feed.length > 0 ? this.#changes(feed) : nothing}`,
      this.element,
    );
  }

  #setting(store, name, value, runs) {
    const set = (value) => this.#set(store, name, value);
    return html`<li><div class="setting">${this.#value(name, value, set, runs)}
      <button class="icon" aria-label="Delete ${line(name, 80)}" title="Delete" ?disabled=${!runs} @click=${() => this.#delete(store, name)}>×</button></div></li>`;
  }

  // `set` is told the whole value with each change within.
  #value(name, value, set, runs) {
    if (isBranch(value)) {
      const part = (key) => (changed) => set(Array.isArray(value) ? value.with(Number(key), changed) : {...value, [key]: changed});
      return html`<details open class="wide"><summary><span class="key">${told(name, 100)}</span> <span class="of">${count(Object.keys(value).length, 'entry', 'entries')}</span></summary>
        <ul>${Object.keys(value).map((key) => html`<li><div class="setting">${this.#value(key, value[key], part(key), runs)}</div></li>`)}</ul></details>`;
    }
    if (typeof value === 'boolean') {
      return html`<label class="wide"><span class="key">${told(name, 100)}</span><input type="checkbox" .checked=${live(value)} ?disabled=${!runs} @change=${(event) => set(event.target.checked)}></label>`;
    }
    const write = (event) => set(parsed(event.target.value, value));
    return html`<label class="wide"><span class="key">${told(name, 100)}</span><input class=${value === null ? 'null' : typeof value} .value=${live(asText(value))} ?disabled=${!runs} @change=${write} spellcheck="false"></label>`;
  }

  #changes(feed) {
    const shown = [];
    for (let at = feed.length - 1; at >= Math.max(0, feed.length - MAX_SHOWN); at--) shown.push(feed.at(at));
    return html`<section class="changes" tabindex="0" aria-label="Changes"><h3>Changes</h3>
      <ol>${shown.map(({time, params}) => html`<li><time>${clock(time)}</time> <strong>${told(asObject(params).name, 100)}</strong>
        ${asObject(params).deleted ? html`<span class="chip">deleted</span>` : html`<bdi>${summary(asObject(params).value ?? null, 200)}</bdi>`}</li>`)}</ol></section>`;
  }

  // What the app says of changes, whoever made them.
  #takeIn(feed) {
    let at = feed.length;
    while (at > 0 && feed.at(at - 1).key > this.#seen) at -= 1;
    for (; at < feed.length; at++) {
      const {preferences, name, deleted, value} = asObject(feed.at(at).params);
      this.#seen = feed.at(at).key;
      // Apps choose these names, and `__proto__` is one.
      if (typeof name !== 'string' || !Object.hasOwn(this.#stores, preferences)) continue;
      const store = this.#stores[preferences];
      if (!isBranch(store)) continue;
      if (deleted) delete store[name];
      else if (value !== undefined) Object.defineProperty(store, name, {value, configurable: true, enumerable: true, writable: true});
    }
  }

  #choose(store) {
    this.#store = store;
    this.#context.select(store);
    this.#context.update();
  }

  #set(store, name, value) {
    return this.#change(store, 'setSharedPreference', {sharedPreferencesName: store, preferenceName: name, preferenceValue: value});
  }

  #delete(store, name) {
    return this.#change(store, 'deleteSharedPreference', {sharedPreferencesName: store, preferenceName: name});
  }

  async #change(store, method, params) {
    try {
      this.#stores[store] = asObject(await this.#context.call(method, params));
      this.#failed = null;
    } catch (error) {
      this.#failed = error;
    }
    this.#context.update();
  }
}

function asObject(value) {
  return value !== null && typeof value === 'object' ? value : {};
}

// A text as the kind of value that was there before. One that is no such value is left to the app, which says so.
function parsed(text, before) {
  if (typeof before === 'number' || isExact(before)) return isNumber(text) ? parse(text.trim()) : text;
  if (before === null) return text === 'null' ? null : text;
  return text;
}

// Whether it is a number as JSON writes them.
function isNumber(text) {
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(text.trim());
}
