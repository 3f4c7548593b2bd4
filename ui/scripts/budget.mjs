// The page's budget: script and style together, before compression. Run after a build.
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const limit = 200_000;
const dist = fileURLToPath(new URL('../dist', import.meta.url));
let total = 0;
for (const name of readdirSync(dist, { recursive: true })) {
  if (/\.(js|css)$/.test(name)) total += statSync(join(dist, name)).size;
}
console.log(`script and style: ${total.toLocaleString('en')} of ${limit.toLocaleString('en')} bytes`);
if (total === 0 || total > limit) {
  console.error(total === 0 ? 'nothing was built' : 'over the budget: leave something out');
  process.exit(1);
}
