import { SeqTransport } from '@datalust/winston-seq';
import winston from 'winston';

export function open(serverUrl, options, onError) {
  const transport = new SeqTransport({ serverUrl, onError, ...options });
  const logger = winston.createLogger({ transports: [transport] });
  return {
    emit: (n) => logger.info('probe {n}', { n }),
    flush: () => transport.flush(),
    close: () => transport.flush(),
  };
}
