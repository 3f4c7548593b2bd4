// Logs through pino into pino-seq, to the URL given.
import pino from 'pino';
import pinoToSeq from 'pino-seq';

const [serverUrl] = process.argv.slice(2);
let failed = 0;
const stream = pinoToSeq.createStream({
  serverUrl,
  onError: (error) => {
    failed = 1;
    console.error(String(error));
  },
});
const logger = pino({ name: 'pino-seq example', level: 'trace' }, stream);

logger.info({ orderId: 42 }, 'Order placed');
logger.error(new Error('it broke'), 'Order failed');
logger.trace('details');

await new Promise((done) => setTimeout(done, 200));
await stream.flush();
process.exit(failed);
