// What a body holds: its bytes, decompressed, and what they are.

import {parse} from '../json.js';
import {header} from './feed.js';

// What a compressed body may become.
const MAX_BYTES = 64 * 2 ** 20;

const CODINGS = new Map([['gzip', 'gzip'], ['x-gzip', 'gzip'], ['deflate', 'deflate']]);

// Gives `{bytes, kind, text, json, type, notes}`; `kind` is `empty`, `json`, `image`, `text` or `bytes`.
export async function decode({data, headers}) {
  const notes = [];
  const type = (header(headers, 'content-type') ?? '').toLowerCase();
  const parts = [data ?? ''].flat();
  if (parts.every((part) => part === '')) return {kind: 'empty', bytes: new Uint8Array(), type, notes};
  let bytes;
  try {
    bytes = concat(parts.map(fromBase64));
  } catch {
    notes.push('It is no valid base64, and is shown as it came.');
    return {kind: 'text', bytes: new TextEncoder().encode(parts.join('')), text: parts.join(''), type, notes};
  }
  const coding = (header(headers, 'content-encoding') ?? '').trim().toLowerCase();
  if (CODINGS.has(coding)) bytes = await decompress(bytes, CODINGS.get(coding), notes);
  else if (coding && coding !== 'identity') notes.push(`It is compressed (${coding}), which browsers do not open; these are its bytes.`);
  if (/^image\/(?!svg)/.test(type)) return {kind: 'image', bytes, type, notes};
  const text = asUtf8(bytes);
  if (text === null) return {kind: 'bytes', bytes, type, notes};
  try {
    if (/json|^text\/plain|^$/.test(type) && /^\s*[[{]/.test(text)) return {kind: 'json', json: parse(text), text, bytes, type, notes};
  } catch {
    if (/json/.test(type)) notes.push('It is no valid JSON.');
  }
  return {kind: 'text', text, bytes, type, notes};
}

export function fromBase64(text) {
  const plain = text.replace(/\s+/g, '').replace(/-/g, '+').replace(/_/g, '/');
  const binary = atob(plain);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

// A text, if it is one.
export function asUtf8(bytes) {
  try {
    const text = new TextDecoder('utf-8', {fatal: true}).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}

async function decompress(bytes, coding, notes) {
  const parts = [];
  let length = 0;
  try {
    for await (const part of new Blob([bytes]).stream().pipeThrough(new DecompressionStream(coding))) {
      parts.push(part);
      length += part.length;
      if (length > MAX_BYTES) {
        notes.push('It is larger than 64 MiB when decompressed; this is its beginning.');
        break;
      }
    }
  } catch {
    // Many apps decompress it themselves, and leave the header as it was.
    if (length === 0) return bytes;
    notes.push('It breaks off, or is damaged; this is its beginning.');
  }
  return concat(parts);
}

function concat(parts) {
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
