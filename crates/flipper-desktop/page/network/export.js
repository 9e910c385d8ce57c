// Requests for other programs: as a command line, and as HAR.

import {asUtf8, decode, fromBase64} from './body.js';
import {header} from './feed.js';

// The request as a command for a POSIX shell with curl. Nothing in it is the shell's to read, nor the terminal's.
export function curl({method, url, request}) {
  const words = ['curl'];
  if (method !== 'GET') words.push('--request', quoted(method));
  words.push('--url', quoted(url));
  for (const {key, value} of request?.headers ?? []) {
    if (key.toLowerCase() !== 'content-length') words.push('--header', quoted(value === '' ? `${key};` : `${key}: ${value}`));
  }
  const data = [request?.data ?? ''].flat().join('');
  if (data === '') return words.join(' ');
  let bytes;
  try {
    bytes = fromBase64(data);
  } catch {
    bytes = new TextEncoder().encode(data);
  }
  const text = asUtf8(bytes);
  if (text !== null) return [...words, '--data-raw', quoted(text)].join(' ');
  return `printf %s ${quoted(data)} | base64 --decode | ${words.join(' ')} --data-binary @-`;
}

// In quotes of the shell; control characters and what is not seen by their codes.
function quoted(text) {
  if (!/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = text.replace(/[\\'\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (char) => {
    if (char === '\\' || char === "'") return `\\${char}`;
    const bytes = new TextEncoder().encode(char);
    return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  });
  return `$'${escaped}'`;
}

// HTTP Archive 1.2, of the rows that have a request.
export async function har(rows, version) {
  const entries = [];
  for (const row of rows) {
    if (row.request) entries.push(await entry(row));
  }
  return JSON.stringify({log: {version: '1.2', creator: {name: 'Flipper', version}, entries}}, null, 1);
}

async function entry({method, url, start, end, status, reason, request, response}) {
  const time = end === undefined ? -1 : Math.max(0, end - start);
  const wait = response?.insights?.timeToFirstByte;
  const wasAnswered = typeof status === 'number' && status >= 100;
  return {
    startedDateTime: new Date(start).toISOString(),
    time,
    request: {
      method,
      url,
      httpVersion: 'unknown',
      cookies: [],
      headers: named(request.headers),
      queryString: URL.canParse(url) ? [...new URL(url).searchParams].map(([name, value]) => ({name, value})) : [],
      headersSize: -1,
      ...(await sent(request)),
    },
    response: {
      status: wasAnswered ? status : 0,
      statusText: reason,
      httpVersion: 'unknown',
      cookies: [],
      headers: named(response?.headers ?? []),
      redirectURL: header(response?.headers ?? [], 'location') ?? '',
      headersSize: -1,
      ...(await received(response)),
      ...(wasAnswered ? {} : {_error: reason || 'no response'}),
    },
    cache: {},
    timings: {send: 0, wait: typeof wait === 'number' ? wait : time, receive: typeof wait === 'number' ? Math.max(0, time - wait) : 0},
  };
}

function named(headers) {
  return headers.map(({key, value}) => ({name: key, value}));
}

async function sent(request) {
  const {bytes, text, type} = await decode(request);
  if (bytes.length === 0) return {bodySize: 0};
  const content = text === undefined ? {text: base64(bytes), _encoding: 'base64'} : {text};
  return {bodySize: bytes.length, postData: {mimeType: type, params: [], ...content}};
}

async function received(response) {
  if (!response) return {bodySize: -1, content: {size: 0, mimeType: ''}};
  const {bytes, text, type} = await decode(response);
  const content = text === undefined ? {text: base64(bytes), encoding: 'base64'} : {text};
  return {bodySize: -1, content: {size: bytes.length, mimeType: type, ...content}};
}

function base64(bytes) {
  let binary = '';
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

// Has the browser save a text.
export function save(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], {type}));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// Puts a text into the clipboard; where a page may not do that by the new way, by the old one.
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
