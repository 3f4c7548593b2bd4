// Sends two events and an error with seq-logging, as its README shows, to the URL given.
import { Logger } from 'seq-logging';

const [serverUrl, apiKey] = process.argv.slice(2);
let failed = 0;
const logger = new Logger({
  serverUrl,
  apiKey,
  onError: (error) => {
    failed = 1;
    console.error(String(error));
  },
});

logger.emit({
  timestamp: new Date('2026-11-20T10:23:02.725Z'),
  level: 'Information',
  messageTemplate: 'Hello {name}, {n:000}',
  properties: { name: 'Ada', n: 3, nested: { list: [1, null, 'é'], '@odd': true } },
});
logger.emit({
  timestamp: new Date('2026-11-20T10:23:02.726Z'),
  level: 'Error',
  messageTemplate: 'Boom {x}',
  exception: 'Error: boom\n    at f',
  traceId: '0123456789abcdef0123456789abcdef',
  spanId: '0123456789abcdef',
  properties: { x: 1 },
});

await logger.close();
process.exit(failed);
