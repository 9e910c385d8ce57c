// Requests with their responses, from what the plugin Network tells.

import {Feed} from '../feed.js';
import {summary} from '../text.js';

export class NetworkFeed extends Feed {
  #byId = new Map();
  #others = 0;

  find(key) {
    return this.#byId.get(key);
  }

  take({time, method, params}, size) {
    const id = params?.id;
    const isKnown = ['newRequest', 'newResponse', 'partialResponse'].includes(method);
    const hasId = (typeof id === 'string' && id !== '') || typeof id === 'number';
    if (!isKnown || !hasId) return this.#other(time, method, params, size);
    const row = this.#row(String(id), time, size);
    if (method === 'newRequest') this.#request(row, params);
    else if (method === 'newResponse') this.#response(row, params);
    else this.#piece(row, params);
    row.text = `${row.method} ${row.url} ${row.status ?? ''} ${row.reason}`.toLowerCase();
  }

  dropped(row) {
    this.#byId.delete(row.key);
  }

  #row(key, time, size) {
    const known = this.#byId.get(key);
    if (known) {
      known.size += size;
      this.chars += size;
      this.version += 1;
      return known;
    }
    const row = {key, time, method: '', url: '', host: '', path: '', reason: '', request: null, response: null, pieces: null};
    this.#byId.set(key, row);
    this.add(row, size);
    return row;
  }

  // What no desktop knows is shown all the same.
  #other(time, method, params, size) {
    const key = `other-${++this.#others}`;
    const what = summary(params, 200);
    const row = {key, time, method: String(method), url: what, host: '', path: what, reason: '', request: null, response: null, other: params ?? null};
    row.text = `${row.method} ${what}`.toLowerCase();
    this.#byId.set(key, row);
    this.add(row, size);
  }

  #request(row, params) {
    row.request = {headers: headers(params.headers), data: text(params.data)};
    row.response = null;
    row.status = undefined;
    row.end = undefined;
    row.start = number(params.timestamp) ?? row.time;
    row.method = text(params.method) ?? '?';
    row.url = text(params.url) ?? '';
    const parsed = parsedUrl(row.url);
    row.host = parsed?.host ?? '';
    row.path = parsed ? parsed.pathname + parsed.search : row.url;
  }

  #response(row, params) {
    row.response = {headers: headers(params.headers), data: text(params.data), insights: object(params.insights)};
    row.status = Number.isFinite(Number(params.status)) && params.status !== null ? Number(params.status) : text(params.status);
    row.reason = text(params.reason) ?? '';
    row.isMock = params.isMock === true;
    row.end = number(params.timestamp);
    row.bytes = sizeOf(row.response);
  }

  // A body that comes in pieces, each in base64 of its own, in any order.
  #piece(row, params) {
    const index = number(params.index) ?? 0;
    row.pieces ??= {bodies: new Map()};
    if (index === 0) Object.assign(row.pieces, {head: params, total: number(params.totalChunks) ?? 1});
    row.pieces.bodies.set(index, text(params.data) ?? '');
    const {head, total, bodies} = row.pieces;
    if (!head || bodies.size < total) return;
    const data = [...bodies.keys()].sort((one, other) => one - other).map((index) => bodies.get(index));
    row.pieces = null;
    this.#response(row, {...head, data: null});
    row.response.data = data;
    row.bytes = sizeOf(row.response);
  }
}

// `URL.canParse` before it would read each twice.
function parsedUrl(url) {
  try {
    return new URL(url);
  } catch {
    return null;
  }
}

// The value of a header, whatever its case.
export function header(headers, name) {
  return headers.find(({key}) => key.toLowerCase() === name)?.value;
}

function sizeOf({headers, data}) {
  const told = Number(header(headers, 'content-length') ?? NaN);
  if (Number.isFinite(told)) return told;
  return [data ?? ''].flat().reduce((sum, part) => sum + Math.floor((part.replace(/=+$/, '').length * 3) / 4), 0);
}

function headers(value) {
  if (!Array.isArray(value)) return [];
  return value.filter((header) => header !== null && typeof header === 'object').map(({key, value}) => ({key: text(key) ?? '', value: text(value) ?? ''}));
}

function text(value) {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function number(value) {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function object(value) {
  return value !== null && typeof value === 'object' ? value : undefined;
}
