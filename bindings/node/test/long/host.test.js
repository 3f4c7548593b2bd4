// What Node does besides, while the library is at work: signals, children, workers, the garbage collector. Needs --expose-gc.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as nodeTest } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Store } from 'stele';
import * as raw from 'stele/raw';

/** A test of a store with 20,000 events, while others are read from it aside. */
function test(name, body) {
  nodeTest(name, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'stele-node-'));
    const store = Store.open(join(directory, 'events'));
    store.append(Array.from({ length: 20000 }, (_, i) => `{"@t":"2026-01-01T00:00:00Z","@mt":"Number {N}","N":${i}}`).join('\n'));
    let over = false;
    let read = 0;
    const busy = (async () => {
      while (!over) for await (const _ of store.read({ readAhead: true })) read++;
    })();
    try {
      await body(store);
    } finally {
      over = true;
      await busy;
      store.close();
      rmSync(directory, { recursive: true });
    }
    assert.ok(read >= 20000);
  });
}

test('signals reach their handlers', async () => {
  const seen = { SIGINT: 0, SIGUSR2: 0, SIGTERM: 0 };
  const count = (signal) => seen[signal]++;
  for (const signal of Object.keys(seen)) process.on(signal, count);
  for (let i = 0; i < 50; i++) {
    for (const signal of Object.keys(seen)) process.kill(process.pid, signal);
    await sleep(5);
  }
  await sleep(100);
  for (const signal of Object.keys(seen)) process.off(signal, count);
  assert.deepEqual(seen, { SIGINT: 50, SIGUSR2: 50, SIGTERM: 50 });
});

test('a storm of signals does no harm', async (store) => {
  let seen = 0;
  const count = () => seen++;
  process.on('SIGUSR2', count);
  const storm = spawn('sh', ['-c', `while kill -USR2 ${process.pid} 2>/dev/null; do :; done`], { stdio: 'ignore' });
  for (const end = Date.now() + 6000; Date.now() < end; await sleep(0)) {
    assert.deepEqual([...store.query('select count(*) from stream where N > 5')], [[19994]]);
    assert.equal([...store.read({ limit: 100, readAhead: true })].length, 100);
  }
  storm.kill('SIGKILL');
  await once(storm, 'exit');
  process.off('SIGUSR2', count);
  assert.ok(seen > 100);
});

test('children run and are waited for', async () => {
  for (let i = 0; i < 50; i++) {
    const child = spawn('sh', ['-c', `cat; exit ${i}`], { stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.stdin.end('x'.repeat(1000));
    const [code] = await once(child, 'close');
    assert.deepEqual([code, text.length], [i, 1000]);
  }
});

test('a pipe that nobody reads is an error of its writer, not the end of the process', async () => {
  const child = spawn('sh', ['-c', 'exec <&-; echo closed; sleep 1'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const failed = once(child.stdin, 'error');
  child.stdin.write('x'.repeat(1 << 20));
  assert.equal((await failed)[0].code, 'EPIPE');
});

test('workers share a store and may be stopped', async (store) => {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.module).then(({ Store }) => {
      const store = new Store(workerData.handle);
      store.release();
      for (let i = 0; i < 20; i++) {
        store.append({ '@t': '2026-01-02T00:00:00Z', N: i });
        let n = 0;
        for (const _ of store.read({ limit: 1000 })) n++;
        if (n !== 1000) throw new Error('read ' + n);
      }
      parentPort.postMessage('done');
      for (;;) for (const _ of store.read()) ;
    });`;
  const workerData = { module: import.meta.resolve('stele'), handle: store.handle };
  const workers = Array.from({ length: 3 }, () => new Worker(code, { eval: true, workerData }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  await Promise.all(workers.map((worker) => worker.terminate()));
  assert.equal(store.statistics().Events, 20060);
});

test('what was forgotten is ended', async (store) => {
  const handles = [];
  for (let i = 0; i < 5000; i++) {
    const events = store.read();
    if (i % 10 === 0) events.next();
    handles.push(events.handle.handle, store.write().handle);
    if (i % 500 === 0) await sleep(1);
  }
  for (let i = 0; i < 50 && handles.some((handle) => raw.stele_cancel(handle) === raw.STELE_OK); i++) {
    globalThis.gc();
    await sleep(20);
  }
  assert.equal(handles.filter((handle) => raw.stele_cancel(handle) !== raw.STELE_INVALID_HANDLE).length, 0);
});
