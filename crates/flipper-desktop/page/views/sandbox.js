// Sandbox: a choice that is made while the app runs.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {asText, failure, told} from '../text.js';

export class SandboxView {
  element = document.createElement('div');
  #context;
  #choices = null;
  #chosen = null;
  #failed = null;
  #own = '';

  constructor(context) {
    this.#context = context;
    this.element.className = 'about';
  }

  async begin() {
    try {
      const told = await this.#context.call('getSandbox');
      this.#choices = (Array.isArray(told) ? told : []).filter((choice) => choice !== null && typeof choice === 'object');
      this.#failed = null;
    } catch (error) {
      this.#failed = error;
    }
    this.#context.update();
  }

  update(runs) {
    render(
      html`${this.#failed ? failure(this.#failed) : nothing}
        ${this.#chosen === null ? nothing : html`<p class="success" role="status">The app uses ${told(this.#chosen, 300)} now.</p>`}
        <ul class="cards">${(this.#choices ?? []).map(({name, value}) => html`<li><button class="choice" aria-pressed=${this.#chosen === asText(value)} ?disabled=${!runs}
          @click=${() => this.#choose(asText(value))}><strong>${told(name, 80)}</strong><span>${told(value, 200)}</span></button></li>`)}</ul>
        ${this.#choices?.length === 0 ? html`<p class="none">The app offers no values. Any other may be tried.</p>` : nothing}
        <form class="line" @submit=${(event) => this.#submit(event)}>
          <label class="wide">Another value <input name="value" class="full" .value=${this.#own} @input=${(event) => (this.#own = event.target.value)} spellcheck="false" required></label>
          <button ?disabled=${!runs}>Use it</button></form>`,
      this.element,
    );
  }

  #submit(event) {
    event.preventDefault();
    this.#choose(this.#own);
  }

  async #choose(value) {
    this.#chosen = null;
    this.#failed = null;
    try {
      const answer = await this.#context.call('setSandbox', {sandbox: value});
      if (answer?.result === false) this.#failed = {name: 'Refused', message: `the app did not take ${value}`};
      else this.#chosen = value;
    } catch (error) {
      this.#failed = error;
    }
    this.#context.update();
  }
}
