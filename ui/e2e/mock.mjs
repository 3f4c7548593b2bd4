// A stand-in for the server while working on the page: the same resources over events in
// memory, with a filter language of three forms (A = 'x', A = 1, "text"; joined by and).
//
//	node e2e/mock.mjs [--port 5341] [--events 5000] [--base /]
//
// Never shipped; the browser test runs against the real binary.
import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sample } from './sample.mjs';

const { values: options } = parseArgs({ options: { port: { type: 'string', default: '5341' }, events: { type: 'string', default: '5000' }, base: { type: 'string', default: '/' } } });
const dist = fileURLToPath(new URL('../dist', import.meta.url));
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

let arrival = 0;
const events = []; // newest first
const documents = new Map([['settings/alerts', '{"to": "ops@example.org", "limit": 1.50}'], ['notes', '["first", "second"]']]);
const streams = new Set();

function entity(clef) {
  const properties = Object.entries(clef).filter(([k]) => !k.startsWith('@')).map(([Name, Value]) => ({ Name, Value }));
  const renderings = [...(clef['@r'] ?? [])];
  const tokens = [];
  let rest = clef['@mt'] ?? clef['@m'] ?? '';
  for (let m; (m = /\{@?(\w+)(:[^}]*)?\}/.exec(rest)); rest = rest.slice(m.index + m[0].length)) {
    if (m.index > 0) tokens.push({ Text: rest.slice(0, m.index) });
    tokens.push({ PropertyName: m[1], RawText: m[0], ...(m[2] && renderings.length ? { FormattedValue: renderings.shift() } : {}) });
  }
  if (rest) tokens.push({ Text: rest });
  const nanos = BigInt(Date.parse(clef['@t'])) * 1000000n + (1n << 63n);
  const number = ++arrival;
  return { number, entity: { Id: `event-${nanos.toString(16).padStart(16, '0')}${number.toString(16).padStart(16, '0')}`, Timestamp: clef['@t'], Properties: properties, MessageTemplateTokens: tokens, Level: clef['@l'] ?? 'Information', ...(clef['@x'] ? { Exception: clef['@x'] } : {}), ...(clef['@tr'] ? { TraceId: clef['@tr'], SpanId: clef['@sp'] } : {}) } };
}

function add(list) {
  for (const clef of list) {
    const made = entity(clef);
    events.push(made.entity);
    for (const s of streams) if (s.keep(made.entity)) s.response.write(`id: ${made.number}\ndata: ${JSON.stringify(made.entity)}\n\n`);
  }
  events.sort((a, b) => (a.Id < b.Id ? 1 : -1));
}

