// How a call is made: its texts, its results and its errors.

import * as raw from './raw.js';

/**
 * What a call failed with. The message has the whole text: what happened, then lines that begin with "caused by: ".
 */
export class SteleError extends Error {
  constructor(result, text) {
    super(text);
    this.name = 'SteleError';
    this.result = result;
    this.code = raw.stele_result_name(result);
    this.causes = text.split('\ncaused by: ').slice(1);
  }
}

/** The last failure on this thread, or null. */
export function lastError() {
  const code = new Int32Array(1);
  const id = new BigUint64Array(1);
  const actual = new BigUint64Array(1);
  for (let text = Buffer.allocUnsafe(512); ; text = Buffer.allocUnsafe(Number(actual[0]))) {
    const result = raw.stele_last_error(code, id, text, text.length, actual);
    if (result === raw.STELE_DONE) return null;
    if (result === raw.STELE_OK) return new SteleError(code[0], text.utf8Slice(0, Number(actual[0])));
  }
}

/** Throws what a call failed with; the first four results are no failures and are returned. */
export function check(result) {
  if (result < raw.STELE_ARGUMENT_NULL) return result;
  throw lastError() ?? new SteleError(result, raw.stele_result_name(result));
}

/** UTF-8 of a text: a pointer and its length. One byte more than none, as an empty Buffer would be NULL. */
export function encode(text) {
  if (text === undefined || text === null) return [null, 0];
  const buffer = typeof text === 'string' ? Buffer.from(text) : text;
  return buffer.length > 0 ? [buffer, buffer.length] : [Buffer.alloc(1), 0];
}

/** Calls get(buffer, length, actual) with larger buffers until the text fits. */
export function fetch(get) {
  const actual = new BigUint64Array(1);
  for (let text = Buffer.allocUnsafe(512); ; text = Buffer.allocUnsafe(Number(actual[0]))) {
    if (check(get(text, text.length, actual)) === raw.STELE_OK) return text.utf8Slice(0, Number(actual[0]));
  }
}

/** Gives the number that begin(out) puts into out. */
export function begin(call) {
  const out = new BigUint64Array(1);
  check(call(out));
  return Number(out[0]);
}

/** Milliseconds as C has them; undefined and Infinity are for ever. */
export function milliseconds(timeout) {
  if (timeout === undefined || timeout === Infinity) return raw.STELE_FOREVER;
  return Math.min(Math.max(Math.ceil(timeout), 0), raw.STELE_FOREVER - 1);
}
