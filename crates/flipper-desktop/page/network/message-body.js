// <message-body .message={data, headers}>: a body as what it is, or as one wants to see it.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {bytes, line} from '../text.js';
import {decode} from './body.js';

const VIEWS = {json: 'Tree', image: 'Image', text: 'Text', bytes: 'Bytes'};

// How many bytes are shown in hexadecimal at first.
const FIRST = 4096;

class MessageBody extends HTMLElement {
  #message = null;
  #body = null;
  #view = '';
  #shown = FIRST;
  #url = null;

  set message(message) {
    if (message === this.#message) return;
    this.#message = message;
    this.#body = null;
    this.#shown = FIRST;
    this.#begin(message);
  }

  disconnectedCallback() {
    this.#release();
  }

  async #begin(message) {
    const body = await decode(message);
    if (message !== this.#message) return;
    this.#release();
    this.#body = body;
    this.#view = body.kind;
    this.#render();
  }

  #release() {
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = null;
  }

  #render() {
    const {kind, type, notes, bytes: content} = this.#body;
    if (kind === 'empty') return render(html`<p class="none">No body.</p>`, this);
    const views = Object.keys(VIEWS).filter((view) => view === kind || view === 'bytes' || (view === 'text' && this.#body.text !== undefined));
    render(
      html`<div class="bodybar"><span class="of">${bytes(content.length)}${type ? html`, <bdi>${line(type, 80)}</bdi>` : nothing}</span>
          <span role="group" aria-label="Show it as">${views.map((view) => html`<button aria-pressed=${view === this.#view} @click=${() => this.#show(view)}>${VIEWS[view]}</button>`)}</span></div>
        ${notes.map((note) => html`<p class="of">${note}</p>`)}
        ${this.#content()}`,
      this,
    );
  }

  #content() {
    const {json, text, bytes: content, type} = this.#body;
    switch (this.#view) {
      case 'json':
        return html`<json-tree .value=${json}></json-tree>`;
      case 'text':
        return html`<long-text .value=${text}></long-text>`;
      case 'image':
        this.#url ??= URL.createObjectURL(new Blob([content], {type: /^image\/[\w.+-]+/.exec(type)[0]}));
        return html`<img class="image" src=${this.#url} alt="The image in the body" @error=${() => this.#show('bytes')}>`;
      default:
        return this.#hex(content);
    }
  }

  #hex(content) {
    const more = Math.min(content.length, this.#shown * 4);
    return html`<pre class="long" tabindex="0">${hexDump(content.subarray(0, this.#shown))}</pre>
      ${this.#shown < content.length ? html`<button @click=${() => this.#grow(more)}>Show ${bytes(more)} of ${bytes(content.length)}</button>` : nothing}`;
  }

  #grow(to) {
    this.#shown = to;
    this.#render();
  }

  #show(view) {
    this.#view = view;
    this.#render();
  }
}

export function hexDump(content) {
  const lines = [];
  for (let at = 0; at < content.length; at += 16) {
    const row = content.subarray(at, at + 16);
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join('\n');
}

customElements.define('message-body', MessageBody);
