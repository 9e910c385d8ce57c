// Databases: a browser for tables, their structure, and SQL.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {failure, told} from '../text.js';
import {DataTab} from './data.js';
import {SqlTab} from './sql.js';
import {StructureTab} from './structure.js';

const TABS = {data: 'Data', structure: 'Structure', sql: 'SQL'};

export class DatabasesView {
  element = document.createElement('div');
  #context;
  #databases = [];
  #database = null;
  #table = null;
  #tab = 'data';
  #tabs;
  #failed = null;
  // What the address says, by name, until the list is there.
  #wanted = [];

  constructor(context) {
    this.#context = context;
    this.element.className = 'inner';
    this.#tabs = {data: new DataTab(context), structure: new StructureTab(context), sql: new SqlTab(context)};
  }

  open([database, tab, table]) {
    if (database === undefined) return;
    this.#wanted = [database, table];
    if (tab in TABS) this.#tab = tab;
    if (this.#databases.length > 0) this.#find();
  }

  async begin() {
    try {
      const told = await this.#context.call('databaseList');
      const isOne = (database) => database !== null && typeof database === 'object' && Array.isArray(database.tables);
      this.#databases = (Array.isArray(told) ? told : []).filter(isOne);
      this.#failed = null;
      this.#find();
    } catch (error) {
      this.#failed = error;
    }
    this.#context.update();
  }

  update(runs) {
    const tab = this.#tabs[this.#tab];
    tab.update(runs);
    render(
      html`<div class="tools">
          <label>Database <select @change=${(event) => this.#choose(Number(event.target.value))}>${this.#databases.map((database, at) =>
            html`<option value=${at} ?selected=${database === this.#database}>${told(database.name, 80)}</option>`)}</select></label>
          ${this.#tab === 'sql'
            ? nothing
            : html`<label>Table <select @change=${(event) => this.#chooseTable(event.target.value)}>${(this.#database?.tables ?? []).map((name) =>
                html`<option value=${name} ?selected=${name === this.#table}>${told(name, 80)}</option>`)}</select></label>`}
          <span role="group" aria-label="Show" class="tabs">${Object.entries(TABS).map(([key, name]) =>
            html`<button aria-pressed=${key === this.#tab} @click=${() => this.#show(key)}>${name}</button>`)}</span>
          <span class="of"></span>
          <button ?disabled=${!runs} @click=${() => this.begin()}>Refresh</button>
        </div>
        ${this.#failed ? failure(this.#failed) : nothing}
        ${this.#databases.length === 0 && !this.#failed ? html`<p class="none">The app lists no databases.</p>` : tab.element}`,
      this.element,
    );
  }

  // Stays with the database and table of before, where they are still there.
  #find() {
    const [database = this.#database?.name, table = this.#table] = this.#wanted;
    this.#wanted = [];
    this.#database = this.#databases.find(({name}) => name === database) ?? this.#databases[0] ?? null;
    const tables = this.#database?.tables ?? [];
    this.#table = tables.includes(table) ? table : (tables[0] ?? null);
    this.#load();
  }

  #choose(at) {
    this.#database = this.#databases[at];
    this.#table = this.#database.tables[0] ?? null;
    this.#load();
  }

  #chooseTable(name) {
    this.#table = name;
    this.#load();
  }

  #show(tab) {
    this.#tab = tab;
    this.#load();
  }

  #load() {
    if (!this.#database) return;
    this.#context.select(this.#database.name, this.#tab, ...(this.#table === null ? [] : [this.#table]));
    this.#tabs[this.#tab].load(this.#database.id, this.#table);
    this.#context.update();
  }
}
