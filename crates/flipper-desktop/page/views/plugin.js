// The frame around a plugin's own view: it initialises the plugin, and says what is not shown.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {recordingOf} from '../recordings.js';
import {title} from '../sidebar.js';
import {count, failure, told} from '../text.js';

export class PluginView {
  element = document.createElement('div');
  #page;
  #id;
  #plugin;
  #inner;
  #failed = null;
  // The connection of the app that it was initialised for by itself: once, so that whoever leaves it is heeded.
  #tried = null;
  #isAsking = false;
  // The connection of the app that the inner view has begun with.
  #begun = null;

  constructor(page, id, plugin, Inner) {
    this.#page = page;
    this.#id = id;
    this.#plugin = plugin;
    this.element.className = 'plugin';
    const call = (method, params) => page.link.ask('call', {app: id, plugin, method, params});
    const supports = (method) => page.link.ask('supports', {app: id, plugin, method}).then((told) => told.isSupported);
    // The row that is selected stands in the address.
    const select = (...rest) => page.route.replace('app', id, plugin, ...rest.map(String));
    this.#inner = new Inner({...page, id, plugin, call, supports, select, feed: () => page.store.feed(id, plugin)});
  }

  open(rest) {
    this.#inner.open?.(rest);
  }

  update() {
    const app = this.#page.store.apps.get(this.#id);
    const has = app?.plugins?.includes(this.#plugin);
    const runs = Boolean(app?.here && app.initialised?.includes(this.#plugin));
    if (app?.here && has && !runs && this.#tried !== app.peer) this.#start();
    if (runs) this.#tried = app.peer;
    if (runs && this.#begun !== app.peer) {
      this.#begun = app.peer;
      this.#inner.begin?.();
    }
    if (app) this.#inner.update(runs);
    render(
      html`<header class="title"><h2>${told(title(this.#plugin), 60)} <small>${told(app?.name ?? this.#id, 60)}</small></h2>
          ${app?.here && has ? this.#button(runs) : nothing}</header>
        ${this.#failed ? failure(this.#failed) : nothing}
        ${this.#notes(app, has, runs)}
        ${app ? this.#inner.element : nothing}`,
      this.element,
    );
  }

  #button(runs) {
    const what = runs ? 'Leave' : 'Initialise';
    const hint = runs ? 'Its events are not wanted any more, by nobody' : 'Its events are wanted, and its methods can be called';
    return html`<button title=${hint} @click=${() => (runs ? this.#leave() : this.#start())}>${what}</button>`;
  }

  #notes(app, has, runs) {
    if (!app) {
      return recordingOf(this.#id)
        ? html`<p class="note">This is in a recording, which is not open, or cannot be read. <a href="#/recordings">Recordings</a></p>`
        : html`<p class="note">This app is not connected. Once it is, it is shown here.</p>`;
    }
    const leftOut = app.feeds.get(this.#plugin)?.leftOut ?? 0;
    const left = leftOut > 0 ? html`${count(leftOut, 'older event')} left out, so that this page stays quick.` : nothing;
    if (app.recording) return html`<p class="note">This is a recording: it shows what the app told, and cannot be asked anything. ${left}</p>`;
    if (!app.here) return html`<p class="note">The app is gone. What it told is still here. ${left}</p>`;
    if (app.plugins && !has) return html`<p class="note">The app has no such plugin any more.</p>`;
    if (!runs && !this.#isAsking) return html`<p class="note">The plugin is not initialised: it tells nothing, and cannot be called.</p>`;
    return leftOut > 0 ? html`<p class="note" role="status">${left}</p>` : nothing;
  }

  async #start() {
    if (this.#isAsking || this.#page.link.state !== 'open') return;
    this.#isAsking = true;
    this.#tried = this.#page.store.apps.get(this.#id)?.peer ?? null;
    this.#failed = await this.#page.store.initialise(this.#id, this.#plugin).then(() => null, (error) => error);
    this.#isAsking = false;
    // The link comes back, and then it is tried again.
    if (this.#failed?.name === 'Gone') this.#tried = this.#failed = null;
    this.#page.update();
  }

  async #leave() {
    this.#begun = null;
    this.#failed = await this.#page.store.leave(this.#id, this.#plugin).then(() => null, (error) => error);
    this.#page.update();
  }
}
