import * as raw from './raw.js';
import { begin, check, encode, fetch, milliseconds } from './call.js';
import { Owner, Reader, Rows, Server, Tail, Writer } from './handles.js';
import { Events, Following, Lines } from './iterators.js';
import { keyBytes, rangeOf } from './key.js';

const flag = (on, bit) => (on ? bit : 0);

/** An open store. Options are as in stele.h, in camel case; what is left out is the library's default. */
export class Store extends Owner {
  /** Takes over a handle. Any number is allowed: the library knows which are handles. */
  constructor(handle) {
    super(handle, raw.stele_close);
  }

  /** Opens the store in a directory, which is made if absent. */
  static open(path, options = {}) {
    const struct = {
      size: raw.sizes.options,
      flags: flag(options.readOnly, raw.STELE_READ_ONLY) | flag(options.mustExist, raw.STELE_MUST_EXIST),
      event_bytes: options.eventBytes ?? 0,
      batch_bytes: options.batchBytes ?? 0,
      memory_bytes: options.memoryBytes ?? 0,
      journal_bytes: options.journalBytes ?? 0,
      cache_bytes: options.cacheBytes ?? 0,
      document_bytes: options.documentBytes ?? 0,
      min_free_bytes: options.minFreeBytes ?? 0,
      open_files: options.openFiles ?? 0,
      reserved: 0,
    };
    return new Store(begin((out) => raw.stele_open(...encode(path), struct, out)));
  }

  // What is made of a store keeps it from being forgotten, and so closed, while it is in use.
  #of(made) {
    made.store = this;
    return made;
  }

  /** Seals what is in the journal into segments. What was acknowledged is durable without it. */
  flush() {
    check(raw.stele_flush(this.handle));
  }

  /** StoreId, Events and so on. */
  statistics() {
    return JSON.parse(fetch((text, length, actual) => raw.stele_statistics(this.handle, text, length, actual)));
  }

  /** Begins a write: nothing of it is seen before its commit. */
  write({ partial, id } = {}) {
    const [text, length] = encode(id);
    const struct = { size: raw.sizes.write_options, flags: flag(partial, raw.STELE_WRITE_PARTIAL), reserved: 0, id: text, id_len: length };
    return this.#of(new Writer(begin((out) => raw.stele_write_begin(this.handle, struct, out))));
  }

  /** Stores events as one write and gives their keys. */
  append(...events) {
    const writer = this.write();
    try {
      for (const event of events) writer.append(event);
      return writer.commit();
    } finally {
      writer.close();
    }
  }

  /** Reads events: { from, after, to, before, filter, limit, descending, readAhead }. */
  read(options) {
    return this.#of(new Events(this.beginRead(options).release()));
  }

  /** Begins to read, into the caller's buffers. */
  beginRead({ filter, limit, descending, readAhead, ...range } = {}) {
    const [text, length] = encode(filter);
    const struct = {
      size: raw.sizes.read_options, range: rangeOf(range), filter: text, filter_len: length, limit: limit ?? 0, ordering: descending ? 1 : 0,
      flags: flag(readAhead, raw.STELE_READ_AHEAD),
    };
    return this.#of(new Reader(begin((out) => raw.stele_read_begin(this.handle, struct, out))));
  }

  /** The CLEF of one event. */
  get(key) {
    const bytes = keyBytes(key);
    return fetch((text, length, actual) => raw.stele_get(this.handle, bytes, text, length, actual));
  }

  /** Deletes the events of these keys, durably and all at once, and tells how many there were. */
  deleteKeys(keys) {
    const bytes = Buffer.concat(keys.map(keyBytes));
    return begin((out) => raw.stele_delete_keys(this.handle, bytes, keys.length, out));
  }

  /** Deletes the events that { from, after, to, before, filter } select, durably and all at once, and tells how many there were. */
  delete({ filter, ...range } = {}) {
    return begin((out) => raw.stele_delete(this.handle, rangeOf(range), ...encode(filter), out));
  }

  /** Stores a JSON value under a key, in place of what was there, durably. */
  setDocument(key, value) {
    this.setDocumentText(key, JSON.stringify(value));
  }

  /** The same of a JSON text, which is kept byte for byte. */
  setDocumentText(key, json) {
    check(raw.stele_document_set(this.handle, ...encode(key), ...encode(json)));
  }

  /** The value of a document. */
  document(key) {
    return JSON.parse(this.documentText(key));
  }

  /** A document byte for byte as it was set. */
  documentText(key) {
    const [bytes, size] = encode(key);
    return fetch((text, length, actual) => raw.stele_document_get(this.handle, bytes, size, text, length, actual));
  }

  /** Deletes a document, durably. */
  deleteDocument(key) {
    check(raw.stele_document_delete(this.handle, ...encode(key)));
  }

  /** The documents whose keys begin with a prefix: objects with Key, Bytes, Changed and Version. */
  documents(prefix) {
    return this.#of(new Lines(begin((out) => raw.stele_document_list(this.handle, ...encode(prefix), out))));
  }

  /** Asks in the query language; each row is a list with a value for each column. Options: { from, after, to, before, filter, memoryBytes, timeout }. */
  query(query, options) {
    return this.#of(new Lines(this.beginQuery(query, options).release()));
  }

  /** Begins a query, into the caller's buffers. */
  beginQuery(query, { filter, memoryBytes, timeout, ...range } = {}) {
    const [text, length] = encode(filter);
    const struct = {
      size: raw.sizes.query_options, range: rangeOf(range), filter: text, filter_len: length, memory_bytes: memoryBytes ?? 0,
      timeout_ms: timeout === undefined ? 0 : milliseconds(timeout), flags: 0,
    };
    return this.#of(new Rows(begin((out) => raw.stele_query_begin(this.handle, ...encode(query), struct, out))));
  }

  /** Follows the store: { after: arrival number, or "now"; filter }. Without after, everything and then what comes. */
  follow(options) {
    return this.#of(new Following(this.beginTail(options).release()));
  }

  /** Begins to follow the store, into the caller's buffers. */
  beginTail({ after, filter } = {}) {
    const [text, length] = encode(filter);
    const struct = { size: raw.sizes.tail_options, after: after === 'now' ? raw.STELE_FROM_NOW : (after ?? 0), filter: text, filter_len: length, flags: 0, reserved: 0 };
    return this.#of(new Tail(begin((out) => raw.stele_tail_begin(this.handle, struct, out))));
  }

  /** Checks every byte that the store consists of: one object, with the Damage found. */
  verify() {
    return this.#of(new Lines(begin((out) => raw.stele_verify(this.handle, out))));
  }

  /** Makes a backup in a directory of backups, of which keep are kept (0: all): one object that describes it. */
  backup(directory, keep = 0) {
    return this.#of(new Lines(begin((out) => raw.stele_backup(this.handle, ...encode(directory), keep, out))));
  }

  /** Serves the HTTP API and the page of this store: { urls, instance }. When it returns the sockets listen. */
  serve({ urls, instance } = {}) {
    const [u, uLength] = encode(urls);
    const [i, iLength] = encode(instance);
    const struct = { size: raw.sizes.serve_options, urls: u, urls_len: uLength, instance: i, instance_len: iLength, flags: 0, reserved: 0 };
    return this.#of(new Server(begin((out) => raw.stele_serve_begin(this.handle, struct, out))));
  }
}
