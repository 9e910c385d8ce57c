// Recordings: begin and end one, and open those that there are.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {address} from '../route.js';
import {age, bytes, clock, count, failure, told} from '../text.js';

export class RecordingsView {
  element = document.createElement('div');
  #page;
  #list = null;
  #name = '';
  #failed = null;
  #timer = 0;

  constructor(page) {
    this.#page = page;
    this.element.className = 'about wide';
  }

  open([name]) {
    this.#refresh();
    if (name !== undefined) this.#page.recordings.read(name);
  }

  update() {
    const active = this.#list?.find((recording) => recording.active);
    render(
      html`<header class="title"><h2>Recordings</h2></header>
        ${this.#failed ? failure(this.#failed) : nothing}
        ${active ? this.#active(active) : this.#form()}
        ${this.#list === null ? nothing : html`<ul class="recordings">${this.#list.map((recording) => this.#item(recording))}</ul>`}
        ${this.#list?.length === 0 ? html`<p class="none">There are none yet. A recording has everything that passes between the desktop and its apps.</p>` : nothing}
        <p class="of">A file of another desktop is listed, too, once it lies in the folder <code>records</code> of the state directory, as <code>NAME.sqlite</code>.</p>`,
      this.element,
    );
  }

  #form() {
    return html`<form class="line" @submit=${(event) => this.#start(event)}>
      <label>Name <input name="name" placeholder="the time" pattern="[A-Za-z0-9][A-Za-z0-9._\\-]*" maxlength="100" .value=${this.#name} @input=${(event) => (this.#name = event.target.value)}></label>
      <button class="record">● Record</button></form>`;
  }

  #active({name, active}) {
    return html`<p class="recording" role="status"><span class="chip bad">● recording</span> <strong>${told(name, 100)}</strong>
      <span class="of">${count(active.messages, 'message')}, ${bytes(active.bytes)}, for ${age(Date.now() - active.started_at)}${active.dropped > 0 ? `, ${active.dropped} lost` : ''}</span>
      <button @click=${() => this.#stop()}>Stop</button></p>
      ${active.error ? failure({name: 'RecordingIncomplete', message: active.error}) : nothing}`;
  }

  #item({name, size, active}) {
    const opened = this.#page.recordings.open.get(name);
    return html`<li>
      <div class="line"><strong class="wide">${told(name, 100)}</strong><span class="of">${bytes(size)}</span>
        ${opened
          ? html`<button @click=${() => this.#close(name)}>Close</button>`
          : html`<button @click=${() => this.#page.route.go('recordings', name)} title=${active ? 'What is in it by now' : ''}>Open</button>`}</div>
      ${opened ? this.#content(opened) : nothing}</li>`;
  }

  #content({about, read, isWhole, failed}) {
    const lost = about?.sessions.reduce((sum, {dropped}) => sum + dropped, 0) ?? 0;
    return html`${failed ? failure(failed) : nothing}
      <p class="of" role="status">${isWhole ? '' : failed ? 'Not all of it can be read. ' : 'Reading… '}${count(read, 'event')}${about ? ` of ${count(about.messages, 'message')}` : ''}${lost > 0
        ? `; ${lost} were lost while it was recorded` : ''}</p>
      <ul class="cards">${(about?.apps ?? []).map((app) => this.#app(about.name, app))}</ul>`;
  }

  #app(name, app) {
    return html`<li><a href=${address('app', `recording/${name}/${app.id}`)}><strong>${told(app.name, 80)}</strong>
      <span>${told(`${app.os} · ${app.device}`, 80)}</span><span>${clock(app.connected_at)}, ${count(app.plugins.length, 'plugin')}</span></a></li>`;
  }

  async #refresh() {
    clearTimeout(this.#timer);
    await this.#do(async () => (this.#list = await this.#page.link.fetch('GET', 'recordings')));
    // How far it is.
    if (this.#list?.some(({active}) => active) && this.element.isConnected) this.#timer = setTimeout(() => this.#refresh(), 1000);
  }

  async #start(event) {
    event.preventDefault();
    await this.#do(() => this.#page.link.fetch('POST', 'recordings', this.#name ? {name: this.#name} : {}));
    this.#name = '';
    this.#refresh();
  }

  async #stop() {
    await this.#do(() => this.#page.link.fetch('POST', 'recordings/stop'));
    this.#refresh();
  }

  #close(name) {
    this.#page.recordings.close(name);
    this.#page.route.go('recordings');
  }

  async #do(what) {
    try {
      await what();
      this.#failed = null;
    } catch (error) {
      this.#failed = error;
    }
    this.#page.update();
  }
}
