// Values of databases, as apps send them: `{type, value}`.

import {html, nothing} from '../lib/lit-html/lit-html.js';
import {parse} from '../json.js';
import {asText, bytes, line, told} from '../text.js';

const LONG = 200;

export function cell(value) {
  if (value === null || typeof value !== 'object' || value.type === 'null' || value.value === undefined || value.value === null) {
    return html`<span class="null">NULL</span>`;
  }
  const isNumber = ['integer', 'float', 'double', 'number'].includes(value.type);
  const kind = isNumber ? 'number' : value.type === 'boolean' || value.type === 'blob' ? value.type : 'plain';
  return html`<bdi class=${kind}>${line(asText(value.value), LONG)}</bdi>`;
}

// The columns and rows of an answer as those of a <data-table>.
export function tableOf(label, columns, values, more = {}) {
  const names = Array.isArray(columns) ? columns.map(asText) : [];
  const rows = (Array.isArray(values) ? values : []).map((cells, at) => ({key: at + 1, cells: Array.isArray(cells) ? cells : []}));
  return {
    label,
    columns: names.map((title, at) => ({key: title, title: line(title, 60), width: 'minmax(90px, 1fr)', cell: (row) => cell(row.cells[at])})),
    rows,
    ...more,
  };
}

// A row, with all of every value.
export function rowDetail(names, row, close) {
  return html`<section class="detail" aria-label="The row">
    <header><h3>Row</h3><button class="icon" aria-label="Close" title="Close" @click=${close}>×</button></header>
    <dl class="fields">${names.map((name, at) => html`<dt>${told(name, 100)}</dt><dd>${whole(row.cells[at])}</dd>`)}</dl></section>`;
}

function whole(value) {
  const text = asText(value?.value);
  if (text.length <= LONG && !/^\s*[[{]/.test(text)) return cell(value);
  try {
    if (value.type !== 'integer') return html`<json-tree .value=${parse(text)}></json-tree>`;
  } catch {
    // It only begins as JSON does.
  }
  return html`<long-text .value=${text}></long-text>${text.length > LONG ? html`<span class="of">${bytes(text.length)}</span>` : nothing}`;
}
