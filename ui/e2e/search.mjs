// Finding events: from the empty store to drilling down.
import { sample } from './sample.mjs';

/** The shop's last hour, in the store from the second case on. */
export const shop = sample(3000, { seed: 7, end: Date.now() - 5_000 });
const some = (keep) => shop.filter(keep).length;

/** The clauses that an opened event's buttons stand for: [find, exclude] of each value. */
const clausesOf = (detail) =>
  detail.locator('[data-value]:has(button.find)').evaluateAll((list) =>
    list.map((r) => [r.querySelector('.find').title.replace(/^Find with | \(f\)$/g, ''), r.querySelector('.exclude').title.replace(/^Exclude: | \(x\)$/g, '')]),
  );

export const searchCases = [
  {
    name: 'an empty store shows how to send the first event',
    fills: true,
    run: async ({ page, open, server, check, rows }) => {
      await open();
      await page.getByText('Nothing is stored yet').waitFor();
      check((await page.locator('pre').innerText()).includes(`${server.url}/ingest/clef`), 'the command has no address of this server');
      await page.getByText('Send one from here').click();
      await rows().first().waitFor();
      check((await rows().first().innerText()).includes('Hello, me'), 'it is rendered');
      check((await rows().count()) === 1, 'one event shows');
    },
  },
  {
    name: 'ingested events show, newest first, with levels and a histogram',
    fills: true,
    run: async ({ page, open, server, check, rows }) => {
      await server.ingest(shop);
      await open();
      await rows().nth(20).waitFor();
      const times = await page.locator('.row').evaluateAll((list) => list.map((r) => r.title));
      check(times.every((t, i) => i === 0 || t <= times[i - 1]), `rows are newest first: ${times}`);
      await page.locator('.row.error, .row.warning').first().waitFor();
      check((await page.locator('.row .value').count()) > 10, 'property values are marked');
      await page.getByText(`${(shop.length + 1).toLocaleString('en')} events in`).waitFor();
      check((await page.locator('.plot path').count()) >= 4, 'the histogram has levels');
      check((await rows().first().locator('.level').innerText()).length > 0, 'a row has its level');
    },
  },
  {
    name: 'a filter selects, is kept in the address and in the history',
    run: async ({ page, open, search, check, rows, filter, count, asText }) => {
      await open();
      const text = "Product = 'teapot' and Count >= 2";
      await search(text);
      const want = some((e) => e.Product === 'teapot' && e.Count >= 2);
      await page.getByText(`That is all: ${want} events.`).waitFor();
      check((await asText().count()) === 0, 'the filter is an expression');
      check(new URL(page.url()).searchParams.get('filter') === text, 'the address has the filter');
      await search("@Level = 'Error'");
      check((await count("@Level = 'Error'")) === some((e) => e['@l'] === 'Error'), 'the server counts errors');
      await page.getByText(`That is all: ${some((e) => e['@l'] === 'Error')} events.`).waitFor();
      check((await page.locator('.row:not(.error)').count()) === 0, 'only errors show');
      await page.goBack();
      await page.getByText(`That is all: ${want} events.`).waitFor();
      check((await filter().inputValue()) === text, 'back brings the filter back');
      await page.reload();
      await page.getByText(`That is all: ${want} events.`).waitFor();
      await page.goForward();
      await page.locator('.row.error').first().waitFor();

      await filter().fill('');
      await filter().press('ArrowDown');
      await page.getByRole('option').filter({ hasText: 'teapot' }).waitFor();
      await filter().press('ArrowDown');
      await filter().press('Enter');
      check((await filter().inputValue()).length > 0, 'a filter from the history is used');
      await rows().first().waitFor();
    },
  },
  {
    name: 'a misspelt property is named where nothing is found',
    run: async ({ page, open, search, check }) => {
      await open();
      await search("Prodct = 'teapot'");
      await page.getByText('no event has a property Prodct; did you mean Product?').waitFor();
      await search("Product = 'no such thing'");
      await page.getByText('No events match').waitFor();
      await page.getByText('no event has a property').waitFor({ state: 'detached' });
      check((await page.getByText('did you mean').count()) === 0, 'Product is a property');
    },
  },
  {
    name: 'what is no expression is searched as text, with reason and place',
    run: async ({ page, open, search, check, asText, filter }) => {
      await open();
      await search('Payment of order');
      await asText().getByText('Searched as text').waitFor();
      await page.getByText(`That is all: ${some((e) => e['@mt'].startsWith('Payment'))} events.`).waitFor();
      await search('Count == 3');
      await asText().getByText(/column \d+/).waitFor();
      await asText().getByText('Go there').click();
      check(await filter().evaluate((i) => document.activeElement === i && i.selectionStart === 6), 'the caret is at the mistake');
      await search('Count = 3');
      check((await asText().count()) === 0, 'the note is gone');
    },
  },
  {
    name: 'an event opens to properties, exception and ids',
    run: async ({ page, open, search, check, rows }) => {
      await open();
      await search('"Payment of order"');
      await rows().first().click();
      const detail = page.locator('.detail');
      await detail.getByText('Shop.Payments.GatewayException').waitFor();
      for (const name of ['card type', 'Lines', 'Coupon', '@TraceId', '@SpanId', '@Id', '@Level', '@MessageTemplate']) await detail.getByText(name, { exact: true }).waitFor();
      await detail.getByText('Payment of order {OrderId} failed').waitFor();
      check((await detail.locator('.text').filter({ hasText: /^event-[0-9a-f]{32}$/ }).count()) === 1, 'the id shows');
      await page.keyboard.press('Escape');
      await detail.waitFor({ state: 'detached' });
      await rows().first().click();
      await detail.getByText('Events like this').click();
      await page.waitForURL(/EventType/);
      await page.getByText(`That is all: ${some((e) => e['@mt'].startsWith('Payment'))} events.`).waitFor();
      check((await page.locator('.note').count()) === 0, 'the event type is an expression');
    },
  },
  {
    name: 'every value of an event can be found and excluded',
    run: async ({ page, open, search, check, rows, count, server }) => {
      await open();
      for (const first of ['"Payment of order"', "User = 'o''hara' and Has(Gift)", 'StatusCode > 0', 'Has(Tags)']) {
        await search(first);
        await rows().first().click();
        const detail = page.locator('.detail');
        const id = await detail.locator('[data-value="@Id"] .text').innerText();
        for (const fold of await detail.locator('.fold[aria-expanded=false]').all()) await fold.click();
        const clauses = await clausesOf(detail);
        check(clauses.length > 6, `values of ${first}: ${clauses.length}`);
        for (const [find, exclude] of clauses) {
          for (const [clause, want] of [[find, 1], [exclude, 0]]) {
            const filter = `${clause} and @Id = '${id}'`;
            const { headers } = await server.get('api/events', { filter });
            check(!headers.get('X-Stele-Matched-As-Text'), `${clause} is no expression: ${headers.get('X-Stele-Matched-As-Text')}`);
            const n = await count(filter);
            check(n === want, `${clause}: ${n} events, want ${want}`);
          }
        }
      }
    },
  },
  {
    name: 'odd names and values: shown as written, found and excluded',
    fills: true,
    run: async ({ page, open, check, count, server }) => {
      const members = [
        ['Big', '635476923356034756'], ['Price', '1.50'], ['Power', '1.5e3'], ['Tiny', '-25E-4'], ['Negative', '-3'], ['Zero', '-0'], ['Huge', '1e300'],
        ['', '"empty name"'], ["it's", '"it\'s"'], ['odd name', 'true'], ['http.status', '200'], ['@@at', 'false'], ['and', '1'], ['Größe', '"ä €"'],
        ['Lines', '"one\\ntwo\\tthree"'], ['Back', '"C:\\\\new \\"x\\" 100% _ {a}"'], ['Empty', '""'], ['Face', '"\\ud83d\\ude00"'],
        ['None', 'null'], ['Nothing', '[]'], ['Bare', '{}'],
        ['Deep', '{"odd key":{"and":[{"x":1.0},[2,"three"]]},"null":null,"q\'q":"\'"}'],
      ];
      await server.ingestText(`{"@t":"${shop[10]['@t']}","@mt":"Odd {Price} {Big}",${members.map(([n, v]) => `${JSON.stringify(n)}:${v}`).join(',')}}\n`);
      await open('?filter=Big%20%3D%20635476923356034756');
      await page.locator('.row').first().click();
      const detail = page.locator('.detail');
      const id = await detail.locator('[data-value="@Id"] .text').innerText();
      for (const [name, text] of [['Big', '635476923356034756'], ['Price', '1.50'], ['Power', '1.5e3'], ['Zero', '-0'], ['Huge', '1e300']]) {
        const shown = await detail.locator(`[data-value="${name}"] .text`).innerText();
        check(shown === text, `${name} is shown as ${shown}, want ${text}`);
      }
      for (let folds; (folds = detail.locator('.fold[aria-expanded=false]')), (await folds.count()) > 0; ) await folds.first().click();
      const clauses = await clausesOf(detail);
      check(clauses.length >= members.length + 8, `${clauses.length} values`);
      const wrong = [];
      for (const [find, exclude] of clauses) {
        for (const [clause, want] of [[find, 1], [exclude, 0]]) {
          const filter = `${clause} and @Id = '${id}'`;
          const asText = (await server.get('api/events', { filter })).headers.get('X-Stele-Matched-As-Text');
          const n = await count(filter);
          if (asText || n !== want) wrong.push(`${clause}: ${asText ?? `${n} events, want ${want}`}`);
        }
      }
      check(wrong.length === 0, wrong.join('\n'));
      // A value with line breaks survives the filter box.
      await detail.locator('[data-value="Lines"] button.find').click();
      await page.waitForFunction(() => document.querySelector('textarea').value.includes("Lines = 'one\ntwo"));
      await page.locator('textarea').press('Enter');
      await page.getByText('That is all: 1 event.').waitFor();
    },
  },
  {
    name: 'find with this value, then exclude',
    run: async ({ page, open, search, check, rows, filter }) => {
      await open();
      await search('"Payment of order"');
      await rows().first().click();
      const type = await page.locator('.detail [data-value*="card type"] .text').innerText();
      await page.locator('.detail [data-value*="card type"] button.find').click();
      const found = `"Payment of order" and @Properties['card type'] = '${type}'`;
      await page.waitForFunction((text) => document.querySelector('textarea').value === text, found);
      await page.getByText(`That is all: ${some((e) => e['card type'] === type)} events.`).waitFor();
      await search("User = 'o''hara' or User = 'ann'");
      await rows().first().click();
      const product = page.locator('.detail [data-value="MachineName"]');
      const name = await product.locator('.text').innerText();
      await product.locator('button.exclude').click();
      await page.waitForFunction((text) => document.querySelector('textarea').value === text, `(User = 'o''hara' or User = 'ann') and not (MachineName = '${name}')`);
      const want = some((e) => (e.User === "o'hara" || e.User === 'ann') && e.MachineName !== name);
      await page.getByText(`That is all: ${want} events.`).waitFor();
      check((await filter().inputValue()).endsWith(`'${name}')`), 'the filter shows the exclusion');
    },
  },
  {
    name: 'a time range is picked, zoomed by pointer and by keyboard',
    run: async ({ page, open, check }) => {
      await open();
      await page.getByRole('button', { name: '15 min' }).click();
      await page.waitForURL(/range=15m/);
      await page.getByRole('button', { name: 'All', exact: true }).click();
      await page.getByText(`${(shop.length + 2).toLocaleString('en')} events in`).waitFor();
      const plot = await page.locator('.plot').boundingBox();
      await page.mouse.move(plot.x + plot.width * 0.25, plot.y + 20);
      await page.mouse.down();
      await page.mouse.move(plot.x + plot.width * 0.5, plot.y + 20, { steps: 4 });
      await page.mouse.up();
      await page.waitForURL(/from=.*to=/);
      await page.mouse.move(plot.x + 100, plot.y + 300);
      await page.waitForFunction(() => !document.querySelector('.histogram.loading') && /^\d[\d,]* events in/.test(document.querySelector('.axis .mid')?.textContent ?? ''));
      const zoomed = parseInt((await page.locator('.axis').innerText()).match(/([\d,]+) events/)[1].replace(',', ''));
      check(zoomed > shop.length * 0.15 && zoomed < shop.length * 0.4, `a quarter was zoomed to: ${zoomed}`);
      const before = page.url();
      await page.keyboard.press('h');
      for (const key of ['Home', 'ArrowRight', 'Shift+ArrowRight', 'Enter']) await page.keyboard.press(key);
      await page.waitForFunction((url) => location.href !== url, before);
      await page.locator('.custom').click();
      const range = page.getByRole('dialog', { name: 'Choose a time range' });
      await range.getByLabel('From').fill('2001-02-03T04:05:06');
      await range.getByLabel('To').fill('2001-02-03T04:05:07');
      await range.getByText('Apply').click();
      await page.getByText('No events match').waitFor();
      await page.getByText('Search all time').click();
      await page.locator('.row').first().waitFor();
    },
  },
];
