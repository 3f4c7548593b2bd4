// The handles: each owns one number, has the calls as they are in C, checked, and is ended by close. Closing twice is harmless.
// What nobody closed is ended some time after it was forgotten: a safety net, not a way to work.

import * as raw from './raw.js';
import { check, encode, fetch, milliseconds } from './call.js';
import { keyAt } from './key.js';

const forgotten = new FinalizationRegistry(({ end, handle }) => end(handle));

class Owner {
  #handle;
  #end;

  constructor(handle, end) {
    this.#handle = handle;
    this.#end = end;
    forgotten.register(this, { end, handle }, this);
  }

  /** The number for functions of stele/raw. */
  get handle() {
    return this.#handle;
  }

  /** Gives the handle to the caller, who ends it. */
  release() {
    forgotten.unregister(this);
    return this.#handle;
  }

  /** Ends the handle: false if it was ended before. What was lost on the way is thrown, and the handle is gone all the same. */
  close() {
    forgotten.unregister(this);
    const result = this.#end(this.#handle);
    return result !== raw.STELE_INVALID_HANDLE && check(result) === raw.STELE_OK;
  }

  [Symbol.dispose]() {
    this.close();
  }
}

/** A handle of one user at a time, who can be told to give up. */
class Exclusive extends Owner {
  /** Makes the call that is inside, and every later one but the end, fail with STELE_CANCELED. */
  cancel() {
    check(raw.stele_cancel(this.handle));
  }
}

/** A batch of events on its way in. Closed before its commit, it stores nothing. */
export class Writer extends Exclusive {
  constructor(handle) {
    super(handle, raw.stele_write_abandon);
  }

  /** Adds events: a string or a Buffer of CLEF lines, or an object that becomes one. All of them or none. */
  append(clef) {
    const text = typeof clef === 'string' || clef instanceof Uint8Array ? clef : JSON.stringify(clef);
    check(raw.stele_write_append(this.handle, ...encode(text)));
  }

  /** Stores what was added, durably and at once, and gives the keys in the order in which the events were added. */
  commit() {
    const count = new BigUint64Array(1);
    for (let keys = Buffer.allocUnsafe(64 * 16); ; keys = Buffer.allocUnsafe(Number(count[0]) * 16)) {
      if (check(raw.stele_write_end(this.handle, keys, keys.length / 16, count)) === raw.STELE_BUFFER_TOO_SMALL) continue;
      this.release(); // it is gone
      return Array.from({ length: Number(count[0]) }, (_, i) => keyAt(keys, i * 16));
    }
  }
}

/** What a call into the caller's buffer came to: its result, and the key, the size and the count where it has them. With STELE_BUFFER_TOO_SMALL size is what is needed. */
function step(result, { key, size, count }) {
  check(result);
  return {
    result: raw.stele_result_name(result),
    key: result === raw.STELE_OK && key ? keyAt(key) : undefined,
    size: Number(size[0]),
    count: count && Number(count[0]),
  };
}

const one = () => ({ key: Buffer.alloc(16), size: new BigUint64Array(1) });
const many = () => ({ size: new BigUint64Array(1), count: new BigUint64Array(1) });

/** Events in the order of their keys. */
export class Reader extends Exclusive {
  constructor(handle) {
    super(handle, raw.stele_read_end);
  }

  nextInto(buffer) {
    const o = one();
    return step(raw.stele_read_next(this.handle, o.key, buffer, buffer.length, o.size), o);
  }

  nextBatchInto(buffer) {
    const o = many();
    return step(raw.stele_read_next_batch(this.handle, buffer, buffer.length, o.size, o.count), o);
  }
}

/** Rows of JSON. */
export class Rows extends Exclusive {
  constructor(handle) {
    super(handle, raw.stele_rows_end);
  }

  nextInto(buffer) {
    const o = { size: new BigUint64Array(1) };
    return step(raw.stele_rows_next(this.handle, buffer, buffer.length, o.size), o);
  }

  nextBatchInto(buffer) {
    const o = many();
    return step(raw.stele_rows_next_batch(this.handle, buffer, buffer.length, o.size, o.count), o);
  }

  /** A JSON object with Columns and, after the last row, Statistics. */
  describe() {
    return fetch((text, length, actual) => raw.stele_rows_describe(this.handle, text, length, actual));
  }
}

/** Events as they arrive. A wait holds the thread up: see Following for one that does not. */
export class Tail extends Exclusive {
  constructor(handle) {
    super(handle, raw.stele_tail_end);
  }

  nextInto(timeout, buffer) {
    const o = one();
    return step(raw.stele_tail_next(this.handle, milliseconds(timeout), o.key, buffer, buffer.length, o.size), o);
  }

  nextBatchInto(timeout, buffer) {
    const o = many();
    return step(raw.stele_tail_next_batch(this.handle, milliseconds(timeout), buffer, buffer.length, o.size, o.count), o);
  }

  /** The arrival number after which to go on, a BigInt. */
  position() {
    const arrival = new BigUint64Array(1);
    check(raw.stele_tail_position(this.handle, arrival));
    return arrival[0];
  }
}

/** The HTTP API and page of a store. */
export class Server extends Owner {
  constructor(handle) {
    super(handle, raw.stele_serve_end);
  }

  /** What is listened on, ";" between, with the ports that were taken. */
  urls() {
    return fetch((text, length, actual) => raw.stele_serve_urls(this.handle, text, length, actual));
  }
}

export { Owner };
