// Navigation: the places that the app's user has been to, and the way to others.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {asText, clock, count, failure, told} from '../text.js';

// Places that are shown.
const MAX_SHOWN = 500;

export class NavigationView {
  element = document.createElement('div');
  #context;
  #canGo = false;
  #url = '';
  #went = null;
  #failed = null;

  constructor(context) {
    this.#context = context;
    this.element.className = 'inner';
  }

  async begin() {
    this.#canGo = await this.#context.supports('navigate_to').catch(() => false);
    this.#context.update();
  }

  update(runs) {
    const feed = this.#context.feed();
    const places = [];
    for (let at = feed.length - 1; at >= 0 && places.length < MAX_SHOWN; at--) places.push(this.#place(feed.at(at), runs));
    render(
      html`<div class="tools">
          ${this.#canGo ? this.#form(runs) : nothing}
          <span class="of" role="status">${count(feed.length, 'place')}${feed.length > MAX_SHOWN ? `, the last ${MAX_SHOWN} of which are shown` : ''}</span>
          <button ?disabled=${feed.length === 0} @click=${() => this.#clear(feed)}>Clear</button>
        </div>
        ${this.#failed ? failure(this.#failed) : nothing}
        ${this.#went === null ? nothing : html`<p class="success" role="status">The app was sent to ${told(this.#went, 300)}.</p>`}
        ${places.length === 0 ? html`<p class="none">Nobody has been anywhere yet.</p>` : html`<ol class="timeline" tabindex="0" aria-label="Places, the last one first">${places}</ol>`}`,
      this.element,
    );
  }

  #form(runs) {
    return html`<form class="line" @submit=${(event) => this.#submit(event)}>
      <input aria-label="URL" placeholder="shop://orders/42" .value=${this.#url} @input=${(event) => (this.#url = event.target.value)} spellcheck="false" required>
      <button ?disabled=${!runs}>Go there</button></form>`;
  }

  #place({time, params}, runs) {
    const place = params !== null && typeof params === 'object' ? params : {};
    const url = place.uri ?? place.url;
    const screen = url !== undefined && typeof place.class === 'string' ? place.class.replace(String(url), '').trim() : place.class;
    return html`<li><time>${clock(time)}</time>
      <strong>${told(url ?? place.class ?? asText(params), 500)}</strong>${url !== undefined && screen ? html`<span class="of">${told(screen, 200)}</span>` : nothing}
      ${this.#canGo && typeof url === 'string' ? html`<button ?disabled=${!runs} @click=${() => this.#go(url)}>Go there</button>` : nothing}</li>`;
  }

  #submit(event) {
    event.preventDefault();
    this.#go(this.#url);
  }

  async #go(url) {
    this.#went = null;
    this.#failed = await this.#context.call('navigate_to', {url}).then(() => null, (error) => error);
    if (this.#failed === null) this.#went = url;
    this.#context.update();
  }

  #clear(feed) {
    feed.clear();
    this.#context.update();
  }
}
