// The runner of the conformance scripts over this package: capi/conformance/README.md has the form.
//
//     node conformance.js SCRIPT DIRECTORY

import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import koffi from 'koffi';
import { Reader, Rows, Server, SteleError, Store, Tail, Writer, keyParts, version } from 'stele';
import * as raw from 'stele/raw';
import { begin, check, encode, lastError } from '../src/call.js';
import { keyAt, keyBytes } from '../src/key.js';
import { Words, fail, learnPort, pick, print, script, show, toHandle, toJson, toKeys, toNumber, toText } from './script.js';

const name = raw.stele_result_name;

// ------------------------------------------------------------- raw calls

const library = koffi.load(join(process.env.STELE_LIB, 'libstele.so'));
const functions = new Map();

/** The function as one of six numbers: pointers and numbers alike are a register each. */
function functionOf(word) {
  if (!functions.has(word)) functions.set(word, library.func(`stele_${word}`, 'int32_t', Array(6).fill('uint64_t')));
  return functions.get(word);
}

class RawCall {
  #memory = [];
  #outs = [];

  constructor(words) {
    this.name = words.word();
    this.function = functionOf(this.name);
    this.parameters = words.rest().map((word) => this.#parameter(word));
    while (this.parameters.length < 6) this.parameters.push(0n);
  }

  #parameter(word) {
    const [kind, what] = word.split(':');
    if (word === 'null') return 0n;
    if (word.startsWith('"')) return this.#pointer(Buffer.from(toText(word) + '\0'));
    if (word.startsWith('event-')) return this.#pointer(Buffer.concat(toKeys(word).map(keyBytes)));
    if (kind === 'hex') return this.#pointer(Buffer.from(what, 'hex'));
    if (kind === 'buffer') return this.#pointer(Buffer.alloc(Number(toNumber(what))));
    if (kind === 'u64' || kind === 'u32' || kind === 'new') {
      const pointer = this.#pointer(Buffer.from([kind === 'new' ? 0 : 7, 0, 0, 0, 0, 0, 0, 0]));
      this.#outs.push({ kind, what, memory: this.#memory.at(-1) });
      return pointer;
    }
    return /^[-\d]/.test(word) ? toNumber(word) : toHandle(word);
  }

  /** The address of a copy of these bytes, aligned to 8, that lives as long as the call. */
  #pointer(bytes) {
    const memory = new Uint8Array(bytes.length + 8);
    memory.set(bytes);
    this.#memory.push(memory);
    return BigInt(koffi.address(memory));
  }

  call() {
    this.result = this.function(...this.parameters);
    return this.result;
  }

  /** On a thread of its own. */
  async callThread() {
    const worker = new Worker(new URL('thread.js', import.meta.url), { workerData: { name: this.name, parameters: this.parameters } });
    const gone = once(worker, 'exit');
    [this.result] = await once(worker, 'message');
    await gone;
  }

  /** On a thread of Node's pool. */
  callAside() {
    return new Promise((resolve, reject) =>
      this.function.async(...this.parameters, (error, result) => {
        this.result = result;
        error ? reject(error) : resolve();
      }),
    );
  }

  /** Binds new names and gives the = line. */
  line() {
    let line = `= ${name(this.result)}`;
    for (const { kind, what, memory } of this.#outs) {
      const view = new DataView(memory.buffer);
      if (kind === 'u64') line += ` ${view.getBigUint64(0, true)}`;
      if (kind === 'u32') line += ` ${view.getUint32(0, true)}`;
      if (kind === 'new' && this.result === raw.STELE_OK) script.handles.set(what, view.getBigUint64(0, true));
    }
    return line;
  }
}

const running = new Map();

function rawOf(words) {
  if (words.word() !== 'raw') fail('raw is missing');
  return new RawCall(words);
}

function answerRaw(call) {
  print(call.line());
  if (call.result >= raw.STELE_ARGUMENT_NULL) show('!', lastError().message);
}

// --------------------------------------------------------------- answers

function answer(result, values = '') {
  print(`= ${result}${values === '' ? '' : ' '}${values}`);
}

const ok = (values) => answer('STELE_OK', values);

