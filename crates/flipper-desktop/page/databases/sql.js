// A box for SQL, with what was run before.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {split} from '../split.js';
import {count, duration, failure, line} from '../text.js';
import {rowDetail, tableOf} from './cells.js';

// Statements that are remembered.
const MAX_HISTORY = 50;

export class SqlTab {
  element = document.createElement('div');
  #context;
  #database = null;
  #sql = '';
  #result = null;
  #failed = null;
  #took = 0;
  #runsNow = false;
  #selected = null;

  constructor(context) {
    this.#context = context;
    this.element.className = 'inner';
  }

  load(database) {
    this.#database = database;
  }

  update(runs) {
    const history = this.#history;
    const {columns, values} = this.#result ?? {};
    const hasRows = Array.isArray(columns) && columns.length > 0;
    const table = hasRows ? tableOf('Result', columns, values, {selected: this.#selected, onselect: (row) => this.#select(row?.key ?? null)}) : null;
    const row = table?.rows.find(({key}) => key === this.#selected);
    render(
      html`<form class="sql" @submit=${(event) => this.#submit(event)}>
          <textarea rows="4" aria-label="SQL" placeholder="SELECT …" spellcheck="false" .value=${this.#sql}
            @input=${(event) => (this.#sql = event.target.value)} @keydown=${(event) => this.#pressed(event)}></textarea>
          <div class="line"><button ?disabled=${!runs || this.#runsNow} title="Ctrl+Enter">Run</button>
            ${history.length > 0
              ? html`<select aria-label="Statements that were run" @change=${(event) => this.#again(event.target)}><option value="">History…</option>
                  ${history.map((sql, at) => html`<option value=${at}>${line(sql, 80)}</option>`)}</select>`
              : nothing}
            <span class="of" role="status">${this.#said(table)}</span></div>
        </form>
        ${this.#failed ? failure(this.#failed) : nothing}
        ${table ? split(this.#context.settings, 'sql', html`<data-table .shown=${table}></data-table>`,
            row ? rowDetail(columns, row, () => this.#select(null)) : nothing) : nothing}`,
      this.element,
    );
  }

  get #key() {
    return `sql.${this.#context.id}`;
  }

  get #history() {
    const known = this.#context.settings.get(this.#key, []);
    return Array.isArray(known) ? known.filter((sql) => typeof sql === 'string') : [];
  }

  #said(table) {
    if (this.#runsNow) return 'Running…';
    if (!this.#result) return '';
    const {insertedId, affectedCount} = this.#result;
    const parts = [
      table && count(table.rows.length, 'row'),
      affectedCount !== undefined && affectedCount !== null && !table && `${count(affectedCount, 'row')} changed`,
      insertedId ? `the new row is ${insertedId}` : null,
    ].filter(Boolean);
    return `${parts.length > 0 ? parts.join(', ') : 'Done'}, in ${duration(this.#took)}`;
  }

  #select(key) {
    this.#selected = key;
    this.#context.update();
  }

  #pressed(event) {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.#submit(event);
  }

  #again(list) {
    this.#sql = this.#history[Number(list.value)] ?? this.#sql;
    list.value = '';
    this.#context.update();
  }

  async #submit(event) {
    event.preventDefault();
    const sql = this.#sql.trim();
    if (sql === '' || this.#runsNow) return;
    this.#context.settings.set(this.#key, [sql, ...this.#history.filter((other) => other !== sql)].slice(0, MAX_HISTORY));
    this.#runsNow = true;
    this.#selected = null;
    this.#context.update();
    const began = performance.now();
    const answer = await this.#context.call('execute', {databaseId: this.#database, value: sql}).catch((error) => error);
    this.#took = performance.now() - began;
    this.#runsNow = false;
    this.#failed = answer instanceof Error ? answer : null;
    this.#result = this.#failed ? null : answer;
    this.#context.update();
  }
}
