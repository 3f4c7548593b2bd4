// Live tail, pause, and a server that goes away.
const event = (text, more = {}) => ({ '@t': new Date().toISOString(), '@mt': text, Origin: 'tail', ...more });

export const tailCases = [
  {
    name: 'the tail shows new events, pauses and resumes',
    run: async ({ page, open, server, check, search, rows }) => {
      await open();
      await page.keyboard.press('t');
      await page.locator('.dot.live').waitFor();
      await server.ingest([event('First {Number} of the tail', { Number: 1 })]);
      await page.locator('.row', { hasText: 'First 1 of the tail' }).waitFor();
      check((await rows().first().innerText()).includes('First 1'), 'it is on top');

      await page.getByRole('button', { name: 'Pause' }).click();
      await server.ingest([event('Held back'), event('Held back'), event('Held back')]);
      await page.getByRole('button', { name: 'Resume (3 waiting)' }).waitFor();
      check((await page.locator('.row', { hasText: 'Held back' }).count()) === 0, 'nothing joins the list while paused');
      await page.getByRole('button', { name: 'Resume (3 waiting)' }).click();
      await page.waitForFunction(() => [...document.querySelectorAll('.row')].filter((r) => r.textContent.includes('Held back')).length === 3);

      await search("Number = 2");
      await page.locator('.dot.live').waitFor();
      await server.ingest([event('Not {Number}', { Number: 3 }), event('Second {Number} of the tail', { Number: 2 })]);
      await page.locator('.row', { hasText: 'Second 2 of the tail' }).waitFor();
      check((await rows().count()) === 1, 'the tail follows the filter');
    },
  },
  {
    name: 'a flood: memory is bounded, nothing is lost',
    run: async ({ page, open, server, check }) => {
      await open('?filter=Has(Flood)');
      await page.keyboard.press('t');
      await page.locator('.dot.live').waitFor();
      const flood = (n, from) => Array.from({ length: n }, (_, i) => event('Drop {Flood}', { Flood: from + i }));
      await server.ingest(flood(12_000, 0));
      await page.locator('.row', { hasText: 'Drop 11999' }).waitFor();
      await page.waitForFunction(() => document.querySelectorAll('article').length < 100);
      // The list holds the newest 10,000 and knows that there is more.
      const height = await page.locator('.all').evaluate((a) => a.offsetHeight);
      check(height <= 10_000 * 25, `${height / 25} events are held`);
      await page.keyboard.press('p');
      await server.ingest(flood(7_000, 20_000));
      await page.getByRole('button', { name: 'Resume (7,000 waiting)' }).click();
      await page.locator('.row', { hasText: 'Drop 26999' }).waitFor();
      await page.keyboard.press('t');
      await page.evaluate(async () => {
        const list = document.querySelector('.list');
        while (!document.querySelector('.end').textContent.includes('That is all')) {
          list.scrollTo(0, list.scrollHeight);
          await new Promise((r) => setTimeout(r, 20));
        }
      });
      check((await page.locator('.end').innerText()).includes('19,000'), `all are reached: ${await page.locator('.end').innerText()}`);
    },
  },
  {
    name: 'what is being read stays in place while events arrive',
    run: async ({ page, open, server, check }) => {
      await open();
      await page.keyboard.press('t');
      await page.locator('.dot.live').waitFor();
      await page.locator('.list').evaluate((l) => l.scrollTo(0, 900));
      await page.waitForTimeout(200);
      const place = () => page.evaluate(() => {
        const top = document.querySelector('.list').getBoundingClientRect().top;
        const first = [...document.querySelectorAll('article')].sort((a, b) => a.ariaPosInSet - b.ariaPosInSet).find((a) => a.getBoundingClientRect().top >= top);
        return `${first.querySelector('.row').title} ${first.querySelector('.message').textContent} at ${Math.round(first.getBoundingClientRect().top)}`;
      });
      const before = await place();
      const height = await page.locator('.all').evaluate((a) => a.offsetHeight);
      await server.ingest(Array.from({ length: 20 }, (_, i) => event('Above {I}', { I: i })));
      await page.waitForFunction((h) => document.querySelector('.all').offsetHeight >= h + 20 * 25, height);
      await page.waitForTimeout(300);
      const after = await place();
      check(before === after, `moved from ${before} to ${after}`);
    },
  },
  {
    name: 'a server that goes away is noticed, and the tail resumes where it was',
    seconds: 60,
    expect: [/Failed to load resource/, /ERR_/],
    run: async ({ page, open, server }) => {
      await open();
      await page.keyboard.press('t');
      await page.locator('.dot.live').waitFor();
      await server.ingest([event('Before the fall')]);
      await page.locator('.row', { hasText: 'Before the fall' }).waitFor();
      await server.kill();
      await page.keyboard.press('r');
      await page.getByText('The server does not answer.').waitFor();
      await page.locator('.row').first().waitFor();
      await server.start();
      // Comes in before the page is back: the stream must fetch it by its last id (R5).
      await server.ingest([event('While you were away')]);
      await page.getByText('The server does not answer.').waitFor({ state: 'detached', timeout: 20_000 });
      await page.locator('.row', { hasText: 'While you were away' }).waitFor();
      await page.locator('.row', { hasText: 'Before the fall' }).waitFor();
      await page.locator('.dot.live').waitFor({ timeout: 20_000 });
      await server.ingest([event('And on')]);
      await page.locator('.row', { hasText: 'And on' }).waitFor();
    },
  },
];
