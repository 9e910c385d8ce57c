// An app: what the desktop knows of it, and the errors that it reported.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {address} from '../route.js';
import {recordingOf} from '../recordings.js';
import {title} from '../sidebar.js';
import {age, bytes, clock, count, failure, told} from '../text.js';

const CERTIFICATES = new Map([
  ['bound', 'names this app and device'],
  ['unbound', 'issued by an official desktop; proves neither app nor device'],
]);

export class AppView {
  element = document.createElement('div');
  #page;
  #id;
  #failed = null;

  constructor(page, id) {
    this.#page = page;
    this.#id = id;
    this.element.className = 'about';
  }

  open() {
    if (this.#page.link.state === 'open' && !recordingOf(this.#id)) this.#page.store.refresh(this.#id);
  }

  update() {
    const app = this.#page.store.apps.get(this.#id);
    render(app ? this.#about(app) : html`<h2>${told(this.#id, 80)}</h2><p class="none">This app is not connected.</p>`, this.element);
  }

  #about(app) {
    return html`<header class="title"><h2>${told(app.name, 80)}</h2>
        ${app.here ? html`<button @click=${() => this.#disconnect()}>Disconnect</button>` : nothing}
        ${app.here || app.recording ? nothing : html`<button @click=${() => this.#forget()}>Forget</button>`}</header>
      ${this.#failed ? failure(this.#failed) : nothing}
      ${app.here || app.recording ? nothing : html`<p class="note">It left${app.cause ? html`: ${told(app.cause, 300)}` : ''}. What it told is still here.</p>`}
      ${app.unresponsive ? html`<p class="note">It leaves pings unanswered: perhaps it is stopped at a breakpoint.</p>` : nothing}
      <dl>${this.#facts(app).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
      <h3>Plugins</h3>
      <ul class="cards">${[...(app.plugins ?? [])].sort().map((plugin) => this.#plugin(app, plugin))}</ul>
      ${app.errors.length > 0 ? this.#errors(app) : nothing}`;
  }

  #facts(app) {
    return [
      ['System', told(app.os)],
      ['Device', told(app.device_id ? `${app.device} (${app.device_id})` : app.device)],
      ['App id', app.app_id ? told(app.app_id) : '–'],
      ['Connected', app.here ? `for ${age(Date.now() - app.since)}, from ${app.peer}` : `until ${app.goneSince ? clock(app.goneSince) : 'the end'}`],
      ['Certificate', CERTIFICATES.get(app.certificate) ?? 'none: it came to the port for browsers'],
      ['SDK version', app.sdk_version ?? '–'],
      ['Client id', told(app.id, 500)],
      ['Waiting', `${count(app.pending_requests, 'call')}, ${bytes(app.queued_bytes)} to send`],
    ];
  }

  #plugin(app, plugin) {
    const runs = app.initialised?.includes(plugin);
    const feed = app.feeds.get(plugin);
    return html`<li><a href=${address('app', app.id, plugin)}><strong>${told(title(plugin), 60)}</strong>
      <span>${app.recording ? nothing : runs ? 'initialised' : 'not initialised'}${app.background?.includes(plugin) ? ', in the background' : ''}</span>
      <span>${feed ? count(feed.length + feed.leftOut, 'event') : nothing}</span></a></li>`;
  }

  #errors({errors}) {
    const last = [];
    for (let at = errors.length - 1; at >= Math.max(0, errors.length - 20); at--) last.push(errors.at(at));
    return html`<h3>Errors that it reported</h3>
      <ul class="errors">${last.map(({time, error}) => html`<li><time>${clock(time)}</time> <json-tree .value=${error}></json-tree></li>`)}</ul>
      ${errors.length > last.length ? html`<p class="note">The last ${last.length} of ${errors.length + errors.leftOut}.</p>` : nothing}`;
  }

  async #disconnect() {
    this.#failed = await this.#page.link.ask('disconnect', {app: this.#id}).then(() => null, (error) => error);
    this.#page.update();
  }

  #forget() {
    this.#page.store.forget(this.#id);
    this.#page.route.go();
  }
}
