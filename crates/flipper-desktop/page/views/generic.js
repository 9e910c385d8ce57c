// Any plugin: its events as a table with a JSON tree, and a box to call it.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {CallBox} from './call-box.js';
import {Rows} from '../rows.js';
import {split} from '../split.js';
import {clock, count, line, summary, told} from '../text.js';

const COLUMNS = [
  {key: 'time', title: 'Time', width: '112px', cell: (row) => clock(row.time)},
  {key: 'method', title: 'Event', width: 'minmax(80px, 180px)', cell: (row) => told(row.method, 60)},
  {key: 'params', title: 'Content', width: 'minmax(160px, 1fr)', cell: (row) => html`<bdi>${(row.summary ??= summary(row.params, 200))}</bdi>`},
];

export class GenericView {
  element = document.createElement('div');
  #context;
  #rows;
  #calls;
  #selected = null;
  #search = '';

  constructor(context) {
    this.#context = context;
    this.element.className = 'inner';
    this.#calls = new CallBox(context);
  }

  open([key]) {
    if (key !== undefined) this.#selected = key;
  }

  update(runs) {
    const feed = this.#context.feed();
    this.#rows ??= new Rows(feed);
    const rows = this.#rows.current();
    if (this.#rows.isBehind) setTimeout(this.#context.update, 100);
    const row = this.#selected === null ? undefined : feed.find(String(this.#selected));
    this.#calls.update(runs);
    const table = {
      label: `Events of ${this.#context.plugin}`,
      columns: COLUMNS,
      rows,
      selected: row?.key,
      onselect: (row) => this.#select(row),
      leftOut: feed.leftOut,
      follow: true,
    };
    render(
      html`<div class="tools">
          <input type="search" placeholder="Search events" aria-label="Search events" .value=${this.#search} @input=${(event) => this.#find(event.target.value)}>
          <span class="of" role="status">${rows === feed ? count(feed.length, 'event') : `${rows.length} of ${count(feed.length, 'event')}`}</span>
          <button ?disabled=${feed.length === 0} @click=${() => this.#clear(feed)}>Clear</button>
        </div>
        ${split(this.#context.settings, 'generic', html`<data-table .shown=${table}></data-table>`, row ? this.#detail(row) : nothing)}
        ${this.#calls.element}`,
      this.element,
    );
  }

  #detail(row) {
    return html`<section class="detail" aria-label="The event">
      <header><h3>${told(row.method, 80)}</h3><time>${clock(row.time)}</time>
        <button class="icon" aria-label="Close" title="Close" @click=${() => this.#select(null)}>×</button></header>
      <json-tree .value=${row.params ?? null}></json-tree></section>`;
  }

  #select(row) {
    this.#selected = row?.key ?? null;
    this.#context.select(...(row ? [row.key] : []));
    this.#context.update();
  }

  #find(text) {
    this.#search = text;
    const wanted = text.toLowerCase();
    const has = (row) => (row.text ??= line(`${row.method} ${summary(row.params, 10_000)}`, 10_000).toLowerCase()).includes(wanted);
    this.#rows.narrow(wanted ? has : null);
    this.#context.update();
  }

  #clear(feed) {
    feed.clear();
    this.#select(null);
  }
}
