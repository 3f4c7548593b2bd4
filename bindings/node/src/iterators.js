// The iterators: they fetch up to 256 KiB of records a call and unpack them here, for one call and one decoded struct for each would be dear.
//
// A record is a key of 16 bytes, the length of its text and the stride to the next record (4 bytes each), then the text (stele_record).

import { endianness } from 'node:os';
import * as raw from './raw.js';
import { check, milliseconds } from './call.js';
import { Reader, Rows, Tail } from './handles.js';
import { keyAt } from './key.js';

const little = endianness() === 'LE';
const header = 24;

/** An event: its key, and its text, one JSON object in CLEF. */
export class Event {
  constructor(key, clef) {
    this.key = key;
    this.clef = clef;
  }

  /** The text as an object. Numbers are JavaScript's: clef has them as they were written. */
  parse() {
    return JSON.parse(this.clef);
  }
}

/** Records that came in one call, and where in them we are. */
class Batch {
  #call;
  #buffer = null;
  #size = new BigUint64Array(1);
  #count = new BigUint64Array(1);
  #at = 0;
  left = 0;

  /** call(buffer, length, size, count) is a function of the raw floor but for what comes first. */
  constructor(call) {
    this.#call = call;
  }

  /** Fills itself on this thread: false if nothing came. */
  fill(...first) {
    for (;;) {
      const result = check(this.#call(...first, this.#buffer, this.#buffer?.length ?? 0, this.#size, this.#count));
      if (this.#settle(result)) return result === raw.STELE_OK;
    }
  }

  /** The same on a thread of Node's pool. An error's text is of the thread that made the call, so that it is made again here to learn it. */
  async fillAside(...first) {
    for (;;) {
      const result = await new Promise((resolve, reject) =>
        this.#call.async(...first, this.#buffer, this.#buffer?.length ?? 0, this.#size, this.#count, (error, r) => (error ? reject(error) : resolve(r))),
      );
      if (result >= raw.STELE_ARGUMENT_NULL) return this.fill(...first);
      if (this.#settle(result)) return result === raw.STELE_OK;
    }
  }

  #settle(result) {
    if (result === raw.STELE_BUFFER_TOO_SMALL) {
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(Number(this.#size[0]), 256 << 10));
      return false;
    }
    if (result === raw.STELE_OK) {
      this.left = Number(this.#count[0]);
      this.#at = 0;
    }
    return true;
  }

  key() {
    return keyAt(this.#buffer, this.#at);
  }

  /** The text of the next record, which is taken. */
  take() {
    const buffer = this.#buffer;
    const at = this.#at;
    const length = little ? buffer.readUInt32LE(at + 16) : buffer.readUInt32BE(at + 16);
    this.#at += little ? buffer.readUInt32LE(at + 20) : buffer.readUInt32BE(at + 20);
    this.left--;
    return buffer.utf8Slice(at + header, at + header + length);
  }
}

/**
 * Events or rows until there are no more. A for loop works on this thread, a for await loop fetches aside. A loop that is left closes the handle; one that
 * comes to the end throws what was lost on the way.
 */
class Sequence {
  #handle;
  #batch;

  constructor(handle, call) {
    this.#handle = handle;
    this.#batch = new Batch(call);
  }

  get handle() {
    return this.#handle;
  }

  /** The next one, or undefined after the last. */
  next() {
    return this.#batch.left > 0 || this.#batch.fill(this.#handle.handle) ? this.item(this.#batch) : undefined;
  }

  /** The same, fetched aside. */
  async nextAside() {
    return this.#batch.left > 0 || (await this.#batch.fillAside(this.#handle.handle)) ? this.item(this.#batch) : undefined;
  }

  *[Symbol.iterator]() {
    let whole = false;
    try {
      for (let item; (item = this.next()) !== undefined; ) yield item;
      whole = true;
    } finally {
      this.#finish(whole);
    }
  }

  async *[Symbol.asyncIterator]() {
    let whole = false;
    try {
      for (;;) {
        while (this.#batch.left > 0) yield this.item(this.#batch);
        if (!(await this.#batch.fillAside(this.#handle.handle))) break;
      }
      whole = true;
    } finally {
      this.#finish(whole);
    }
  }

  /** Closes the handle; what it says is of interest only where no error and no break is on its way already. */
  #finish(whole) {
    try {
      this.#handle.close();
    } catch (error) {
      if (whole) throw error;
    }
  }

  /** Makes the call that is inside, and every later one, fail with STELE_CANCELED. */
  cancel() {
    this.#handle.cancel();
  }

  /** Ends it: false if it was ended before. */
  close() {
    return this.#handle.close();
  }

  [Symbol.dispose]() {
    this.close();
  }
}

/** The events that a read gives. */
export class Events extends Sequence {
  constructor(handle) {
    super(new Reader(handle), raw.stele_read_next_batch);
  }

  item(batch) {
    return new Event(batch.key(), batch.take());
  }
}

/** The rows that a query, a list, a check or a backup gives, parsed. texts() makes their JSON of them instead. */
export class Lines extends Sequence {
  #parsed = true;

  constructor(handle) {
    super(new Rows(handle), raw.stele_rows_next_batch);
  }

  item(batch) {
    const text = batch.take();
    return this.#parsed ? JSON.parse(text) : text;
  }

  /** From now on gives the texts of the rows, in which numbers are as they were written. */
  texts() {
    this.#parsed = false;
    return this;
  }

  /** What is known of the result: Columns and, after the last row, Statistics. */
  describe() {
    return JSON.parse(this.handle.describe());
  }
}

/** How long an asynchronous loop over a store that is followed sleeps when nothing came. */
const pause = 20;

/**
 * The events of a store as they arrive. A for await loop waits for more without end and leaves the thread and Node's pool alone meanwhile: it asks every 20 ms.
 * cancel, or the store's close, makes it throw.
 */
export class Following {
  #handle;
  #batch = new Batch(raw.stele_tail_next_batch);
  #arrival = 0n;

  constructor(handle) {
    this.#handle = new Tail(handle);
  }

  get handle() {
    return this.#handle;
  }

  /** The next event, or undefined if none came in time. It holds the thread up; without a timeout for ever. */
  next(timeout) {
    return this.#batch.left > 0 || this.#batch.fill(this.#handle.handle, milliseconds(timeout)) ? this.#take() : undefined;
  }

  #take() {
    const key = this.#batch.key();
    this.#arrival = BigInt('0x' + key.slice(22));
    return new Event(key, this.#batch.take());
  }

  async *[Symbol.asyncIterator]() {
    let event;
    try {
      for (;;) {
        while ((event = this.next(0)) !== undefined) yield event;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    } finally {
      try {
        this.close();
      } catch {
        // an error, or the loop's break, is on its way already
      }
    }
  }

  /** The arrival number after which to go on, a BigInt: nothing that was not given is skipped. */
  position() {
    return this.#batch.left > 0 ? this.#arrival : this.#handle.position();
  }

  cancel() {
    this.#handle.cancel();
  }

  close() {
    return this.#handle.close();
  }

  [Symbol.dispose]() {
    this.close();
  }
}
