// Logs: what the app logs, filtered here by level and target, and in the app by its own filter.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {Rows} from '../rows.js';
import {split} from '../split.js';
import {asText, clock, count, failure, line, summary, told} from '../text.js';

const LEVELS = ['ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'];

const CLASSES = new Map([['ERROR', 'bad'], ['WARN', 'warn'], ['DEBUG', 'soft'], ['TRACE', 'soft']]);

const COLUMNS = [
  {key: 'time', title: 'Time', width: '112px', cell: (row) => clock(of(row).time ?? row.time)},
  {key: 'level', title: 'Level', width: '66px', cell: (row) => told(of(row).level ?? row.method, 12)},
  {key: 'target', title: 'Target', width: 'minmax(80px, 190px)', cell: (row) => told(of(row).target, 80)},
  {key: 'message', title: 'Message', width: 'minmax(160px, 1fr)', cell: message},
];

export class LogsView {
  element = document.createElement('div');
  #context;
  #rows = null;
  #selected = null;
  #levels = new Set(LEVELS);
  #target = '';
  #search = '';
  #follow = true;
  // The app's own filter, what it was at first, and why it took no other.
  #recorded = null;
  // What somebody has typed instead and not set yet.
  #typed = null;
  #failed = null;

  constructor(context) {
    this.#context = context;
    this.element.className = 'inner';
  }

  open([key]) {
    if (key !== undefined) this.#selected = key;
  }

  async begin() {
    this.#recorded = await this.#context.call('getFilter').catch(() => null);
    this.#context.update();
  }

  update() {
    const feed = this.#context.feed();
    this.#rows ??= new Rows(feed);
    const rows = this.#rows.current();
    if (this.#rows.isBehind) setTimeout(this.#context.update, 100);
    const row = this.#selected === null ? undefined : feed.find(String(this.#selected));
    const table = {
      label: 'Logs',
      columns: COLUMNS,
      rows,
      selected: row?.key,
      onselect: (row) => this.#select(row),
      leftOut: feed.leftOut,
      follow: this.#follow,
      rowClass: (row) => CLASSES.get(of(row).level) ?? '',
    };
    render(
      html`${this.#tools(feed, rows)}${this.#filter()}
        ${split(this.#context.settings, 'logs', html`<data-table .shown=${table}></data-table>`, row ? this.#detail(row) : nothing)}`,
      this.element,
    );
  }

  #tools(feed, rows) {
    return html`<div class="tools">
      <input type="search" placeholder="Search messages and fields" aria-label="Search logs" .value=${this.#search} @input=${(event) => this.#narrow(() => (this.#search = event.target.value))}>
      <input class="target" placeholder="Target, such as shop::orders" aria-label="Target" .value=${this.#target} spellcheck="false" @input=${(event) => this.#narrow(() => (this.#target = event.target.value))}>
      <span role="group" aria-label="Levels" class="levels">${LEVELS.map((level) => html`<button aria-pressed=${this.#levels.has(level)}
        @click=${() => this.#narrow(() => this.#toggle(level))}>${level}</button>`)}</span>
      <span class="of" role="status">${rows === feed ? count(feed.length, 'entry', 'entries') : `${rows.length} of ${count(feed.length, 'entry', 'entries')}`}</span>
      <button aria-pressed=${this.#follow} title="Stay at the newest entry" @click=${() => this.#narrow(() => (this.#follow = !this.#follow))}>Follow</button>
      <button ?disabled=${feed.length === 0} @click=${() => this.#clear(feed)}>Clear</button>
    </div>`;
  }

  #filter() {
    if (this.#recorded === null) return nothing;
    return html`<form class="tools" @submit=${(event) => this.#record(event)}>
        <label for="recorded">Recorded in the app</label>
        <input id="recorded" name="filter" class="recorded" .value=${this.#typed ?? asText(this.#recorded.filter)}
          @input=${(event) => (this.#typed = event.target.value)} spellcheck="false" autocapitalize="off">
        <button>Set</button><span class="of">in the words of <code>RUST_LOG</code>; empty is ${told(this.#recorded.default, 80)}</span>
      </form>${this.#failed ? failure(this.#failed) : nothing}`;
  }

  #detail(row) {
    const {level, target, message, fields, spans, spansLeftOut, file, line: at, module, thread} = of(row);
    const facts = [['Target', target], ['Module', module], ['Place', file && `${file}${at === undefined ? '' : `:${at}`}`], ['Thread', thread]];
    return html`<section class="detail" aria-label="The entry">
      <header><h3>${told(level ?? row.method, 20)} <time>${clock(of(row).time ?? row.time)}</time></h3>
        <button class="icon" aria-label="Close" title="Close" @click=${() => this.#select(null)}>×</button></header>
      <long-text .value=${asText(message ?? row.params)}></long-text>
      <dl>${facts.filter(([, value]) => value !== undefined && value !== null).map(([name, value]) => html`<dt>${name}</dt><dd>${told(value, 500)}</dd>`)}</dl>
      ${fields === undefined ? nothing : html`<h3>Fields</h3><json-tree .value=${fields}></json-tree>`}
      ${Array.isArray(spans) ? spans.map((span, at) => html`<h3>Span ${at + 1}: ${told(span?.name, 80)}</h3><json-tree .value=${span?.fields ?? span}></json-tree>`) : nothing}
      ${spansLeftOut > 0 ? html`<p class="note">${count(spansLeftOut, 'outer span')} left out.</p>` : nothing}
    </section>`;
  }

  #select(row) {
    this.#selected = row?.key ?? null;
    this.#context.select(...(row ? [row.key] : []));
    this.#context.update();
  }

  #toggle(level) {
    if (!this.#levels.delete(level)) this.#levels.add(level);
  }

  #narrow(change) {
    change();
    const words = this.#search.toLowerCase().split(/\s+/).filter(Boolean);
    const isAll = this.#levels.size === LEVELS.length && this.#target === '' && words.length === 0;
    const fits = (row) => {
      const {level, target} = of(row);
      if (LEVELS.includes(level) && !this.#levels.has(level)) return false;
      if (this.#target && !asText(target).startsWith(this.#target)) return false;
      row.text ??= `${asText(of(row).message)} ${summary(of(row).fields ?? '', 2000)}`.toLowerCase();
      return words.every((word) => row.text.includes(word));
    };
    this.#rows.narrow(isAll ? null : fits);
    this.#context.update();
  }

  async #record(event) {
    event.preventDefault();
    const filter = new FormData(event.target).get('filter');
    try {
      this.#recorded = await this.#context.call('setFilter', {filter});
      this.#failed = null;
      if (this.#typed === filter) this.#typed = null;
    } catch (error) {
      this.#failed = error;
    }
    this.#context.update();
  }

  #clear(feed) {
    feed.clear();
    this.#select(null);
  }
}

// What the entry says, whatever was sent for one.
function of({params}) {
  return params !== null && typeof params === 'object' ? params : {};
}

function message(row) {
  const {message, fields} = of(row);
  const hasFields = fields !== null && typeof fields === 'object' && Object.keys(fields).length > 0;
  return html`<bdi>${line(asText(message ?? row.params), 300)}</bdi>${hasFields ? html` <bdi class="of">${summary(fields, 120)}</bdi>` : nothing}`;
}
