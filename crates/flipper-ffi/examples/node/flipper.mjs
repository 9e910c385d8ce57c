// The C library for Node, by koffi. There is one description of the library, its header, and this reads it.

import {readFileSync} from 'node:fs';
import koffi from 'koffi';

// What an event loop of one's own needs. The threaded layer calls back from its threads, and needs other care.
const WANTED = /^flipper_(client|action|event|result)_/;

export class Flipper {
  constructor(library, header) {
    const text = readFileSync(header, 'utf8').replace(/\/\/.*$/gm, '').replace(/(?<!typedef )struct (?=flipper_)/g, '');
    for (const [, name, value] of text.matchAll(/^\s+(FLIPPER_\w+) = (\d+),/gm)) {
      this[name.slice('FLIPPER_'.length)] = Number(value);
    }
    koffi.alias('flipper_result', 'uint32_t');
    // Texts have no NUL at their end, so that they must not be taken for strings.
    this.str = koffi.struct('flipper_str', {ptr: 'const uint8_t *', len: 'size_t'});
    for (const [, name] of text.matchAll(/^typedef struct (flipper_\w+) \1;/gm)) {
      koffi.opaque(name);
    }
    this.records = {};
    for (const [, name, fields] of text.matchAll(/^typedef struct (flipper_\w+) \{([^}]*)\}/gm)) {
      const pairs = [...fields.matchAll(/(\w+) (\w+);/g)].map(([, type, field]) => [field, type]);
      if (name !== 'flipper_str' && pairs.length > 0) {
        this.records[name] = koffi.struct(name, Object.fromEntries(pairs));
      }
    }
    const loaded = koffi.load(library);
    for (const [prototype, name] of text.matchAll(/^\w+ (flipper_\w+)\([^)]*\)(?=;)/gm)) {
      if (WANTED.test(name)) {
        const bytes = prototype.replace(/const char \*/g, 'const uint8_t *');
        this[name] = loaded.func(bytes.replace(/(?<=[(,]\s*)(flipper_\w+ \*\*|flipper_str \*|uint(8|32|64)_t \*)/g, '_Out_ $1'));
      }
    }
  }

  // A record in which everything is the default but these.
  record(name, fields) {
    return {size: koffi.sizeof(this.records[name]), ...fields};
  }

  // What a function writes through its last pointer, or `undefined` if there is none.
  out(name, ...values) {
    const box = [null];
    const result = this[name](...values, box);
    if (result === this.RESULT_OK) {
      return box[0];
    }
    if (result === this.RESULT_DONE || result === this.RESULT_NOT_FOUND) {
      return undefined;
    }
    throw new Error(`${name}: result ${result}`);
  }

  // A text that a function writes, which is copied.
  text(name, ...values) {
    const found = this.out(name, ...values);
    return found && Buffer.from(koffi.decode(found.ptr, 'uint8_t', Number(found.len))).toString();
  }
}

// A text as it stands in records.
export function str(text) {
  const ptr = Buffer.from(text);
  return {ptr, len: ptr.length};
}

// A text as it is handed to functions: two values.
export function bytes(text) {
  const ptr = Buffer.from(text);
  return [ptr, ptr.length];
}
