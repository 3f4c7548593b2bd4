// Writes documents with @elastic/elasticsearch in each way it has, to the URL given, and checks what it answers.
import assert from 'node:assert/strict';
import { Client, errors } from '@elastic/elasticsearch';

const [node] = process.argv.slice(2);
const client = new Client({ node, maxRetries: 0, compression: process.argv[3] === 'gzip' });

assert.ok(await client.ping());
const info = await client.info();
assert.match(info.version.number, /^\d+\.\d+\.\d+$/);
assert.equal((await client.cluster.health()).status, 'green');
await client.indices.create({ index: 'shop' });
await client.indices.putIndexTemplate({ name: 'shop', index_patterns: ['shop*'], data_stream: {} });
assert.equal(await client.indices.exists({ index: 'shop' }), false);

const stamp = '2026-11-20T10:00:00.000Z';
const bulk = await client.bulk({
  index: 'shop',
  refresh: true,
  operations: [
    { index: {} },
    { '@timestamp': stamp, message: 'indexed', 'log.level': 'warn', order: { id: 42, items: [1, null, 'é'] } },
    { create: { _id: 'c1', _index: 'other' } },
    { '@timestamp': stamp, message: 'created' },
    { index: {} },
    ['no document'],
    { delete: { _id: 'c1' } },
    { update: { _id: 'u1' } },
    { doc: { '@timestamp': stamp, message: 'updated' }, doc_as_upsert: true },
  ],
});
assert.equal(bulk.errors, true);
assert.deepEqual(bulk.items.map((i) => Object.values(i)[0].status), [201, 201, 400, 400, 201]);
assert.equal(bulk.items[2].index.error.type, 'document_parsing_exception');

const dropped = [];
const result = await client.helpers.bulk({
  datasource: Array.from({ length: 500 }, (_, n) => (n === 250 ? ['no document'] : { '@timestamp': stamp, message: 'helped', n })),
  flushBytes: 5000,
  refreshOnCompletion: true,
  onDocument: () => ({ create: { _index: 'many' } }),
  onDrop: (drop) => dropped.push(drop),
});
assert.deepEqual([result.successful, result.failed, dropped.length, dropped[0].status], [499, 1, 1, 400]);

const one = await client.index({ index: 'shop', document: { '@timestamp': stamp, message: 'one' } });
assert.equal(one.result, 'created');
const two = await client.create({ index: 'shop', id: 'two', document: { '@timestamp': stamp, message: 'two' } });
assert.equal(two._id, 'two');
const error = await client.search({ index: 'shop' }).catch((e) => e);
assert.ok(error instanceof errors.ResponseError, String(error));
assert.equal(error.statusCode, 404);

console.log(JSON.stringify({ id: one._id }));
