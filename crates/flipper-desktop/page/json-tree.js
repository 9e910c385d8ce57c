// <json-tree .value=…>: any JSON as a tree. Branches are made when they are opened.

import {isBranch, isExact} from './json.js';
import {html, nothing, render} from './lib/lit-html/lit-html.js';
import {asText, bytes, count, line, summary, visible} from './text.js';

// How many entries of an object or array are shown at first, and how many more with each click.
const FIRST = 100;
const MORE = 1_000;

// A text beyond this is cut until it is clicked.
const TEXT = 500;

// Branches up to this depth are open at first, unless they are large.
const OPEN_DEPTH = 2;
const OPEN_ENTRIES = 30;

class JsonTree extends HTMLElement {
  #value;
  // What was opened or closed by hand, and how many entries are shown, by path.
  #open = new Map();
  #shown = new Map();

  set value(value) {
    if (value === this.#value) return;
    this.#value = value;
    this.#open.clear();
    this.#shown.clear();
    if (this.isConnected) this.#render();
  }

  connectedCallback() {
    this.#render();
  }

  #render() {
    render(html`<ul class="tree">${this.#node('', this.#value, '', 0)}</ul>`, this);
  }

  #node(name, value, path, depth) {
    const label = name === '' ? nothing : html`<span class="key"><bdi>${line(name, 100)}</bdi></span>: `;
    if (!isBranch(value)) {
      return html`<li>${label}${typeof value === 'string' ? this.#text(value, path) : scalar(value)}</li>`;
    }
    const entries = Object.keys(value);
    if (entries.length === 0) return html`<li>${label}${Array.isArray(value) ? '[]' : '{}'}</li>`;
    const isOpen = this.#open.get(path) ?? (depth < OPEN_DEPTH && entries.length <= OPEN_ENTRIES);
    const toggle = () => this.#change(this.#open, path, !isOpen);
    const what = Array.isArray(value) ? count(entries.length, 'item') : count(entries.length, 'field');
    return html`<li>
      <button class="twig" aria-expanded=${isOpen} @click=${toggle}>${label}<span class="of">${what}</span>
        ${isOpen ? nothing : html`<span class="sum">${summary(value, 80)}</span>`}</button>
      ${isOpen ? html`<ul>${this.#branch(value, entries, path, depth)}</ul>` : nothing}
    </li>`;
  }

  #branch(value, entries, path, depth) {
    const shown = this.#shown.get(path) ?? FIRST;
    const rest = entries.length - shown;
    const more = () => this.#change(this.#shown, path, shown + MORE);
    const nodes = entries.slice(0, shown).map((key) => this.#node(key, value[key], `${path}/${key}`, depth + 1));
    return [nodes, rest > 0 ? html`<li><button @click=${more}>Show ${Math.min(rest, MORE)} of ${count(rest, 'more', 'more')}</button></li>` : nothing];
  }

  #text(text, path) {
    if (text.length <= TEXT) return html`<span class="text"><bdi>"${visible(text)}"</bdi></span>`;
    if (this.#open.get(path)) return html`<long-text .value=${text}></long-text>`;
    return html`<span class="text"><bdi>"${visible(text.slice(0, TEXT))}…"</bdi></span>
      <button @click=${() => this.#change(this.#open, path, true)}>Show all (${bytes(text.length)})</button>`;
  }

  #change(map, path, to) {
    map.set(path, to);
    this.#render();
  }
}

function scalar(value) {
  const kind = value === null ? 'null' : isExact(value) ? 'number' : typeof value;
  return html`<span class=${kind}>${asText(value)}</span>`;
}

customElements.define('json-tree', JsonTree);
