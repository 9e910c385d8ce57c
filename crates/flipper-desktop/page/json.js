// JSON whose numbers stay as they were written. What JavaScript would round is kept as its text, where the browser can.

const CAN = typeof JSON.rawJSON === 'function';

// No number with fewer digits is rounded.
const MAY_BE_ROUNDED = /\d{16}/;

export function parse(text) {
  if (!CAN || !MAY_BE_ROUNDED.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_, value, {source} = {}) => {
    const isRounded = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(source);
    return isRounded ? JSON.rawJSON(source) : value;
  });
}

// Whether it has parts.
export function isBranch(value) {
  return value !== null && typeof value === 'object' && !isExact(value);
}

// Whether it is a number that is kept as its text.
export function isExact(value) {
  return CAN && JSON.isRawJSON(value);
}
