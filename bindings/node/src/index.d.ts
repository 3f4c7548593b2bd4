/** A key: "event-" and 32 hex digits. Keys order as strings as their events do. */
export type Key = string;

/** A key, a point in time, or nanoseconds since 1970. */
export type Position = Key | Date | bigint;

/** Bounds on the keys of events; without any, every event. */
export interface Range {
  /** That and later. */
  from?: Position;
  /** Later than that. */
  after?: Position;
  /** That and earlier. */
  to?: Position;
  /** Earlier than that. */
  before?: Position;
}

/** What a call failed with. The message has the whole text, with the lines "caused by: …". */
export class SteleError extends Error {
  /** Such as "STELE_NOT_FOUND". */
  readonly code: string;
  /** The number of it. */
  readonly result: number;
  /** The causes, the nearest first. */
  readonly causes: string[];
}

export interface OpenOptions {
  readOnly?: boolean;
  mustExist?: boolean;
  eventBytes?: number;
  batchBytes?: number | bigint;
  memoryBytes?: number | bigint;
  journalBytes?: number | bigint;
  cacheBytes?: number | bigint;
  documentBytes?: number | bigint;
  minFreeBytes?: number | bigint;
  openFiles?: number;
}

export interface WriteOptions {
  /** A refused append does not make the commit fail. */
  partial?: boolean;
  /** Of the batch: if one of the same id was stored in the last ten minutes, nothing is stored, and the keys are that one's. */
  id?: string;
}

export interface ReadOptions extends Range {
  /** An expression of the query language. */
  filter?: string;
  /** Most events. */
  limit?: number | bigint;
  /** Newest first. */
  descending?: boolean;
  /** Another thread reads on while the caller uses what came. */
  readAhead?: boolean;
}

export interface QueryOptions extends Range {
  filter?: string;
  /** Most that the result may take while it is made. */
  memoryBytes?: number | bigint;
  /** Milliseconds, over which the query fails with STELE_EXHAUSTED. */
  timeout?: number;
}

export interface TailOptions {
  /** Arrival number: what arrived later. "now": nothing that is there already. */
  after?: number | bigint | 'now';
  filter?: string;
}

export interface ServeOptions {
  /** ";" between them; port 0 takes a free one. */
  urls?: string;
  /** The name that the page shows. */
  instance?: string;
}

/** What a call into the caller's buffer came to. */
export interface Step {
  /** STELE_OK, STELE_DONE, STELE_TIMED_OUT or STELE_BUFFER_TOO_SMALL. */
  result: string;
  key?: Key;
  /** Bytes in the buffer; with STELE_BUFFER_TOO_SMALL what is needed. */
  size: number;
  /** Records in the buffer. */
  count?: number;
}

declare class Owner {
  /** The number for functions of stele/raw. */
  readonly handle: number;
  /** Gives the handle to the caller, who ends it. */
  release(): number;
  /** Ends the handle: false if it was ended before. */
  close(): boolean;
}

declare class Exclusive extends Owner {
  /** Makes the call that is inside, and every later one but the end, fail with STELE_CANCELED. */
  cancel(): void;
}

/** A batch of events on its way in. Closed before its commit, it stores nothing. */
export class Writer extends Exclusive {
  constructor(handle: number | bigint);
  /** Adds events: CLEF lines, or an object that becomes one. All of them or none. */
  append(clef: string | Uint8Array | object): void;
  /** Stores what was added, durably and at once. */
  commit(): Key[];
}

/** Events in the order of their keys, into the caller's buffers. */
export class Reader extends Exclusive {
  constructor(handle: number | bigint);
  nextInto(buffer: Uint8Array): Step;
  nextBatchInto(buffer: Uint8Array): Step;
}

/** Rows of JSON, into the caller's buffers. */
export class Rows extends Exclusive {
  constructor(handle: number | bigint);
  nextInto(buffer: Uint8Array): Step;
  nextBatchInto(buffer: Uint8Array): Step;
  describe(): string;
}

/** Events as they arrive, into the caller's buffers. A timeout is milliseconds; undefined is for ever. */
export class Tail extends Exclusive {
  constructor(handle: number | bigint);
  nextInto(timeout: number | undefined, buffer: Uint8Array): Step;
  nextBatchInto(timeout: number | undefined, buffer: Uint8Array): Step;
  position(): bigint;
}

/** The HTTP API and page of a store. */
export class Server extends Owner {
  constructor(handle: number | bigint);
  urls(): string;
}

export class Event {
  readonly key: Key;
  /** One JSON object in CLEF, as it was written. */
  readonly clef: string;
  /** The text as an object. Numbers are JavaScript's. */
  parse(): Record<string, unknown>;
}

declare class Sequence<T, Handle> implements Iterable<T>, AsyncIterable<T> {
  readonly handle: Handle;
  /** The next one, or undefined after the last. */
  next(): T | undefined;
  /** The same, fetched on a thread of Node's pool. */
  nextAside(): Promise<T | undefined>;
  [Symbol.iterator](): Iterator<T>;
  [Symbol.asyncIterator](): AsyncIterator<T>;
  cancel(): void;
  close(): boolean;
}

/** The events that a read gives. */
export class Events extends Sequence<Event, Reader> {}

/** The rows that a query, a list, a check or a backup gives, parsed. */
export class Lines<T = unknown> extends Sequence<T, Rows> {
  /** From now on gives the texts of the rows, in which numbers are as they were written. */
  texts(): Lines<string>;
  describe(): { Columns?: string[]; Statistics?: Record<string, unknown> };
}

/** The events of a store as they arrive. */
export class Following implements AsyncIterable<Event> {
  readonly handle: Tail;
  /** The next event, or undefined if none came in that many milliseconds. It holds the thread up; without a timeout for ever. */
  next(timeout?: number): Event | undefined;
  [Symbol.asyncIterator](): AsyncIterator<Event>;
  /** The arrival number after which to go on. */
  position(): bigint;
  cancel(): void;
  close(): boolean;
}

export interface DocumentInfo {
  Key: string;
  Bytes: number;
  Changed: string;
  Version: number;
}

/** An open store. */
export class Store extends Owner {
  constructor(handle: number | bigint);
  static open(path: string, options?: OpenOptions): Store;
  flush(): void;
  statistics(): Record<string, unknown>;
  write(options?: WriteOptions): Writer;
  append(...events: (string | Uint8Array | object)[]): Key[];
  read(options?: ReadOptions): Events;
  beginRead(options?: ReadOptions): Reader;
  get(key: Key): string;
  deleteKeys(keys: Key[]): number;
  delete(options?: Range & { filter?: string }): number;
  setDocument(key: string, value: unknown): void;
  setDocumentText(key: string, json: string): void;
  document(key: string): unknown;
  documentText(key: string): string;
  deleteDocument(key: string): void;
  documents(prefix?: string): Lines<DocumentInfo>;
  query<T extends unknown[] = unknown[]>(query: string, options?: QueryOptions): Lines<T>;
  beginQuery(query: string, options?: QueryOptions): Rows;
  follow(options?: TailOptions): Following;
  beginTail(options?: TailOptions): Tail;
  verify(): Lines<Record<string, unknown>>;
  backup(directory: string, keep?: number): Lines<Record<string, unknown>>;
  serve(options?: ServeOptions): Server;
}

/** Takes a key apart: the instant in nanoseconds since 1970, its Date, and the arrival number. */
export function keyParts(key: Key): { instant: bigint; date: Date; arrival: bigint };

/** The version of the product, such as "0.3.0". */
export function version(): string;
