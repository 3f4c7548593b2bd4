import winston from 'winston';
import LokiTransport from 'winston-loki';

export function open(host, options, onError) {
  const transport = new LokiTransport({ host, labels: { app: 'faults' }, json: true, onConnectionError: onError, gracefulShutdown: false, ...options });
  const logger = winston.createLogger({ transports: [transport] });
  return {
    emit: (n) => logger.info(`probe ${n}`),
    flush: () => transport.flush(),
    close: () => transport.close(),
  };
}
