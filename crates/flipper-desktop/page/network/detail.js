// A request in detail: its headers and bodies, those of its response, and how long what took.

import './message-body.js';
import {html, nothing} from '../lib/lit-html/lit-html.js';
import {bytes, clock, duration, line, told} from '../text.js';
import {copy, curl} from './export.js';

// The insights that apps may tell, in the order in which they happen.
const TIMES = {
  dnsLookupTime: 'Looking up the name',
  connectTime: 'Connecting',
  sslHandshakeTime: 'TLS',
  preTransferTime: 'Preparing',
  redirectsTime: 'Redirects',
  timeToFirstByte: 'To the first byte',
  transferTime: 'Transfer',
  postProcessingTime: 'Afterwards',
};

export function detail(row, {close, mock}) {
  return html`<section class="detail" aria-label="The request">
    <header><h3><bdi>${line(`${row.method} ${row.path}`, 300)}</bdi></h3>
      <button class="icon" aria-label="Close" title="Close" @click=${close}>×</button></header>
    ${row.other !== undefined ? html`<p class="of">No desktop knows such an event.</p><json-tree .value=${row.other}></json-tree>` : known(row, mock)}
  </section>`;
}

function known(row, mock) {
  const {request, response} = row;
  return html`<p class="url"><bdi>${line(row.url, 4000)}</bdi></p>
    <div class="actions">
      ${request ? html`<button @click=${(event) => copied(event, curl(row))}>Copy as curl</button>` : nothing}
      <button @click=${(event) => copied(event, row.url)}>Copy URL</button>
      ${mock && request ? html`<button @click=${mock}>Mock</button>` : nothing}
    </div>
    <dl>
      <dt>Status</dt><dd>${response ? html`${row.status === -1 ? 'failed' : told(row.status, 20)} ${told(row.reason, 500)}${row.isMock ? ' (made up by the app: mock)' : ''}` : 'no response yet'}</dd>
      <dt>Began</dt><dd>${clock(row.start ?? row.time)}${row.end === undefined ? nothing : html`, took ${duration(row.end - row.start)}`}</dd>
      ${timings(response?.insights)}
    </dl>
    ${request ? nothing : html`<p class="of">The request itself was sent before this page looked.</p>`}
    ${response ? part('Response', response) : nothing}
    ${request ? part('Request', request) : nothing}`;
}

function part(name, message) {
  return html`<details open class="part"><summary>${name} body</summary><message-body .message=${message}></message-body></details>
    <details open class="part"><summary>${name} headers (${message.headers.length})</summary>
      <dl class="headers">${message.headers.map(({key, value}) => html`<dt>${told(key, 200)}</dt><dd>${told(value, 4000)}</dd>`)}</dl></details>`;
}

function timings(insights) {
  if (!insights) return nothing;
  const times = Object.entries(TIMES).filter(([key]) => insights[key] > 0);
  return [
    times.map(([key, name]) => html`<dt>${name}</dt><dd>${duration(insights[key])}</dd>`),
    insights.bytesTransfered > 0 ? html`<dt>Transferred</dt><dd>${bytes(insights.bytesTransfered)}</dd>` : nothing,
  ];
}

async function copied({target}, text) {
  await copy(text);
  const before = target.textContent;
  target.textContent = 'Copied';
  setTimeout(() => (target.textContent = before), 1500);
}
