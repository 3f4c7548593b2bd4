// How it looks and how it is reached: widths, colours, keyboard, base path.
import { createServer, request } from 'node:http';
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { shop } from './search.mjs';

const fits = (page) => page.evaluate(() => {
  const wide = [...document.querySelectorAll('body *')].filter((e) => {
    const r = e.getBoundingClientRect();
    return r.width > 0 && r.right > innerWidth + 1 && getComputedStyle(e).position !== 'absolute' && !e.closest('pre, .visually-hidden, .row, .axis, textarea');
  });
  return document.documentElement.scrollWidth <= innerWidth ? wide.map((e) => e.outerHTML.slice(0, 120)) : ['the page scrolls sideways'];
});

export const layoutCases = [
  {
    name: 'keys alone: search, open, close, tail, documents, help',
    run: async ({ page, open, check, filter, server }) => {
      await open();
      await page.keyboard.press('/');
      check(await filter().evaluate((i) => document.activeElement === i), '/ goes to the filter');
      await page.keyboard.type("StatusCode = 502");
      await page.keyboard.press('Enter');
      await page.waitForURL(/filter=/);
      await page.locator('.row.error').first().waitFor();
      await page.keyboard.press('Escape');
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await page.keyboard.press('k');
      await page.keyboard.press('j');
      check((await page.locator('.row').nth(1).getAttribute('class')).includes('selected'), 'j and k choose the second row');
      await page.keyboard.press('Enter');
      await page.locator('.detail').waitFor();
      await page.keyboard.press('Tab');
      await page.keyboard.press('ArrowDown');
      await page.waitForFunction(() => document.activeElement?.closest('[data-value]'));
      await page.keyboard.press('ArrowDown');
      const target = await page.evaluate(() => document.activeElement.closest('[data-value]').dataset.value);
      await page.keyboard.press('f');
      await page.waitForFunction((name) => document.querySelector('textarea').value.includes(`and ${name} =`), target);
      await page.locator('.detail').waitFor({ state: 'detached' });
      await page.locator('.row').first().waitFor();
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await page.locator('.detail').waitFor();
      await page.keyboard.press('Escape');
      await page.locator('.detail').waitFor({ state: 'detached' });
      await page.keyboard.press('t');
      await page.locator('.tail[aria-pressed=true]').waitFor();
      await page.keyboard.press('p');
      await page.getByRole('button', { name: /^Resume/ }).waitFor();
      await page.keyboard.press('t');
      await page.locator('.tail[aria-pressed=false]').waitFor();
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.keyboard.press('2');
      await page.locator('.documents').waitFor();
      await page.keyboard.press('n');
      await page.keyboard.type('by/keys');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Control+a');
      await page.keyboard.type('{"typed":true}');
      await page.keyboard.press('Control+s');
      await page.getByText('by/keys saved.').waitFor();
      check((await server.get('api/documents/by/keys')).body === '{"typed":true}', 'the document was stored');
      await page.keyboard.press('Escape');
      await page.keyboard.press('1');
      await page.locator('.row').first().waitFor();
    },
  },
  {
    name: '360 px: nothing is wider than the screen',
    options: { viewport: { width: 360, height: 740 }, hasTouch: true },
    run: async ({ page, open, search, check, rows }) => {
      const hold = async (what) => {
        const wide = await fits(page);
        check(wide.length === 0, `${what}: ${wide.join('\n')}`);
      };
      await open();
      await hold('events');
      await search('"Payment of order"');
      await rows().first().click();
      await page.locator('.detail').waitFor();
      await hold('an opened event');
      await page.locator('.custom').click();
      await page.getByRole('dialog').waitFor();
      await hold('the time range');
      await page.keyboard.press('Escape');
      await search('Count == 3');
      await page.locator('.note').waitFor();
      await hold('the note');
      await page.getByLabel('Help: keys and filters').click();
      await hold('help');
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
      await page.getByRole('button', { name: 'Documents' }).click();
      await page.getByRole('button', { name: 'New' }).click();
      await page.getByLabel('JSON of the document').waitFor();
      await hold('a document');
    },
  },
  {
    name: 'dark and light, by system and by choice',
    run: async ({ page, open, check }) => {
      const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      const wait = (color) => page.waitForFunction((c) => getComputedStyle(document.documentElement).backgroundColor === c, color);
      await open();
      const light = await background();
      await page.emulateMedia({ colorScheme: 'dark' });
      const dark = await background();
      check(light === 'rgb(255, 255, 255)' && dark !== light, `light ${light}, dark ${dark}`);
      await page.getByLabel(/^Colours/).click();
      await wait(light);
      await page.getByLabel(/^Colours/).click();
      await wait(dark);
      await page.emulateMedia({ colorScheme: 'light' });
      await page.reload();
      await wait(dark);
    },
  },
  {
    name: 'an audit of accessibility finds nothing, in light and in dark',
    run: async ({ page, open, check, search, rows, filter, server }) => {
      const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
      const audit = async (what) => {
        await page.evaluate(source);
        const found = await page.evaluate(async () => (await window.axe.run(document)).violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)}`));
        check(found.length === 0, `${what}: ${found.join('\n')}`);
      };
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await open();
        await audit(`${colorScheme} list`);
        await search('Payment of order');
        await page.locator('.note').waitFor();
        await rows().first().click();
        await page.locator('.detail').waitFor();
        await audit(`${colorScheme} opened event, searched as text`);
        await filter().press('ArrowDown');
        await audit(`${colorScheme} history`);
        await page.locator('.custom').click();
        await page.getByRole('dialog').waitFor();
        await audit(`${colorScheme} time range`);
        await page.keyboard.press('Escape');
        await page.getByLabel('Help: keys and filters').click();
        await page.getByRole('dialog').waitFor();
        await audit(`${colorScheme} help`);
        await fetch(`${server.url}/api/documents/audit`, { method: 'PUT', body: '{}' });
        await open('?view=documents&key=audit');
        await audit(`${colorScheme} documents`);
        await open('?view=refused');
        await audit(`${colorScheme} refused`);
      }
    },
  },
  {
    name: 'behind a base path',
    run: async ({ page, server, check, hosts }) => {
      // A proxy that serves the server below /logs/, as reverse proxies do.
      const target = new URL(server.url);
      const proxy = createServer((incoming, outgoing) => {
        if (!incoming.url.startsWith('/logs/')) return outgoing.writeHead(404).end();
        const onward = request({ host: target.hostname, port: target.port, method: incoming.method, path: incoming.url.slice('/logs'.length), headers: { ...incoming.headers, host: target.host } }, (answer) => {
          outgoing.writeHead(answer.statusCode, answer.headers);
          answer.pipe(outgoing);
        });
        onward.on('error', () => outgoing.destroy());
        outgoing.on('close', () => onward.destroy());
        incoming.pipe(onward);
      });
      await new Promise((listening) => proxy.listen(0, '127.0.0.1', listening));
      try {
        const base = `http://127.0.0.1:${proxy.address().port}/logs/`;
        hosts.add(new URL(base).host);
        await page.goto(base + "?filter=Product%20%3D%20'compass'");
        await page.locator('.row').first().waitFor();
        await page.keyboard.press('t');
        await page.locator('.dot.live').waitFor();
        await server.ingest([{ '@t': new Date().toISOString(), '@mt': 'A {Product} came by proxy', Product: 'compass' }]);
        await page.locator('.row', { hasText: 'came by proxy' }).waitFor();
        check(page.url().startsWith(base), `the address left the base: ${page.url()}`);
      } finally {
        proxy.closeAllConnections();
        proxy.close();
      }
    },
  },
  {
    name: 'errors say what happened and what to do',
    expect: [/Failed to load resource/],
    run: async ({ page, open, check }) => {
      const answer = (status, body) => page.route('**/api/events?*', (route) => route.fulfill({ status, body }));
      await answer(400, '{"Error":"the filter is longer than 1 MB"}');
      await open('?filter=x');
      await page.getByText('the filter is longer than 1 MB').waitFor();
      await page.unrouteAll();
      await answer(200, '<html>a proxy says hello</html>');
      await page.getByText('Try again').click();
      await page.getByText('Is something else answering').waitFor();
      await page.unrouteAll();
      await answer(503, '{"Error":"the store is being opened"}');
      await page.getByText('Try again').click();
      await page.getByText('the store is being opened').waitFor();
      check(await page.getByText('Try now').isVisible(), 'the banner offers to try now');
      await page.unrouteAll();
      await page.getByText('Clear the filter').or(page.getByText('Try now')).first().click();
      await page.locator('.row, .state').first().waitFor();
      await page.getByText('the store is being opened').waitFor({ state: 'detached' });
    },
  },
  {
    name: 'the picture for the README',
    options: { viewport: { width: 1440, height: 900 } },
    run: async ({ page, server, check, out }) => {
      const failure = shop.findLast((e) => e['@mt'].startsWith('Payment') && e.Lines.length === 1);
      const to = new Date(Date.parse(failure['@t']) + 6500).toISOString();
      const from = new Date(Date.parse(to) - 45 * 60_000).toISOString();
      await page.goto(`${server.url}/?${new URLSearchParams({ filter: "Application = 'Shop.Web' and not (@Level = 'Debug')", from, to })}`);
      await page.locator('.row', { hasText: `Payment of order ${failure.OrderId}` }).click();
      await page.locator('.detail').waitFor();
      await page.mouse.move(5, 895);
      await page.evaluate(() => document.activeElement.blur());
      await page.waitForFunction(() => document.querySelectorAll('.plot path').length > 2 && !document.querySelector('.busy'));
      await page.waitForTimeout(400);
      const path = resolve(process.env.STELE_SCREENSHOT ?? out + 'screenshot.png');
      await page.screenshot({ path });
      check(statSync(path).size < 300_000, `the picture has ${statSync(path).size} bytes`);
    },
  },
];
