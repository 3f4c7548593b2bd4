// Keys are strings: "event-" and 32 hex digits. Their order as strings is the order of the events.

import * as raw from './raw.js';
import { check, encode } from './call.js';

/** The 16 bytes of a key. */
export function keyBytes(key) {
  const bytes = Buffer.alloc(16);
  const [text, length] = encode(key);
  check(raw.stele_key_parse(text, length, bytes));
  return bytes;
}

/** The key that 16 bytes at an offset are. */
export function keyAt(buffer, offset = 0) {
  return 'event-' + buffer.hexSlice(offset, offset + 16);
}

/** Takes a key apart: the instant in nanoseconds since 1970, its Date, and the arrival number. */
export function keyParts(key) {
  const instant = new BigInt64Array(1);
  const arrival = new BigUint64Array(1);
  check(raw.stele_key_parts(keyBytes(key), instant, arrival));
  return { instant: instant[0], date: new Date(Number(instant[0] / 1000000n)), arrival: arrival[0] };
}

const unbounded = { kind: 0, reserved: 0, instant: 0n, key: new Uint8Array(16) };

function bound(including, excluding) {
  const at = including ?? excluding;
  if (at === undefined || at === null) return unbounded;
  const exclusive = including === undefined || including === null;
  if (typeof at === 'string') return { ...unbounded, kind: exclusive ? raw.STELE_EXCLUSIVE_KEY : raw.STELE_INCLUSIVE_KEY, key: keyBytes(at) };
  const instant = at instanceof Date ? BigInt(at.getTime()) * 1000000n : BigInt(at);
  return { ...unbounded, kind: exclusive ? raw.STELE_EXCLUSIVE_INSTANT : raw.STELE_INCLUSIVE_INSTANT, instant };
}

/** The range of { from or after, to or before }, each a key, a Date, or nanoseconds since 1970 as a BigInt. */
export function rangeOf({ from, after, to, before } = {}) {
  return { from: bound(from, after), to: bound(to, before) };
}
