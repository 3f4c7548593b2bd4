// Logs through winston into winston-seq, as its README shows, to the URL given.
import { SeqTransport } from '@datalust/winston-seq';
import winston from 'winston';

const [serverUrl] = process.argv.slice(2);
let failed = 0;
const transport = new SeqTransport({
  serverUrl,
  onError: (error) => {
    failed = 1;
    console.error(String(error));
  },
});
const logger = winston.createLogger({
  level: 'silly',
  format: winston.format.combine(winston.format.errors({ stack: true }), winston.format.json()),
  defaultMeta: { application: 'example' },
  transports: [transport],
});

logger.info('Hello {name}', { name: 'Ada' });
logger.child({ activity: 'purchase' }).debug('User {user} bought {product} at ${price}', {
  user: 'Grace',
  product: 'shears',
  price: 29.99,
});
logger.error(new Error('it broke'));
logger.silly('details');

await new Promise((done) => setTimeout(done, 200));
await transport.flush();
process.exit(failed);
