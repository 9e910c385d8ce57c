// A box to call any method of a plugin, with the answers to earlier calls.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {parse} from '../json.js';
import {clock, duration, failure, told} from '../text.js';

// Calls that are kept.
const MAX_CALLS = 50;

// What plugins' methods are often called: nobody lists a plugin's methods, but each can be asked for.
const COMMON = [
  'getAll', 'getFilter', 'setFilter', 'metadata', 'databaseList', 'getTableData', 'getTableStructure', 'getTableInfo', 'execute',
  'getAllSharedPreferences', 'setSharedPreference', 'deleteSharedPreference', 'getSandbox', 'setSandbox', 'navigate_to',
  'mockResponses', 'echo', 'reverse', 'fail', 'emit', 'displayMessage', 'clear', 'reset', 'refresh', 'list', 'get', 'set', 'delete',
];

export class CallBox {
  element = document.createElement('details');
  #context;
  #method = '';
  #params = '{}';
  #support = '';
  #wrong = '';
  #calls = [];
  // The methods that the plugin is known to have.
  #methods = new Set();
  #asked = false;
  #timer = 0;
  #runs = false;

  constructor(context) {
    this.#context = context;
    this.element.className = 'calls';
    this.element.addEventListener('toggle', () => this.#find());
  }

  update(runs) {
    this.#runs = runs;
    if (runs && this.element.open) this.#find();
    const list = `methods-${this.#context.plugin.replace(/\W/g, '-')}`;
    render(
      html`<summary>Call a method${this.#calls.length > 0 ? ` (${this.#calls.length} made)` : ''}</summary>
        <form @submit=${(event) => this.#submit(event)}>
          <label>Method <input name="method" list=${list} .value=${this.#method} @input=${(event) => this.#name(event.target.value)}
            spellcheck="false" autocomplete="off" autocapitalize="off" required></label>
          <datalist id=${list}>${[...this.#methods].map((name) => html`<option value=${name}></option>`)}</datalist>
          <span class="of" role="status">${this.#support}</span>
          <label class="wide">Parameters, as JSON <textarea name="params" rows="3" spellcheck="false" .value=${this.#params}
            aria-invalid=${this.#wrong !== ''} @input=${(event) => this.#write(event.target.value)}></textarea></label>
          ${this.#wrong ? html`<p class="failure" role="alert">${this.#wrong}</p>` : nothing}
          <button ?disabled=${!runs}>Call</button>
        </form>
        <ol class="answers" reversed aria-label="Calls, the last one first">${this.#calls.map((call) => this.#call(call))}</ol>`,
      this.element,
    );
  }

  #call({method, params, at, took, success, error}) {
    const again = () => {
      this.#method = method;
      this.#write(params);
    };
    return html`<li><header><strong>${told(method, 60)}</strong> <code>${told(params, 120)}</code> <time>${clock(at)}</time>
        <span class="of">${took === undefined ? 'waiting…' : duration(took)}</span>
        <button @click=${again}>Use again</button></header>
      ${error ? html`${failure(error)}${error.cause === undefined ? nothing : html`<json-tree .value=${error.cause}></json-tree>`}` : nothing}
      ${success === undefined ? nothing : html`<json-tree .value=${success}></json-tree>`}</li>`;
  }

  async #find() {
    if (this.#asked || !this.#runs || !this.element.open) return;
    this.#asked = true;
    const answers = COMMON.map((name) => this.#context.supports(name).then((has) => has && this.#methods.add(name)));
    await Promise.allSettled(answers);
    this.#context.update();
  }

  #name(text) {
    this.#method = text;
    this.#support = '';
    clearTimeout(this.#timer);
    // Not with each letter.
    this.#timer = setTimeout(() => this.#ask(text), 200);
    this.#context.update();
  }

  async #ask(name) {
    if (!name || !this.#runs) return;
    const has = await this.#context.supports(name).catch(() => null);
    if (name !== this.#method || has === null) return;
    if (has) this.#methods.add(name);
    this.#support = has ? '✓ the plugin has it' : 'the plugin has no such method';
    this.#context.update();
  }

  #write(text) {
    this.#params = text;
    this.#wrong = '';
    try {
      if (text.trim()) JSON.parse(text);
    } catch (error) {
      this.#wrong = `This is no JSON: ${error.message}`;
    }
    this.#context.update();
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#wrong) return;
    const params = this.#params.trim();
    const call = {method: this.#method, params, at: Date.now()};
    this.#calls.unshift(call);
    this.#calls.length = Math.min(this.#calls.length, MAX_CALLS);
    this.#context.update();
    const began = performance.now();
    try {
      call.success = await this.#context.call(call.method, params ? parse(params) : undefined);
    } catch (error) {
      call.error = error;
    }
    call.took = performance.now() - began;
    this.#context.update();
  }
}
