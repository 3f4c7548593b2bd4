// The page in a real browser against the real server.
//
//	STELE_BIN=../bin/stele npm run e2e [-- part-of-a-name ...]
//
// STELE_BIN       the server, built after the page
// STELE_CHROMIUM  the browser (default /usr/bin/chromium)
// STELE_SCREENSHOT where the README's picture goes (default: e2e/out, which is not checked in)
//
// Cases run in order on one store, which grows: first nothing, then a shop's hour, at last
// 100,000 events. Every case gets a page of its own. Any console message of the page, any
// request to another host and any violation of its policy fails the case.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { documentCases } from './documents.mjs';
import { largeCases } from './large.mjs';
import { layoutCases } from './layout.mjs';
import { refusedCases } from './refused.mjs';
import { searchCases } from './search.mjs';
import { startServer } from './server.mjs';
import { tailCases } from './tail.mjs';

const binary = process.env.STELE_BIN;
if (!binary) {
  console.error('STELE_BIN must name the server: build the page (npm run build), then go build -o bin/stele ./cmd/stele');
  process.exit(2);
}
const out = fileURLToPath(new URL('out/', import.meta.url));
mkdirSync(out, { recursive: true });
// Whatever hangs, this ends; the browser and the server go with it.
const overall = setTimeout(() => {
  console.error('the browser test took longer than 5 minutes');
  process.exit(1);
}, 300_000);
process.on('exit', () => {
  server?.kill();
});

let server;
server = await startServer(binary);
const browser = await chromium.launch({
  executablePath: process.env.STELE_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/** Fails with a message that names what was wanted. */
function check(ok, message) {
  if (!ok) throw new Error(message);
}

async function runCase({ name, run, options = {}, seconds = 40, expect = [] }) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const complaints = [];
  const complain = (text) => {
    if (!expect.some((pattern) => pattern.test(text))) complaints.push(text);
  };
  const hosts = new Set([new URL(server.url).host]);
  page.on('console', (m) => complain(`console ${m.type()}: ${m.text()}`));
  page.on('pageerror', (e) => complain(`page error: ${e.stack ?? e.message}`));
  page.on('request', (r) => {
    if (!hosts.has(new URL(r.url()).host)) complain(`request to another host: ${r.url()}`);
  });
  const t = {
    page, server, context, check, hosts, out,
    /** Opens the page at a search and waits for an answer. */
    open: async (search = '') => {
      await page.goto(server.url + '/' + search);
      await page.waitForSelector('.row, .state, .first, .documents');
    },
    rows: () => page.locator('.row'),
    filter: () => page.getByLabel('Filter', { exact: true }),
    search: async (text) => {
      await t.filter().fill(text);
      const answered = page.waitForResponse((r) => r.url().includes('/api/events?'));
      await t.filter().press('Enter');
      await answered;
      await page.waitForFunction(() => !document.querySelector('.busy'));
    },
    /** How many events the filter selects, as the server counts. */
    count: async (filter) => JSON.parse((await server.get('api/events', { filter, count: '10000' })).body).length,
    asText: () => page.locator('.note'),
  };
  const started = Date.now();
  let timer;
  try {
    await Promise.race([run(t), new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`longer than ${seconds} s`)), seconds * 1000)))]);
    check(complaints.length === 0, complaints.join('\n'));
    console.log(`ok    ${name} (${Date.now() - started} ms)`);
    return true;
  } catch (e) {
    console.error(`FAIL  ${name}: ${e.stack ?? e}`);
    for (const c of complaints) console.error(`      ${c}`);
    await page.screenshot({ path: `${out}failed-${name.replaceAll(/\W+/g, '-')}.png` }).catch(() => {});
    return false;
  } finally {
    clearTimeout(timer);
    await context.close();
  }
}

const wanted = process.argv.slice(2);
const cases = [...searchCases, ...layoutCases, ...documentCases, ...refusedCases, ...tailCases, ...largeCases];
const failed = [];
let ran = 0;
for (const c of cases) {
  // Cases that fill the store are always needed by those after them.
  if (wanted.length && !c.fills && !wanted.some((w) => c.name.includes(w))) continue;
  ran++;
  if (!(await runCase(c))) failed.push(c.name);
}
await browser.close();
await server.stop();
clearTimeout(overall);
console.log(failed.length ? `${failed.length} of ${ran} failed: ${failed.join('; ')}` : `all ${ran} cases passed`);
process.exit(failed.length ? 1 : 0);
