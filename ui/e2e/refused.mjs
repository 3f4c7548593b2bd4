// Refused payloads: seen with their reason, looked into, ingested again, deleted.
export const refusedCases = [
  {
    name: 'what was refused is seen, refused again with the reason, and deleted',
    run: async ({ page, open, check, server }) => {
      await open('?view=refused');
      await page.getByText('Nothing was refused.').waitFor();
      const bad = '{"@t":"2026-11-20T10:00:00Z","@m":"fine"}\n{"@t":"noon","@m":"<b>odd</b>"}\n';
      const answer = await fetch(`${server.url}/ingest/clef`, { method: 'POST', body: bad });
      check(answer.status === 400, `the server took it: ${answer.status}`);
      await page.reload();
      const entry = page.locator('.refused .entry');
      await entry.waitFor();
      check(/^2: /.test(await entry.locator('.why').innerText()), 'the reason begins with the line');
      check(/clef to \/ingest\/clef · \d+ B/.test(await entry.locator('.facts').innerText()), 'protocol, address and size are told');
      await entry.click();
      const payload = page.getByLabel('The payload');
      await page.waitForFunction(() => document.querySelector('.refused pre')?.textContent.includes('odd'));
      check((await payload.textContent()) === bad, 'the payload is shown as it came');
      check((await payload.locator('b').count()) === 0, 'and never as a page');
      await page.getByRole('button', { name: 'Ingest again' }).click();
      await page.getByText('Refused again:').waitFor();
      await page.getByRole('button', { name: 'Delete' }).click();
      await page.getByText('Nothing was refused.').waitFor();
      check((await server.get('api/refused')).body === '[]', 'the list is empty');
    },
    expect: [/status of 400/],
  },
];
