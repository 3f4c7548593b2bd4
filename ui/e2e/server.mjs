// The real binary, on a free port and a temporary directory.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clef } from './sample.mjs';

/** Starts the server, and stops, kills or starts it again at the same address. */
export async function startServer(binary) {
  const directory = mkdtempSync(join(tmpdir(), 'stele-page-'));
  const server = { url: '', directory };
  let child;
  let said = '';

  server.start = async () => {
    said = '';
    const url = server.url || 'http://127.0.0.1:0';
    child = spawn(binary, ['serve', '--datapath', join(directory, 'data'), '--urls', url], { stdio: ['ignore', 'pipe', 'pipe'] });
    const mine = child;
    mine.ended = new Promise((resolve) => mine.on('exit', (code, signal) => resolve(signal ?? code)));
    mine.on('error', (e) => (said += e.message));
    for (const stream of [mine.stdout, mine.stderr]) stream.on('data', (d) => (said += d));
    const limit = Date.now() + 20_000;
    for (;;) {
      server.url ||= /https?:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? '';
      if (mine.exitCode !== null || Date.now() > limit) {
        mine.kill('SIGKILL');
        throw new Error(`the server did not start:\n${said}`);
      }
      if (server.url && (await fetch(server.url + '/health').catch(() => null))?.ok) return;
      await new Promise((r) => setTimeout(r, 50));
    }
  };
  const end = async (signal) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await child.ended;
    clearTimeout(late);
  };
  server.kill = () => end('SIGKILL');
  server.stop = async () => {
    await end('SIGTERM');
    rmSync(directory, { recursive: true, force: true });
  };
  server.output = () => said;

  /** Sends events and waits for each batch's 201. */
  server.ingest = async (events) => {
    for (let i = 0; i < events.length; i += 5000) {
      const response = await fetch(server.url + '/ingest/clef', { method: 'POST', body: clef(events.slice(i, i + 5000)) });
      if (response.status !== 201) throw new Error(`ingest: ${response.status} ${await response.text()}`);
    }
  };
  server.ingestText = async (lines) => {
    const response = await fetch(server.url + '/ingest/clef', { method: 'POST', body: lines });
    if (response.status !== 201) throw new Error(`ingest: ${response.status} ${await response.text()}`);
  };
  server.get = async (path, params = {}) => {
    const response = await fetch(`${server.url}/${path}?${new URLSearchParams(params)}`);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return { body: await response.text(), headers: response.headers };
  };
  await server.start();
  return server;
}
