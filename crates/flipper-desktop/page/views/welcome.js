// What is shown while no app is chosen.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {address} from '../route.js';
import {count, told} from '../text.js';

const LINES = `let flipper = flipper_tokio::init("My App");`;

export class WelcomeView {
  element = document.createElement('div');
  #page;

  constructor(page) {
    this.#page = page;
    this.element.className = 'welcome';
  }

  update() {
    const {store, link} = this.#page;
    const here = [...store.apps.values()].filter((app) => app.here);
    render(
      html`<h2>${here.length > 0 ? `${count(here.length, 'app')} connected` : 'Waiting for an app'}</h2>
        ${here.length > 0 ? this.#cards(here) : this.#howTo(store.status)}
        ${link.state === 'connecting' ? html`<p class="none">Connecting to the desktop…</p>` : nothing}`,
      this.element,
    );
  }

  #cards(apps) {
    return html`<ul class="cards">${apps.map((app) => html`<li><a href=${address('app', app.id)}>
      <strong>${told(app.name, 80)}</strong> <span>${told(`${app.os} · ${app.device}`, 80)}</span>
      <span>${app.plugins ? count(app.plugins.length, 'plugin') : 'no plugins yet'}</span></a></li>`)}</ul>`;
  }

  #howTo(status) {
    return html`<p>Start an app that has Flipper in it: it finds this desktop by itself, and appears at the left. One that does
        not get through is shown there, too, with the reason.</p>
      <p>A Rust app needs one dependency, <code>flipper-tokio</code>, and one line:</p>
      <pre class="long" tabindex="0">${LINES}</pre>
      ${status ? html`<p>This desktop listens for apps on the ports ${status.ports.insecure} and ${status.ports.secure}. Phones and other
        machines need more: <code>flipper doctor</code> looks at what is missing.</p>` : nothing}`;
  }
}
