// <data-table .shown=…>: any number of rows, of which only those in sight are made. All rows have the same height.
//
// `shown` is {label, columns, rows, selected, onselect, leftOut, sort, onsort, follow, rowClass, onrange}. `rows` has `length` and
// `at`, and each row a `key`; `onselect` is told null for none. `onrange` is told the rows that are about to be drawn. A column is {key, title, width, cell(row), end, sorts}.

import {html, nothing, render} from './lib/lit-html/lit-html.js';

export const ROW_HEIGHT = 26;

// Rows that are made beyond those in sight.
const MARGIN = 8;

let tables = 0;

class DataTable extends HTMLElement {
  #shown = null;
  #id = `table-${++tables}`;
  #resized = new ResizeObserver(() => this.#render());
  #leftOut = 0;
  #follows = true;

  set shown(shown) {
    this.#shown = shown;
    if (this.isConnected) this.#render();
  }

  connectedCallback() {
    this.#resized.observe(this);
    this.#render();
  }

  disconnectedCallback() {
    this.#resized.disconnect();
  }

  get #pane() {
    return this.querySelector('.rows-pane');
  }

  #render() {
    if (!this.#shown) return;
    this.#draw();
    const pane = this.#pane;
    const before = pane.scrollTop;
    const {rows, follow, leftOut = 0} = this.#shown;
    // Rows that went move all others up; the eye stays where it is.
    const moved = (leftOut - this.#leftOut) * ROW_HEIGHT;
    this.#leftOut = leftOut;
    if (follow && this.#follows) pane.scrollTop = rows.length * ROW_HEIGHT;
    else if (moved > 0) pane.scrollTop -= moved;
    if (pane.scrollTop !== before) this.#draw();
  }

  #draw() {
    const {label, columns, rows, selected} = this.#shown;
    const pane = this.#pane;
    const height = pane?.clientHeight ?? 400;
    const first = Math.max(0, Math.floor((pane?.scrollTop ?? 0) / ROW_HEIGHT) - MARGIN);
    const last = Math.min(rows.length, first + Math.ceil(height / ROW_HEIGHT) + 2 * MARGIN);
    const drawn = [];
    this.#shown.onrange?.(Array.from({length: Math.max(0, last - first)}, (_, at) => rows.at(first + at)));
    let active = nothing;
    for (let index = first; index < last; index++) {
      const row = rows.at(index);
      if (row.key === selected) active = `${this.#id}-${index}`;
      drawn.push(this.#row(row, index));
    }
    const template = columns.map((column) => column.width).join(' ');
    render(
      html`<div class="rows-pane" role="grid" tabindex="0" aria-label=${label} aria-rowcount=${rows.length + 1}
          aria-colcount=${columns.length} aria-activedescendant=${active}
          .style=${`--columns: ${template}`} @scroll=${this.#scrolled} @keydown=${this.#pressed}>
        <div role="rowgroup" class="head"><div role="row" class="row" aria-rowindex="1">${columns.map((column) => this.#title(column))}</div></div>
        <div role="rowgroup" class="space" .style=${`height: ${rows.length * ROW_HEIGHT}px`}>
          <div role="presentation" class="drawn" .style=${`transform: translateY(${first * ROW_HEIGHT}px)`}>${drawn}</div>
        </div>
      </div>`,
      this,
    );
  }

  #title(column) {
    const {sort, onsort} = this.#shown;
    if (!onsort || column.sorts === false) return html`<div role="columnheader" class=${column.end ? 'end' : nothing}>${column.title}</div>`;
    const isIt = sort?.key === column.key;
    const next = isIt ? (sort.down ? null : {key: column.key, down: true}) : {key: column.key, down: false};
    const order = isIt ? (sort.down ? 'descending' : 'ascending') : 'none';
    return html`<div role="columnheader" aria-sort=${order} class=${column.end ? 'end' : nothing}>
      <button @click=${() => onsort(next)}>${column.title}</button></div>`;
  }

  #row(row, index) {
    const {columns, selected, rowClass} = this.#shown;
    const isIt = row.key === selected;
    const kind = `row ${rowClass?.(row) ?? ''}`;
    return html`<div role="row" class=${kind} id="${this.#id}-${index}" aria-rowindex=${index + 2}
        aria-selected=${isIt} @click=${() => this.#select(row)}>
      ${columns.map((column) => html`<div role="gridcell" class=${column.end ? 'end' : nothing}>${column.cell(row)}</div>`)}
    </div>`;
  }

  #select(row) {
    this.#shown.onselect?.(row);
  }

  #scrolled = () => {
    const pane = this.#pane;
    this.#follows = pane.scrollTop + pane.clientHeight >= pane.scrollHeight - ROW_HEIGHT;
    this.#draw();
  };

  #pressed = (event) => {
    const {rows, selected} = this.#shown;
    const page = Math.max(1, Math.floor(this.#pane.clientHeight / ROW_HEIGHT) - 2);
    const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity};
    const step = steps[event.key];
    if (event.key === 'Escape') return this.#select(null);
    if (step === undefined || rows.length === 0 || event.target !== this.#pane) return;
    event.preventDefault();
    let at = -1;
    for (let index = 0; index < rows.length && at < 0; index++) {
      if (rows.at(index).key === selected) at = index;
    }
    if (at < 0) at = step > 0 ? -1 : rows.length;
    const next = Math.min(rows.length - 1, Math.max(0, at + step));
    this.#reveal(next);
    this.#select(rows.at(next));
  };

  #reveal(index) {
    const pane = this.#pane;
    const top = index * ROW_HEIGHT;
    // The titles cover the first row's height.
    const sight = pane.clientHeight - 2 * ROW_HEIGHT;
    if (top < pane.scrollTop) pane.scrollTop = top;
    else if (top > pane.scrollTop + sight) pane.scrollTop = top - sight;
  }
}

customElements.define('data-table', DataTable);
