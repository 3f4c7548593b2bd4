import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as nodeTest } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Reader, SteleError, Store, keyParts, version } from 'stele';
import * as raw from 'stele/raw';

/** A test in a directory of its own. */
function test(name, body) {
  nodeTest(name, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'stele-node-'));
    try {
      await body(join(directory, 'events'), directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

const event = (second, message) => `{"@t":"2026-01-01T00:00:${String(second).padStart(2, '0')}Z","@mt":"${message}"}`;
const at = (second) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const clefs = (events) => [...events].map((e) => e.clef);
const fails = (code, call) => assert.throws(call, (error) => error instanceof SteleError && error.code === code);

test('events come back as they were written', async (path) => {
  const store = Store.open(path);
  const writer = store.write();
  writer.append(`${event(1, 'one')}\n${event(2, 'two')}`);
  assert.deepEqual(clefs(store.read()), []);
  writer.append(Buffer.from(event(0, 'zero')));
  const keys = writer.commit();
  assert.equal(keys.length, 3);
  assert.ok(keys[2] < keys[0] && keys[0] < keys[1]);
  assert.deepEqual(keyParts(keys[1]).date, at(2));
  assert.equal(keyParts(keys[1]).arrival, keyParts(keys[0]).arrival + 1n);

  assert.deepEqual(clefs(store.read()), [event(0, 'zero'), event(1, 'one'), event(2, 'two')]);
  const aside = [];
  for await (const e of store.read({ readAhead: true })) aside.push(e.parse()['@mt']);
  assert.deepEqual(aside, ['zero', 'one', 'two']);
  assert.equal(store.get(keys[0]), event(1, 'one'));
  assert.deepEqual(clefs(store.read({ descending: true, limit: 2 })), [event(2, 'two'), event(1, 'one')]);
  assert.deepEqual(clefs(store.read({ filter: "@Message = 'one'" })), [event(1, 'one')]);
  assert.deepEqual(clefs(store.read({ from: at(1), before: at(2) })), [event(1, 'one')]);
  assert.deepEqual(clefs(store.read({ after: keys[0], to: keys[1] })), [event(2, 'two')]);
  assert.deepEqual(clefs(store.read({ to: BigInt(at(0)) * 1000000n })), [event(0, 'zero')]);

  assert.equal(store.deleteKeys([]), 0);
  assert.equal(store.deleteKeys([keys[0], keys[0]]), 1);
  assert.equal(store.delete({ from: at(2) }), 1);
  assert.equal(store.delete({ filter: "@Message = 'none'" }), 0);
  fails('STELE_NOT_FOUND', () => store.get(keys[0]));
  assert.deepEqual(store.append({ '@t': at(5), N: 1 }, { '@t': at(4) }).map((k) => keyParts(k).date), [at(5), at(4)]);
  assert.ok(store.close());
});

test('handles and buffers are the caller’s', (path) => {
  const store = Store.open(path);
  for (let i = 0; i < 3; i++) store.append(event(i, 'x'));
  const reader = store.beginRead();
  const buffer = Buffer.alloc(256);
  const size = event(0, 'x').length;
  assert.deepEqual(reader.nextInto(buffer.subarray(0, 8)), { result: 'STELE_BUFFER_TOO_SMALL', key: undefined, size, count: undefined });
  const step = reader.nextInto(buffer);
  assert.deepEqual([step.result, step.size, keyParts(step.key).date], ['STELE_OK', size, at(0)]);
  assert.equal(buffer.toString('utf8', 0, step.size), event(0, 'x'));
  assert.equal(reader.nextBatchInto(buffer).count, 2);
  assert.equal(reader.nextInto(buffer).result, 'STELE_DONE');
  assert.equal(reader.nextBatchInto(buffer).result, 'STELE_DONE');
  assert.ok(reader.close());
  assert.ok(!reader.close());
  fails('STELE_INVALID_HANDLE', () => reader.nextInto(buffer));
  fails('STELE_INVALID_HANDLE', () => new Reader(2n ** 53n - 1n).nextInto(buffer));
  assert.ok(Number.isSafeInteger(store.handle));

  const writer = store.write();
  const other = store.write();
  assert.equal(raw.stele_write_abandon(writer.release()), raw.STELE_OK);
  fails('STELE_INVALID_HANDLE', () => writer.append(event(0, 'y')));
  assert.ok(other.close());
  assert.ok(store.close());
  assert.ok(!store.close());
  fails('STELE_INVALID_HANDLE', () => store.flush());
  Store.open(path).close();
});

test('errors have codes and causes', (path) => {
  const store = Store.open(path);
  const locked = (error) => {
    assert.equal(error.code, 'STELE_LOCKED');
    assert.equal(error.result, 24);
    assert.equal(error.message, [error.message.split('\n')[0], ...error.causes].join('\ncaused by: '));
    return true;
  };
  assert.throws(() => Store.open(path), locked);
  fails('STELE_NOT_FOUND', () => Store.open(join(path, 'none'), { mustExist: true }));
  fails('STELE_INVALID', () => keyParts('event-'));
  fails('STELE_INVALID', () => keyParts(''));
  fails('STELE_INVALID', () => store.append('{'));
  fails('STELE_ARGUMENT_NULL', () => store.deleteDocument(null));

  const writer = store.write();
  fails('STELE_INVALID', () => writer.append('{'));
  fails('STELE_INVALID', () => writer.commit());
  const partial = store.write({ partial: true });
  fails('STELE_INVALID', () => partial.append('{'));
  partial.append(event(0, 'kept'));
  assert.equal(partial.commit().length, 1);
  const once = () => {
    const w = store.write({ id: 'once' });
    w.append(event(1, 'once'));
    return w.commit();
  };
  assert.deepEqual(once(), once());
  store.close();
});

test('many events and large ones', async (path) => {
  const store = Store.open(path, { eventBytes: 1 << 20, memoryBytes: 64 << 20 });
  const small = Array.from({ length: 5000 }, (_, i) => event(i % 60, 'of märchen'));
  const large = `{"@t":"2026-01-01T00:01:00Z","X":"${'x'.repeat(600 << 10)}"}`;
  const keys = store.append(small.join('\n'), large);
  assert.equal(keys.length, 5001);
  const events = [...store.read()];
  assert.equal(events.length, 5001);
  assert.equal(events[5000].clef, large);
  assert.equal(events[5000].key, keys[5000]);
  assert.deepEqual(events.map((e) => e.key), [...keys].sort());
  let count = 0;
  for await (const e of store.read()) count += e.clef === large ? 10000 : 1;
  assert.equal(count, 15000);

  // A loop that is left ends its reader.
  const left = store.read();
  for (const _ of left) break;
  assert.ok(!left.close());
  store.close();
});

test('documents, queries and the rest', async (path, directory) => {
  const store = Store.open(path);
  store.setDocumentText('a/1', '[1, 2]');
  store.setDocument('a/2', { b: 'ü' });
  store.setDocument('b', 0);
  assert.equal(store.documentText('a/1'), '[1, 2]');
  assert.deepEqual(store.document('a/2'), { b: 'ü' });
  assert.deepEqual([...store.documents('a/')].map((d) => d.Key), ['a/1', 'a/2']);
  assert.equal([...store.documents()].length, 3);
  store.deleteDocument('b');
  fails('STELE_NOT_FOUND', () => store.document('b'));
  fails('STELE_INVALID', () => store.setDocumentText('b', '{'));

  for (let i = 0; i < 4; i++) store.append(event(i, i % 2 ? 'odd' : 'even'));
  const query = 'select count(*) as n from stream group by @Message as m order by m';
  const lines = store.query(query);
  assert.deepEqual(lines.next(), ['even', 2]);
  assert.deepEqual(await lines.nextAside(), ['odd', 2]);
  assert.equal(lines.next(), undefined);
  assert.deepEqual(lines.describe().Columns, ['m', 'n']);
  assert.ok(lines.close());
  assert.deepEqual([...store.query(query).texts()], ['["even",2]', '["odd",2]']);
  fails('STELE_INVALID', () => store.query('select nothing of that'));

  assert.equal(store.statistics().Events, 4);
  assert.deepEqual(store.verify().next().Damage, []);
  assert.ok(store.backup(join(directory, 'backups'), 1).next().Name);
  store.flush();
  assert.ok(version());

  const server = store.serve({ urls: 'http://127.0.0.1:0' });
  const statistics = await (await fetch(`${server.urls()}/api/documents/a%2F1`)).text();
  assert.equal(statistics, '[1, 2]');
  assert.ok(server.close());
  assert.ok(!server.close());
  store.close();
});

test('a store is followed', async (path) => {
  const store = Store.open(path);
  const keys = store.append(event(5, 'a'), event(4, 'b'));
  const following = store.follow();
  assert.equal(following.next(0).clef, event(5, 'a'));
  assert.equal(following.position(), keyParts(keys[0]).arrival);
  assert.equal(following.next().clef, event(4, 'b'));
  assert.equal(following.position(), keyParts(keys[1]).arrival);
  assert.equal(following.next(0), undefined);
  assert.equal(following.next(1), undefined);

  const seen = [];
  const loop = (async () => {
    for await (const e of store.follow({ after: 'now' })) {
      seen.push(e.clef);
      if (seen.length === 2) break;
    }
  })();
  await sleep(1);
  store.append(event(1, 'late'));
  await sleep(50);
  store.append(event(3, 'later'));
  await loop;
  assert.deepEqual(seen, [event(1, 'late'), event(3, 'later')]);

  const canceled = store.follow({ after: following.position() });
  const all = (async () => {
    for await (const e of canceled) seen.push(e.clef);
  })();
  await sleep(10);
  canceled.cancel();
  await assert.rejects(all, { code: 'STELE_CANCELED' });
  assert.equal(seen.length, 4);

  store.close();
  fails('STELE_CLOSED', () => following.next());
  following.close();
});

test('a failure aside has its text', async (path) => {
  const store = Store.open(path);
  store.append(event(0, 'x'));
  const events = store.read();
  store.close();
  await assert.rejects(async () => {
    for await (const _ of events) assert.fail();
  }, (error) => error.code === 'STELE_CLOSED' && error.message.length > 'STELE_CLOSED'.length);
});

test('damage is told after the last event', async (path) => {
  const before = Store.open(path);
  before.append(event(1, 'lost'));
  before.flush();
  before.append(event(2, 'kept'));
  before.close();
  for (const name of readdirSync(path).filter((n) => n.endsWith('.seg'))) {
    const bytes = readFileSync(join(path, name));
    bytes[bytes.length - 60] ^= 0xff;
    writeFileSync(join(path, name), bytes);
  }

  const store = Store.open(path);
  const corrupt = (error) => error.code === 'STELE_CORRUPT' && error.message.includes('.seg');
  const seen = [];
  assert.throws(() => {
    for (const e of store.read()) seen.push(e.clef);
  }, corrupt);
  await assert.rejects(async () => {
    for await (const e of store.read()) seen.push(e.clef);
  }, corrupt);
  assert.deepEqual(seen, [event(2, 'kept'), event(2, 'kept')]);
  const events = store.read();
  events.next();
  assert.throws(() => events.next(), corrupt);
  assert.throws(() => events.close(), corrupt);
  assert.ok(!events.close());
  // A break, or the loop's own error, is not hidden by what its reader lost.
  for (const _ of store.read()) break;
  assert.throws(() => {
    for (const _ of store.read()) throw new RangeError('own');
  }, RangeError);
  store.append(event(3, 'more'));
  store.close();
});

nodeTest('every function of the header is declared', () => {
  const header = readFileSync(new URL('../../../include/stele.h', import.meta.url), 'utf8');
  const names = [...header.matchAll(/^STELE_API .*?(stele_\w+)\(/gm)].map((m) => m[1]);
  assert.ok(names.length > 30);
  assert.deepEqual(Object.keys(raw).filter((name) => name.startsWith('stele_')).sort(), names.sort());
});
