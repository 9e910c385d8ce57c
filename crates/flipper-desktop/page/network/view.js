// Network: requests as a table, the selected one in detail.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {Rows} from '../rows.js';
import {split} from '../split.js';
import {bytes, clock, count, duration, line, told} from '../text.js';
import {detail} from './detail.js';
import {har, save} from './export.js';
import {Mocks} from './mocks.js';

const STATUSES = {'': 'Any status', 2: '2xx', 3: '3xx', 4: '4xx', 5: '5xx', failed: 'Failed', open: 'No response yet', mock: 'Mocked'};

const ORDERS = {
  time: (row) => row.start ?? row.time,
  method: (row) => row.method,
  host: (row) => row.host,
  path: (row) => row.path,
  status: (row) => Number(row.status ?? -2),
  size: (row) => row.bytes ?? -1,
  duration: (row) => (row.end === undefined ? -1 : row.end - row.start),
};

export class NetworkView {
  element = document.createElement('div');
  #context;
  #rows = null;
  #mocks;
  #selected = null;
  #filter = {text: '', method: '', status: ''};
  #sort = null;
  #showsMocks = false;
  // The span of time of the rows in sight.
  #from = 0;
  #to = 1;

  constructor(context) {
    this.#context = context;
    this.element.className = 'inner';
    this.#mocks = new Mocks(context);
  }

  begin() {
    this.#mocks.begin();
  }

  open([key]) {
    if (key !== undefined) this.#selected = key;
  }