function compile(filter) {
  if (!filter) return { keep: () => true };
  const clauses = filter.split(' and ').map((clause) => {
    const quoted = /^"(.*)"$/.exec(clause);
    if (quoted) return (e) => JSON.stringify(e).toLowerCase().includes(quoted[1].toLowerCase());
    const m = /^(not \()?(@?[\w.]+) = (?:'((?:[^']|'')*)'|([\d.]+|true|false))\)?$/.exec(clause);
    if (!m) return null;
    const want = m[3] !== undefined ? m[3].replaceAll("''", "'") : JSON.parse(m[4]);
    const value = (e) => (m[2].startsWith('@') ? e[m[2].slice(1)] : m[2].split('.').reduce((v, n, i) => (i === 0 ? e.Properties.find((p) => p.Name === n)?.Value : v?.[n]), null));
    return (e) => (value(e) === want) === !m[1];
  });
  if (clauses.every(Boolean)) return { keep: (e) => clauses.every((c) => c(e)) };
  const at = Math.max(0, filter.search(/[^\w\s.@']/));
  return { keep: (e) => JSON.stringify(e).toLowerCase().includes(filter.toLowerCase()), asText: `unexpected ${JSON.stringify(filter[at] ?? 'end')}`, at };
}

const select = (q) => {
  const compiled = compile(q.get('filter') ?? '');
  const [from, to] = [Date.parse(q.get('fromDateUtc') ?? ''), Date.parse(q.get('toDateUtc') ?? '')];
  return { ...compiled, list: events.filter((e) => compiled.keep(e) && !(Date.parse(e.Timestamp) < from) && !(Date.parse(e.Timestamp) >= to)) };
};

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://mock');
  const json = (status, value, headers = {}) => response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value));
  if (!url.pathname.startsWith(options.base)) return json(404, { Error: 'outside the base path' });
  const path = '/' + url.pathname.slice(options.base.length);
  const q = url.searchParams;
  let body = '';
  for await (const chunk of request) body += chunk;

  if (path === '/health') return json(200, { status: 'in service' });
  if (path === '/ingest/clef') {
    add(body.split('\n').filter(Boolean).map((line) => JSON.parse(line)));
    return json(201, { MinimumLevelAccepted: null });
  }
  if (path === '/api/expressions/to-strict') {
    const c = compile(q.get('fuzzy'));
    return json(200, { MatchedAsText: !!c.asText, ReasonIfMatchedAsText: c.asText ?? null, ...(c.asText ? { Position: { Offset: c.at, Line: 1, Column: c.at + 1 } } : {}) });
  }
  if (path === '/api/events') {
    const { list, asText } = select(q);
    const after = q.get('afterId');
    const start = after ? list.findIndex((e) => e.Id < after) : 0;
    return json(200, start < 0 ? [] : list.slice(start, start + Number(q.get('count') ?? 30)), asText ? { 'X-Stele-Matched-As-Text': asText } : {});
  }
  if (path === '/api/events/histogram') {
    const { list } = select(q);
    const times = list.map((e) => Date.parse(e.Timestamp));
    const from = Date.parse(q.get('fromDateUtc') ?? '') || times.at(-1) || 0;
    const to = Date.parse(q.get('toDateUtc') ?? '') || (q.get('fromDateUtc') ? Date.now() : (times[0] ?? 0) + 1);
    const n = Number(q.get('buckets') ?? 60);
    const buckets = Array.from({ length: n }, (_, i) => ({ start: new Date(from + ((to - from) * i) / n).toISOString(), end: new Date(from + ((to - from) * (i + 1)) / n).toISOString(), counts: {} }));
    list.forEach((e, i) => {
      const counts = buckets[Math.min(n - 1, Math.floor(((times[i] - from) / (to - from)) * n))]?.counts;
      if (counts) counts[e.Level] = (counts[e.Level] ?? 0) + 1;
    });
    return json(200, list.length ? buckets : []);
  }
  if (path === '/api/events/stream') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }).write(': hello\n\n');
    const stream = { response, keep: compile(q.get('filter') ?? '').keep };
    streams.add(stream);
    response.on('close', () => streams.delete(stream));
    return;
  }
  if (path === '/api/documents') return json(200, [...documents].filter(([k]) => k.startsWith(q.get('prefix') ?? '')).sort().map(([Key, v]) => ({ Key, Bytes: v.length, Changed: new Date().toISOString() })));
  if (path.startsWith('/api/documents/')) {
    const key = decodeURIComponent(path.slice('/api/documents/'.length));
    if (request.method === 'PUT') documents.set(key, body);
    else if (request.method === 'DELETE') documents.delete(key);
    else if (!documents.has(key)) return json(404, { Error: `no document ${key}` });
    return response.writeHead(200, { 'Content-Type': 'application/json' }).end(documents.get(key) ?? '{}');
  }
  const file = join(dist, normalize(path === '/' ? '/index.html' : path));
  if (!existsSync(file)) return json(404, { Error: 'not found' });
  response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': "default-src 'self'; frame-ancestors 'none'" }).end(readFileSync(file));
}).listen(Number(options.port), '127.0.0.1', () => console.log(`mock at http://127.0.0.1:${options.port}${options.base}`));
add(sample(Number(options.events)));
