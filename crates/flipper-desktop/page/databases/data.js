// The rows of a table, a page at a time.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {split} from '../split.js';
import {failure} from '../text.js';
import {rowDetail, tableOf} from './cells.js';

const PAGE = 50;

export class DataTab {
  element = document.createElement('div');
  #context;
  #database = null;
  #table = null;
  #start = 0;
  #sort = null;
  #page = null;
  #selected = null;
  #failed = null;
  // Only the last question's answer is shown.
  #asked = 0;

  constructor(context) {
    this.#context = context;
    this.element.className = 'inner';
  }

  load(database, table) {
    if (database !== this.#database || table !== this.#table) {
      this.#start = 0;
      this.#sort = null;
      this.#page = null;
    }
    this.#database = database;
    this.#table = table;
    this.#ask();
  }

  update(runs) {
    const {columns, values, total, start} = this.#page ?? {};
    const table = this.#page && tableOf(`Rows of ${this.#table}`, columns, values, {
      selected: this.#selected,
      onselect: (row) => this.#select(row?.key ?? null),
      sort: this.#sort,
      onsort: (sort) => this.#order(sort),
    });
    const row = table?.rows.find(({key}) => key === this.#selected);
    const last = this.#page ? start + table.rows.length : 0;
    render(
      html`<div class="tools">
          <button aria-label="Page before" ?disabled=${!runs || this.#start === 0} @click=${() => this.#turn(-1)}>‹</button>
          <button aria-label="Next page" ?disabled=${!runs || !this.#page || last >= total} @click=${() => this.#turn(1)}>›</button>
          <span class="of" role="status">${this.#page ? `${table.rows.length === 0 ? 0 : start + 1}–${last} of ${total} rows` : 'Loading…'}</span>
        </div>
        ${this.#failed ? failure(this.#failed) : nothing}
        ${table ? split(this.#context.settings, 'databases', html`<data-table .shown=${table}></data-table>`,
            row ? rowDetail(columns, row, () => this.#select(null)) : nothing) : nothing}`,
      this.element,
    );
  }

  #turn(by) {
    this.#start = Math.max(0, this.#start + by * PAGE);
    this.#ask();
  }

  #order(sort) {
    this.#sort = sort;
    this.#start = 0;
    this.#ask();
  }

  #select(key) {
    this.#selected = key;
    this.#context.update();
  }

  async #ask() {
    const asked = ++this.#asked;
    this.#selected = null;
    if (this.#table === null) return;
    const sort = this.#sort ? {order: this.#sort.key, reverse: this.#sort.down} : {reverse: false};
    const params = {databaseId: this.#database, table: this.#table, start: this.#start, count: PAGE, ...sort};
    const answer = await this.#context.call('getTableData', params).catch((error) => error);
    if (asked !== this.#asked) return;
    this.#failed = answer instanceof Error ? answer : null;
    if (!this.#failed) this.#page = {start: this.#start, total: this.#start, ...answer};
    this.#context.update();
  }
}
