import winston from 'winston';
import LokiTransport from 'winston-loki';

export function open(host, { minute, ...options }, onError) {
  const transport = new LokiTransport({ host, labels: { app: 'faults' }, json: true, onConnectionError: onError, gracefulShutdown: false, ...options });
  if (minute) {
    transport.batcher.circuitBreakerInterval = minute; // of waiting after a failure: no option sets it
  }
  const logger = winston.createLogger({ transports: [transport] });
  return {
    emit: (n) => logger.info(`probe ${n}`),
    flush: () => transport.flush(),
    close: () => transport.close(),
  };
}
