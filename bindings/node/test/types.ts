// What the types are to say, for the compiler alone.

import { Events, Key, Store, SteleError, keyParts } from 'stele';

const store: Store = Store.open('events', { memoryBytes: 64n << 20n, readOnly: true });
const keys: Key[] = store.append('{}', { '@t': new Date() });
const events: Events = store.read({ from: keys[0], before: new Date(), limit: 10, filter: 'A = 1' });
for (const event of events) console.log(event.clef.length, event.parse()['@t'], keyParts(event.key).instant + 1n);
for await (const [level, count] of store.query<[string, number]>('select count(*) from stream group by @Level')) console.log(level.length, count + 1);
for (const text of store.query('select 1').texts()) console.log(text.length);
for await (const event of store.follow({ after: 'now' })) console.log(event.key);
for (const document of store.documents('a')) console.log(document.Key, document.Bytes + 1);
console.log(store.beginRead().nextInto(Buffer.alloc(10)).size + 1);
// @ts-expect-error a key is no number
store.get(1);
if (new Error() instanceof SteleError) console.log(store.statistics().Events);