function answerText(text, words) {
  ok();
  const picks = words.rest();
  if (picks.length === 0) show('|', text);
  for (const wanted of picks) show('|', `${wanted} ${pick(text, wanted)}`);
}

/** Lets the binding hold a handle of the script for one call. */
function lent(Handle, word, call) {
  const handle = new Handle(toHandle(word));
  try {
    return call(handle);
  } finally {
    handle.release();
  }
}

const storeOf = (words, call) => lent(Store, words.word(), call);

function end(Handle) {
  return (words) => {
    if (lent(Handle, words.word(), (handle) => handle.close())) return ok();
    answer('STELE_INVALID_HANDLE');
    show('!', lastError().message);
  };
}

function bind(name, handle) {
  script.handles.set(name, handle);
  ok();
}

/** Makes a call with a buffer that grows. */
function grow(next) {
  for (let buffer = Buffer.alloc(16); ; ) {
    const step = next(buffer);
    if (step.result !== 'STELE_BUFFER_TOO_SMALL') return { ...step, text: buffer.toString('utf8', 0, step.size) };
    buffer = Buffer.alloc(step.size);
  }
}

function answerEvent(next) {
  const step = grow(next);
  answer(step.result, step.key ?? '');
  if (step.result === 'STELE_OK') show('|', step.text);
}

function answerBatch(keys, size, next) {
  const buffer = Buffer.alloc(Number(size));
  const { result, size: used, count } = next(buffer);
  answer(result, { STELE_OK: count, STELE_BUFFER_TOO_SMALL: used }[result] ?? '');
  for (let i = 0, at = 0; result === 'STELE_OK' && i < count; i++) {
    const text = buffer.toString('utf8', at + 24, at + 24 + buffer.readUInt32LE(at + 16));
    show('|', keys ? `${keyAt(buffer, at)} ${text}` : text);
    at += buffer.readUInt32LE(at + 20);
  }
}

const timeoutOf = (words) => {
  const n = Number(toNumber(words.word()));
  return n === raw.STELE_FOREVER ? undefined : n;
};

// -------------------------------------------------------------- commands

function open(words) {
  const [handle, path, flags] = [words.word(), toText(words.word()), words.optionNumber('flags')];
  const options = {
    readOnly: (flags & 1n) !== 0n, mustExist: (flags & 2n) !== 0n, eventBytes: words.optionNumber('event_bytes'), batchBytes: words.optionNumber('batch_bytes'),
    memoryBytes: words.optionNumber('memory_bytes'), journalBytes: words.optionNumber('journal_bytes'), cacheBytes: words.optionNumber('cache_bytes'),
    documentBytes: words.optionNumber('document_bytes'), minFreeBytes: BigInt.asIntN(64, words.optionNumber('min_free_bytes')), openFiles: words.optionNumber('open_files'),
  };
  if (flags < 4n) return bind(handle, Store.open(path, options).release());
  const o = {
    size: raw.sizes.options, flags, event_bytes: 0, batch_bytes: 0, memory_bytes: 0, journal_bytes: 0, cache_bytes: 0, document_bytes: 0, min_free_bytes: 0, open_files: 0, reserved: 0,
  };
  bind(handle, begin((out) => raw.stele_open(...encode(path), o, out)));
}

function writeBegin(words) {
  const [handle, store, flags, id] = [words.word(), words.word(), words.optionNumber('flags'), words.optionText('id')];
  if (flags < 2n) return bind(handle, lent(Store, store, (s) => s.write({ partial: flags === 1n, id }).release()));
  const [text, length] = encode(id);
  const o = { size: raw.sizes.write_options, flags, reserved: 0, id: text, id_len: length };
  bind(handle, begin((out) => raw.stele_write_begin(toHandle(store), o, out)));
}

function readBegin(words) {
  const [handle, store, flags, ordering] = [words.word(), words.word(), words.optionNumber('flags'), words.optionNumber('ordering')];
  const [filter, limit] = [words.optionText('filter'), words.optionNumber('limit')];
  if (flags < 2n && ordering < 2n) {
    const options = { ...words.range(), filter, limit, descending: ordering === 1n, readAhead: flags === 1n };
    return bind(handle, lent(Store, store, (s) => s.beginRead(options).release()));
  }
  const [text, length] = encode(filter);
  const o = { size: raw.sizes.read_options, range: null, filter: text, filter_len: length, limit, ordering, flags };
  bind(handle, begin((out) => raw.stele_read_begin(toHandle(store), o, out)));
}

