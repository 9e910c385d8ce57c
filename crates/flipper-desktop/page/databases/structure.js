// The columns and indexes of a table, and the statement that made it.

import {html, nothing, render} from '../lib/lit-html/lit-html.js';
import {asText, failure} from '../text.js';
import {tableOf} from './cells.js';

export class StructureTab {
  element = document.createElement('div');
  #context;
  #structure = null;
  #definition = null;
  #failed = null;
  #asked = 0;

  constructor(context) {
    this.#context = context;
    this.element.className = 'inner stack';
  }

  async load(databaseId, table) {
    const asked = ++this.#asked;
    this.#structure = null;
    if (table === null) return;
    const ask = (method) => this.#context.call(method, {databaseId, table});
    const [structure, info] = await Promise.allSettled([ask('getTableStructure'), ask('getTableInfo')]);
    if (asked !== this.#asked) return;
    this.#structure = structure.value ?? null;
    this.#failed = structure.reason ?? null;
    this.#definition = info.value?.definition ?? null;
    this.#context.update();
  }

  update() {
    const {structureColumns, structureValues, indexesColumns, indexesValues} = this.#structure ?? {};
    render(
      html`${this.#failed ? failure(this.#failed) : nothing}
        ${this.#structure
          ? html`<h3>Columns</h3><data-table .shown=${tableOf('Columns', structureColumns, structureValues)}></data-table>
              <h3>Indexes</h3><data-table .shown=${tableOf('Indexes', indexesColumns, indexesValues)}></data-table>`
          : nothing}
        ${this.#definition ? html`<h3>Definition</h3><long-text .value=${asText(this.#definition)}></long-text>` : nothing}`,
      this.element,
    );
  }
}
