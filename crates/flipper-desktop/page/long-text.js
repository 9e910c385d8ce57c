// <long-text .value=…>: a text of any length. Of a long one the beginning is shown until somebody asks for more.

import {html, nothing, render} from './lib/lit-html/lit-html.js';
import {bytes, visible} from './text.js';

const FIRST = 20_000;

class LongText extends HTMLElement {
  #value = '';
  #shown = FIRST;

  set value(value) {
    if (value === this.#value) return;
    this.#value = value;
    this.#shown = FIRST;
    if (this.isConnected) this.#render();
  }

  connectedCallback() {
    this.#render();
  }

  #render() {
    const text = this.#value;
    const rest = text.length - this.#shown;
    // Each time ten times as much: a browser takes seconds for a text of many megabytes.
    const more = Math.min(this.#shown * 10, text.length);
    render(
      html`<pre class="long" tabindex="0"><bdi>${visible(text.slice(0, this.#shown))}</bdi></pre>
        ${rest > 0
          ? html`<p class="note">${bytes(rest)} of ${bytes(text.length)} are not shown.
              <button @click=${() => this.#show(more)}>Show ${more < text.length ? bytes(more) : 'all'}</button></p>`
          : nothing}`,
      this,
    );
  }

  #show(chars) {
    this.#shown = chars;
    this.#render();
  }
}

customElements.define('long-text', LongText);