function queryBegin(words) {
  const [handle, store, query, flags] = [words.word(), words.word(), toText(words.word()), words.optionNumber('flags')];
  const [filter, memoryBytes, timeout] = [words.optionText('filter'), words.optionNumber('memory_bytes'), words.optionNumber('timeout_ms')];
  if (flags === 0n) {
    const options = { ...words.range(), filter, memoryBytes, timeout: timeout > 0n ? Number(timeout) : undefined };
    return bind(handle, lent(Store, store, (s) => s.beginQuery(query, options).release()));
  }
  const [text, length] = encode(filter);
  const o = { size: raw.sizes.query_options, range: null, filter: text, filter_len: length, memory_bytes: memoryBytes, timeout_ms: timeout, flags };
  bind(handle, begin((out) => raw.stele_query_begin(toHandle(store), ...encode(query), o, out)));
}

function tailBegin(words) {
  const [handle, store, flags] = [words.word(), words.word(), words.optionNumber('flags')];
  const [after, filter] = [words.optionNumber('after'), words.optionText('filter')];
  if (flags === 0n) return bind(handle, lent(Store, store, (s) => s.beginTail({ after, filter }).release()));
  const [text, length] = encode(filter);
  const o = { size: raw.sizes.tail_options, after, filter: text, filter_len: length, flags, reserved: 0 };
  bind(handle, begin((out) => raw.stele_tail_begin(toHandle(store), o, out)));
}

/** A command whose result is a new handle of rows: through the binding, whose iterator gives its handle away. */
function rows(make) {
  return (words) => {
    const handle = words.word();
    bind(handle, storeOf(words, (store) => make(store, words).handle.release()));
  };
}

async function until(words) {
  const wanted = words.word();
  const call = rawOf(words);
  for (let i = 0; i < 5000 && name(call.call()) !== wanted; i++) await sleep(2);
  answerRaw(call);
}

function damage(words) {
  const path = toText(words.word());
  const bytes = readFileSync(path);
  const at = bytes.length - Number(toNumber(words.word()));
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.from([bytes[at] ^ Number(toNumber(words.word()))]), 0, 1, at);
  closeSync(file);
  ok();
}

