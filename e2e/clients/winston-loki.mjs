// Logs through winston into winston-loki, to the URL given, as json or protobuf.
import winston from 'winston';
import LokiTransport from 'winston-loki';

const [host, form] = process.argv.slice(2);
let failed = 0;
const transport = (options) =>
  new LokiTransport({
    host,
    json: form === 'json',
    interval: 1,
    onConnectionError: (error) => {
      failed = 1;
      console.error(String(error));
    },
    ...options,
  });

const text = transport({ labels: { app: 'shop', note: 'a "quoted" word' } });
const lines = transport({ labels: { app: 'lines' }, format: winston.format.json() });
const logger = winston.createLogger({ level: 'silly', transports: [text, lines] });
logger.info('Order placed', { orderId: 42 });
logger.error('Order failed');
logger.silly('details', { labels: { part: 'cart' } });

await text.flush();
await lines.flush();
process.exit(failed);
