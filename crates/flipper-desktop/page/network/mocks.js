// Responses that the app makes up itself: an editor, and the app is told with each change.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {repeat} from '../lib/lit-html/directives/repeat.js';
import {failure} from '../text.js';
import {decode} from './body.js';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT'];

// How long nobody has to type until the app is told.
const PAUSE_MS = 300;

let routes = 0;

export class Mocks {
  element = document.createElement('section');
  // Whether the app can do that.
  isSupported = false;
  #context;
  #routes = [];
  #failed = null;
  #timer = 0;

  constructor(context) {
    this.#context = context;
    this.element.className = 'mocks';
    this.element.setAttribute('aria-label', 'Mock responses');
    const known = context.settings.get(this.#key, []);
    this.#routes = (Array.isArray(known) ? known : []).map((route) => ({...route, key: ++routes}));
  }

  get #key() {
    return `mocks.${this.#context.id}`;
  }

  get count() {
    return this.#routes.filter(({enabled}) => enabled).length;
  }

  async begin() {
    this.isSupported = await this.#context.supports('mockResponses').catch(() => false);
    if (this.isSupported && this.#routes.length > 0) await this.#tell();
    this.#context.update();
  }

  // Begins one that answers as this request was answered.
  async copy(row) {
    const {text = ''} = row.response ? await decode(row.response) : {};
    const headers = (row.response?.headers ?? []).filter(({key}) => /^(content-type|cache-control|location)$/i.test(key));
    this.#add({requestUrl: row.url, method: row.method, status: String(row.status > 0 ? row.status : 200), headers: headers.map(({key, value}) => `${key}: ${value}`).join('\n'), data: text});
  }

  update() {
    render(
      html`<header><h3>Mock responses</h3><button @click=${() => this.#add({})}>Add</button></header>
        <p class="of">The app answers requests itself whose method is this and whose URL contains this one. The first that fits counts.</p>
        ${this.#failed ? failure(this.#failed) : nothing}
        ${this.#routes.length === 0 ? html`<p class="none">There are none. Select a request and click <b>Mock</b>, or add one.</p>` : nothing}
        <ul>${repeat(this.#routes, ({key}) => key, (route) => this.#route(route))}</ul>`,
      this.element,
    );
  }

  #route(route) {
    const set = (name) => (event) => this.#change(route, name, event.target.type === 'checkbox' ? event.target.checked : event.target.value);
    return html`<li ?data-off=${!route.enabled}>
      <div class="line">
        <label><input type="checkbox" .checked=${route.enabled} @change=${set('enabled')}> On</label>
        <select aria-label="Method" .value=${route.method} @change=${set('method')}>${METHODS.map((name) => html`<option ?selected=${name === route.method}>${name}</option>`)}</select>
        <input class="wide" aria-label="URL, or a part of it" placeholder="URL, or a part of it" .value=${route.requestUrl} @input=${set('requestUrl')} spellcheck="false">
        <input class="status" aria-label="Status" inputmode="numeric" .value=${route.status} @input=${set('status')} aria-invalid=${!/^[1-5]\d\d$/.test(route.status)}>
        <button class="icon" aria-label="Remove" title="Remove" @click=${() => this.#remove(route)}>×</button>
      </div>
      <div class="line"><label class="wide">Headers <textarea rows="2" placeholder="content-type: application/json" .value=${route.headers} @input=${set('headers')} spellcheck="false"></textarea></label>
        <label class="wide">Body <textarea rows="2" .value=${route.data} @input=${set('data')} spellcheck="false"></textarea></label></div>
    </li>`;
  }

  #add(given) {
    const route = {key: ++routes, requestUrl: '', method: 'GET', status: '200', headers: 'content-type: application/json', data: '', enabled: true, ...given};
    this.#routes.unshift(route);
    this.#changed();
  }

  #remove(route) {
    this.#routes = this.#routes.filter((other) => other !== route);
    this.#changed();
  }

  #change(route, name, value) {
    route[name] = value;
    this.#changed();
  }

  #changed() {
    this.#context.settings.set(this.#key, this.#routes);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), PAUSE_MS);
    this.#context.update();
  }

  async #tell() {
    const routes = this.#routes.filter(({enabled, requestUrl}) => enabled && requestUrl !== '');
    const params = {routes: routes.map(({key: _, ...route}) => ({...route, headers: parsed(route.headers)}))};
    this.#failed = await this.#context.call('mockResponses', params).then(() => null, (error) => error);
    this.#context.update();
  }
}

// A header in each line.
function parsed(text) {
  const lines = text.split('\n').map((line) => line.split(/:(.*)/s));
  return lines.filter(([key]) => key.trim() !== '').map(([key, value = '']) => ({key: key.trim(), value: value.trim()}));
}
