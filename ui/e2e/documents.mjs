// Documents: add, check, edit, delete, undo.
export const documentCases = [
  {
    name: 'a document is added, checked, edited and deleted',
    run: async ({ page, open, check, server }) => {
      const stored = async (key) => (await fetch(`${server.url}/api/documents/${key}`)).text();
      const status = async (key) => (await fetch(`${server.url}/api/documents/${key}`)).status;
      await open('?view=documents');
      await page.getByRole('button', { name: 'New' }).click();
      await page.getByLabel('Key', { exact: true }).fill('settings/one two');
      const area = page.getByLabel('JSON of the document');
      const save = page.getByRole('button', { name: 'Save' });
      await area.fill('{\n  "limit": 1.500,\n  big: 1\n}');
      await page.getByText('Line 3, column 3:').waitFor();
      check(await save.isDisabled(), 'what is not JSON cannot be saved');
      await area.fill('{"limit":1.500,"big":12345678901234567890123}');
      await page.getByText('Valid JSON').waitFor();
      await page.getByRole('button', { name: 'Format' }).click();
      await save.click();
      await page.getByText('settings/one two saved.').waitFor();
      const want = '{\n  "limit": 1.500,\n  "big": 12345678901234567890123\n}';
      check((await stored('settings/one%20two')) === want, 'stored as written');
      check(new URL(page.url()).searchParams.get('key') === 'settings/one two', 'the address names the document');

      await page.reload();
      await page.waitForFunction((text) => document.querySelector('textarea')?.value === text, want);
      await area.fill('[1, 2]');
      await save.click();
      await page.getByText('settings/one two saved.').waitFor();
      check((await stored('settings/one%20two')) === '[1, 2]', 'edited');

      await area.fill('[1, 2, 3]');
      await page.getByRole('button', { name: 'New' }).click();
      await page.getByText('has changes that are not saved').waitFor();
      await page.getByText('Keep editing').click();
      check((await area.inputValue()) === '[1, 2, 3]', 'unsaved changes are kept');
      await save.click();
      await page.getByText('settings/one two saved.').waitFor();

      await page.getByRole('button', { name: 'Delete' }).click();
      await page.getByText('settings/one two deleted.').waitFor();
      check((await status('settings/one%20two')) === 404, 'deleted');
      await page.getByRole('button', { name: 'Undo' }).click();
      await page.getByText('settings/one two is back.').waitFor();
      check((await stored('settings/one%20two')) === '[1, 2, 3]', 'undone');
      await page.getByRole('button', { name: 'Delete' }).click();
      await page.getByText('settings/one two deleted.').waitFor();
      check((await page.locator('.entry', { hasText: 'one two' }).count()) === 0, 'gone from the list');
    },
    expect: [/status of 404/],
  },
  {
    name: 'odd keys reach their documents',
    run: async ({ page, open, check }) => {
      for (const key of ['a//b', 'x/../y', 'ä/%2F ?#', './z']) {
        await open('?view=documents');
        await page.getByRole('button', { name: 'New' }).click();
        await page.getByLabel('Key', { exact: true }).fill(key);
        await page.getByLabel('JSON of the document').fill('"here"');
        await page.getByRole('button', { name: 'Save' }).click();
        await page.getByText(`${key} saved.`).waitFor();
        await page.reload();
        await page.waitForFunction(() => document.querySelector('textarea')?.value === '"here"');
        check(await page.locator('.key').evaluateAll((list, k) => list.some((e) => e.textContent === k), key), `${key} is listed`);
        await page.getByRole('button', { name: 'Delete' }).click();
        await page.getByText(`${key} deleted.`).waitFor();
      }
    },
  },
  {
    name: 'documents are listed by prefix',
    run: async ({ page, open, server, check }) => {
      for (const key of ['a/1', 'a/2', 'b']) await fetch(`${server.url}/api/documents/${key}`, { method: 'PUT', body: '1' });
      await open('?view=documents');
      await page.locator('.entry', { hasText: 'a/1' }).waitFor();
      await page.getByLabel('Keys that begin with').fill('a/');
      await page.locator('.key', { hasText: /^b$/ }).waitFor({ state: 'detached' });
      check((await page.locator('.entry').count()) === 2, 'two keys begin with a/');
    },
  },
];
