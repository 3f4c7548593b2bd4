import pino from 'pino';
import { createStream } from 'pino-seq';

export function open(serverUrl, options, onError) {
  const stream = createStream({ serverUrl, onError, ...options });
  const logger = pino({}, stream);
  return {
    emit: (n) => logger.info({ n }, `probe ${n}`),
    flush: () => stream.flush(),
    close: () => new Promise((done) => stream.end(done)),
  };
}