  update() {
    const feed = this.#context.feed();
    this.#rows ??= new Rows(feed);
    const rows = this.#rows.current();
    if (this.#rows.isBehind) setTimeout(this.#context.update, 100);
    const row = this.#selected === null ? undefined : feed.find(this.#selected);
    const table = {
      label: 'Requests',
      columns: this.#columnsFor(row),
      rows,
      selected: row?.key,
      onselect: (row) => this.#select(row),
      leftOut: feed.leftOut,
      follow: this.#sort === null,
      sort: this.#sort,
      onsort: (sort) => this.#order(sort),
      rowClass,
      onrange: (drawn) => this.#span(drawn),
    };
    if (this.#showsMocks) this.#mocks.update();
    const actions = {close: () => this.#select(null), mock: this.#mocks.isSupported ? () => this.#mock(row) : null};
    render(
      html`${this.#tools(feed, rows)}
        ${this.#showsMocks ? this.#mocks.element : nothing}
        ${split(this.#context.settings, 'network', html`<data-table .shown=${table}></data-table>`, row ? detail(row, actions) : nothing)}`,
      this.element,
    );
  }

  #tools(feed, rows) {
    const {text, method, status} = this.#filter;
    const methods = new Set();
    for (let at = 0; at < feed.length && at < 1000; at++) methods.add(feed.at(at).method);
    return html`<div class="tools">
      <input type="search" placeholder="Search URL, method, status" aria-label="Search requests" .value=${text} @input=${(event) => this.#narrow({text: event.target.value})}>
      <select aria-label="Method" @change=${(event) => this.#narrow({method: event.target.value})}><option value="">Any method</option>
        ${[...methods].sort().map((name) => html`<option value=${name} ?selected=${name === method}>${line(name, 20)}</option>`)}</select>
      <select aria-label="Status" @change=${(event) => this.#narrow({status: event.target.value})}>
        ${Object.entries(STATUSES).map(([value, name]) => html`<option value=${value} ?selected=${value === status}>${name}</option>`)}</select>
      <span class="of" role="status">${rows === feed ? count(feed.length, 'request') : `${rows.length} of ${count(feed.length, 'request')}`}</span>
      ${this.#mocks.isSupported
        ? html`<button aria-pressed=${this.#showsMocks} @click=${() => this.#toggle()}>Mocks${this.#mocks.count > 0 ? ` (${this.#mocks.count})` : ''}</button>`
        : nothing}
      <button ?disabled=${rows.length === 0} @click=${() => this.#export(rows)}>Export HAR</button>
      <button ?disabled=${feed.length === 0} @click=${() => this.#clear(feed)}>Clear</button>
    </div>`;
  }

  #columns = [
    {key: 'time', title: 'Time', width: '112px', cell: (row) => clock(row.start ?? row.time)},
    {key: 'method', title: 'Method', width: '74px', cell: (row) => told(row.method, 20)},
    {key: 'host', title: 'Host', width: 'minmax(90px, 160px)', cell: (row) => told(row.host, 100)},
    {key: 'path', title: 'Path', width: 'minmax(140px, 1fr)', cell: (row) => html`<bdi title=${line(row.url, 1000)}>${line(row.path, 200)}</bdi>`},
    {key: 'status', title: 'Status', width: '78px', cell: status},
    {key: 'size', title: 'Size', width: '76px', end: true, cell: (row) => (row.bytes === undefined ? '' : bytes(row.bytes))},
    {key: 'duration', title: 'Duration', width: '84px', end: true, cell: (row) => (row.end === undefined ? '' : duration(row.end - row.start))},
    {key: 'waterfall', title: 'Waterfall', width: 'minmax(84px, 160px)', sorts: false, cell: (row) => this.#bar(row)},
  ];

  // What there is room for.
  #columnsFor(row) {
    const room = this.element.clientWidth * (row && innerWidth > 900 ? 0.58 : 1) || 1000;
    const without = room < 480 ? ['time', 'host', 'size', 'waterfall'] : room < 740 ? ['host', 'waterfall'] : [];
    return this.#columns.filter(({key}) => !without.includes(key));
  }

  #bar(row) {
    if (row.start === undefined) return nothing;
    const at = (time) => (100 * (time - this.#from)) / (this.#to - this.#from);
    const left = Math.max(0, at(row.start));
    const width = Math.max(1.5, at(row.end ?? this.#to) - left);
    const first = row.response?.insights?.timeToFirstByte;
    const wait = first > 0 && row.end > row.start ? Math.min(100, (100 * first) / (row.end - row.start)) : 100;
    return html`<span class="bar ${row.end === undefined ? 'open' : ''}" .style=${`margin-left: ${left}%; width: ${width}%; --wait: ${wait}%`}></span>`;
  }

  #span(drawn) {
    const starts = drawn.map((row) => row.start).filter(Number.isFinite);
    const ends = drawn.map((row) => row.end ?? row.start).filter(Number.isFinite);
    this.#from = Math.min(...starts);
    this.#to = Math.max(this.#from + 1, ...ends);
  }

  #select(row) {
    this.#selected = row?.key ?? null;
    this.#context.select(...(row ? [row.key] : []));
    this.#context.update();
  }

  #narrow(change) {
    Object.assign(this.#filter, change);
    const {text, method, status} = this.#filter;
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (row) => (!method || row.method === method) && isOf(row, status) && words.every((word) => row.text.includes(word));
    const isAll = words.length === 0 && !method && !status;
    this.#rows.narrow(isAll ? null : fits, this.#comparison());
    this.#context.update();
  }

  #order(sort) {
    this.#sort = sort;
    this.#narrow({});
  }

  #comparison() {
    if (!this.#sort) return null;
    const by = ORDERS[this.#sort.key];
    const way = this.#sort.down ? -1 : 1;
    return (one, other) => (by(one) < by(other) ? -way : by(one) > by(other) ? way : 0);
  }

  #toggle() {
    this.#showsMocks = !this.#showsMocks;
    this.#context.update();
  }

  #mock(row) {
    this.#showsMocks = true;
    this.#mocks.copy(row);
  }

  async #export(rows) {
    const all = Array.from({length: rows.length}, (_, at) => rows.at(at));
    save('flipper.har', await har(all, this.#context.store.status?.version ?? ''), 'application/json');
  }

  #clear(feed) {
    feed.clear();
    this.#select(null);
  }
}

function status(row) {
  if (row.other !== undefined) return html`<span class="chip">event</span>`;
  if (!row.response) return html`<span class="chip" title="There is no response yet">…</span>`;
  const isFailed = row.status === -1;
  const kind = isBad(row) ? 'bad' : row.isMock ? 'warn' : 'good';
  return html`<span class="chip ${kind}" title=${line(row.reason, 200)}>${isFailed ? 'failed' : told(row.status, 10)}${row.isMock ? ' mock' : ''}</span>`;
}

function isBad({status}) {
  return status === -1 || (status >= 400 && status < 600);
}

function rowClass(row) {
  return row.response && isBad(row) ? 'bad' : row.isMock ? 'warn' : '';
}

function isOf(row, status) {
  switch (status) {
    case '':
      return true;
    case 'failed':
      return row.status === -1;
    case 'open':
      return !row.response;
    case 'mock':
      return row.isMock === true;
    default:
      return Math.floor(row.status / 100) === Number(status);
  }
}
