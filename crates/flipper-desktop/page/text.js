// What apps send, as text that people can read: whatever would act upon the reader, or hide, is marked.

import {isBranch} from './json.js';
import {html} from './lib/lit-html/lit-html.js';

// Controls but for tab and line feed, those that turn the direction of text, invisible ones, halves of characters.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Cs}/gu;

// What a cell of a table shows at most.
const LINE = 300;

function mark(char) {
  const code = char.codePointAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

export function visible(text) {
  return text.replace(UNSEEN, mark);
}

// A text in one line.
export function line(text, max = LINE) {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text;
  return visible(cut.replace(/\r?\n/g, '⏎'));
}

// The same in an element of its own, so that its direction is its own affair.
export function told(text, max = LINE) {
  return html`<bdi>${line(asText(text), max)}</bdi>`;
}

// Any value of JSON as a text: texts as they are.
export function asText(value) {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value);
}

// The beginning of a value's JSON, without writing all of it first.
export function summary(value, max = LINE) {
  if (typeof value === 'string') return line(JSON.stringify(value.slice(0, max)), max);
  if (!isBranch(value)) return line(asText(value), max);
  let text = '';
  const write = (value) => {
    if (text.length > max) return;
    if (!isBranch(value)) {
      text += typeof value === 'string' ? JSON.stringify(value.slice(0, max)) : asText(value);
      return;
    }
    const isArray = Array.isArray(value);
    text += isArray ? '[' : '{';
    let separator = '';
    for (const key in value) {
      if (text.length > max) break;
      text += isArray ? separator : `${separator}${key.slice(0, max)}: `;
      write(value[key]);
      separator = ', ';
    }
    text += isArray ? ']' : '}';
  };
  write(value);
  return line(text, max);
}

export function bytes(count) {
  if (!Number.isFinite(count)) return '';
  if (count < 1024) return `${count} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let unit = -1;
  do {
    count /= 1024;
    unit += 1;
  } while (count >= 1024 && unit < units.length - 1);
  return `${count < 10 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

export function duration(ms) {
  if (!Number.isFinite(ms)) return '';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s` : age(ms);
}

export function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d`;
}

// The time of the day, with milliseconds. Whatever is no time is shown as it is.
export function clock(time) {
  const date = new Date(time);
  if (typeof time !== 'number' || Number.isNaN(date.getTime())) return line(asText(time), 30);
  const two = (number) => String(number).padStart(2, '0');
  const of = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${of}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

// What went wrong, and what to do.
export function failure(error) {
  return html`<p class="failure" role="alert"><strong>${told(error.name ?? 'Error', 60)}</strong> ${told(error.message, 2000)}
    ${error.hint ? html`<span class="hint">${told(error.hint, 500)}</span>` : ''}</p>`;
}
