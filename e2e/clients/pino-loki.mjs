// Logs through pino into pino-loki, which runs in a thread of its own, to the URL given.
import { once } from 'node:events';
import pino from 'pino';

const [host] = process.argv.slice(2);
const alive = setInterval(() => {}, 1000); // nothing else waits for the thread
const transport = pino.transport({
  target: 'pino-loki',
  options: { host, labels: { app: 'shop' }, batching: { interval: 1 } },
});
await once(transport, 'ready');
const logger = pino({ level: 'trace' }, transport);

logger.info({ orderId: 42, meta: { trace_id: '0123456789abcdef0123456789abcdef' } }, 'Order placed');
logger.error(new Error('it broke'), 'Order failed');
logger.trace('details');

transport.end();
await once(transport, 'close');
clearInterval(alive);
