// A hundred thousand events, all loaded, all scrolled over.
import { sample } from './sample.mjs';

const many = 100_000;

export const largeCases = [
  {
    name: '100,000 events: few nodes, smooth scrolling',
    seconds: 150,
    run: async ({ page, open, server, check }) => {
      for (let part = 0; part < 10; part++) {
        await server.ingest(sample(many / 10, { seed: 100 + part, end: Date.now() - part * 3_600_000 }).map((e) => ({ ...e, Load: 'large' })));
      }
      await open("?filter=Load%20%3D%20'large'");
      await page.locator('.row').first().waitFor();
      // Down to the end, page after page.
      const started = Date.now();
      await page.evaluate(async () => {
        const list = document.querySelector('.list');
        while (!document.querySelector('.end').textContent.includes('That is all')) {
          list.scrollTo(0, list.scrollHeight);
          await new Promise((r) => setTimeout(r, 20));
        }
      });
      const loading = Date.now() - started;
      check((await page.locator('.end').innerText()).includes(many.toLocaleString('en')), 'all are loaded');
      const result = await page.evaluate(async () => {
        const list = document.querySelector('.list');
        const frames = [];
        let most = 0;
        let blank = 0;
        const frame = () => new Promise((r) => requestAnimationFrame(r));
        await frame();
        let last = performance.now();
        for (let i = 0; i < 240; i++) {
          list.scrollTo(0, (i % 80 < 40 ? i * 137 : (240 - i) * 9973) % (list.scrollHeight - list.clientHeight));
          await frame();
          const now = performance.now();
          frames.push(now - last);
          last = now;
          most = Math.max(most, document.querySelectorAll('article').length);
          const box = list.getBoundingClientRect();
          if (!document.elementFromPoint(box.left + 300, box.top + box.height / 2)?.closest('article')) blank++;
        }
        frames.sort((a, b) => a - b);
        return { median: frames[120], p95: frames[228], slow: frames.filter((f) => f > 16.7 * 2).length, most, blank, nodes: document.querySelectorAll('*').length, heap: performance.memory?.usedJSHeapSize };
      });
      console.log(`      loaded in ${loading} ms; frames median ${result.median.toFixed(1)} ms, 95 % ${result.p95.toFixed(1)} ms, ${result.slow} of 240 over 33 ms; ` +
        `${result.most} rows at most, ${result.nodes} nodes, ${Math.round((result.heap ?? 0) / 1e6)} MB heap`);
      check(result.most < 100, `${result.most} rows exist at once`);
      check(result.nodes < 3000, `${result.nodes} nodes`);
      check(result.median < 50, `a frame takes ${result.median} ms`);
      // The frame after a jump shows rows, not a blank; a few may come one frame late.
      check(result.blank < 24, `${result.blank} of 240 frames were blank`);
      await page.keyboard.press('G');
      await page.locator(`article[aria-posinset="${many}"]`).waitFor();
      await page.keyboard.press('g');
      await page.locator('article[aria-posinset="1"]').waitFor();
    },
  },
];