const commands = {
  version() {
    const info = Buffer.alloc(80);
    info.writeBigUInt64LE(80n);
    check(raw.stele_version(info));
    version();
    ok(info.readUInt32LE(8));
  },
  result_name: (words) => ok(toJson(name(Number(BigInt.asIntN(32, toNumber(words.word())))))),
  last_error() {
    const error = lastError();
    if (error === null) return answer('STELE_DONE');
    ok(error.code);
    show('|', error.message);
  },
  host(words) {
    check(raw.stele_host(toNumber(words.word())));
    ok();
  },
  key_parse: (words) => ok(keyAt(keyBytes(toText(words.word())))),
  key_format: (words) => ok(toJson(keyAt(keyBytes(words.word())))),
  key_parts(words) {
    const { instant, arrival } = keyParts(words.word());
    ok(`${instant} ${arrival}`);
  },
  open,
  close: end(Store),
  flush(words) {
    storeOf(words, (store) => store.flush());
    ok();
  },
  // The idiom parses it: picks want the numbers as they are written.
  statistics(words) {
    const handle = toHandle(words.word());
    const step = grow((buffer) => {
      const actual = new BigUint64Array(1);
      const result = check(raw.stele_statistics(handle, buffer, buffer.length, actual));
      return { result: name(result), size: Number(actual[0]) };
    });
    answerText(step.text, words);
  },
  verify: rows((store) => store.verify()),
  backup: rows((store, words) => store.backup(toText(words.word()), words.optionNumber('keep'))),
  write_begin: writeBegin,
  write_append(words) {
    lent(Writer, words.word(), (writer) => {
      const clef = toText(words.word());
      clef === null ? check(raw.stele_write_append(writer.handle, null, 0)) : writer.append(clef);
    });
    ok();
  },
  write_end(words) {
    const keys = lent(Writer, words.word(), (writer) => writer.commit());
    ok(keys.length);
    for (const key of keys) show('|', key);
  },
  write_abandon: end(Writer),
  read_begin: readBegin,
  read_next: (words) => lent(Reader, words.word(), (reader) => answerEvent((buffer) => reader.nextInto(buffer))),
  read_next_batch: (words) => lent(Reader, words.word(), (reader) => answerBatch(true, toNumber(words.word()), (buffer) => reader.nextBatchInto(buffer))),
  read_end: end(Reader),
  get: (words) => answerText(storeOf(words, (store) => store.get(words.word())), words),
  delete_keys: (words) => ok(storeOf(words, (store) => store.deleteKeys(words.rest().flatMap(toKeys)))),
  delete: (words) => ok(storeOf(words, (store) => store.delete({ ...words.range(), filter: words.optionText('filter') }))),
  document_set(words) {
    storeOf(words, (store) => store.setDocumentText(toText(words.word()), toText(words.word())));
    ok();
  },
  document_get: (words) => answerText(storeOf(words, (store) => store.documentText(toText(words.word()))), words),
  document_delete(words) {
    storeOf(words, (store) => store.deleteDocument(toText(words.word())));
    ok();
  },
  document_list: rows((store, words) => store.documents(toText(words.word()))),
  query_begin: queryBegin,
  rows_describe: (words) => answerText(lent(Rows, words.word(), (handle) => handle.describe()), words),
  rows_next(words) {
    const step = lent(Rows, words.word(), (handle) => grow((buffer) => handle.nextInto(buffer)));
    step.result === 'STELE_OK' ? answerText(step.text, words) : answer(step.result);
  },
  rows_next_batch: (words) => lent(Rows, words.word(), (handle) => answerBatch(false, toNumber(words.word()), (buffer) => handle.nextBatchInto(buffer))),
  rows_end: end(Rows),
  tail_begin: tailBegin,
  tail_next: (words) =>
    lent(Tail, words.word(), (tail) => {
      const timeout = timeoutOf(words);
      answerEvent((buffer) => tail.nextInto(timeout, buffer));
    }),
  tail_next_batch: (words) =>
    lent(Tail, words.word(), (tail) => {
      const timeout = timeoutOf(words);
      answerBatch(true, toNumber(words.word()), (buffer) => tail.nextBatchInto(timeout, buffer));
    }),
  tail_position: (words) => ok(lent(Tail, words.word(), (tail) => tail.position())),
  tail_end: end(Tail),
  serve_begin(words) {
    const handle = words.word();
    bind(handle, storeOf(words, (store) => store.serve({ urls: words.optionText('urls'), instance: words.optionText('instance') }).release()));
  },
  serve_urls(words) {
    const urls = lent(Server, words.word(), (server) => server.urls());
    learnPort(urls);
    answerText(urls, words);
  },
  serve_end: end(Server),
  cancel(words) {
    lent(Reader, words.word(), (reader) => reader.cancel());
    ok();
  },

  raw(words) {
    const call = new RawCall(words);
    call.call();
    answerRaw(call);
  },
  async thread(words) {
    const call = rawOf(words);
    await call.callThread();
    print(call.line());
  },
  async spawn(words) {
    const name = words.word();
    const call = rawOf(words);
    running.set(name, { call, done: call.callAside() });
    await sleep(20);
  },
  async join(words) {
    const { call, done } = running.get(words.word()) ?? fail('nothing runs of that name');
    await done;
    print(call.line());
  },
  until,
  damage,
  file(words) {
    writeFileSync(toText(words.word()), toText(words.word()));
    ok();
  },
};

const lines = readFileSync(process.argv[2], 'utf8').split('\n');
script.directory = process.argv[3];
lines.pop(); // after the last line feed
for (const line of lines) {
  if (/^[=!|]/.test(line)) continue;
  print(line);
  if (line === '' || line.startsWith('#')) continue;
  const words = new Words(line);
  const command = commands[words.word()] ?? fail(`no such command: ${line}`);
  try {
    await command(words);
  } catch (error) {
    if (!(error instanceof SteleError)) fail(`${line}: ${error.stack}`);
    answer(error.code);
    show('!', error.message);
  }
}
